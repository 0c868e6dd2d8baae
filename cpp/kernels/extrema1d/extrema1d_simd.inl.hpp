// SPDX-License-Identifier: Apache-2.0
// Row loops of extrema1d, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/extrema1d/extrema1d_task.hpp"

namespace voxkern::extrema1d {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/simd.inl.hpp"
#include "core/simd/stride.inl.hpp"

// pick(earlier, later), as the instructions have it: the later one where they are equal, and where either is NaN.
struct Minimum {
    template <class V>
    static V pick(V a, V b) {
        return a < b ? a : b;
    }
};
struct Maximum {
    template <class V>
    static V pick(V a, V b) {
        return a > b ? a : b;
    }
};
// A NaN gives way to the other.
template <class Plain>
struct NanSafe {
    template <class V>
    static V pick(V a, V b) {
        const V best = Plain::pick(a, b);
        return b == b ? best : a;
    }
};

// Whether a NaN has been seen, lane by lane. Other types have none.
template <class T>
struct Watch {
    void see(Vec<T> x) {
        if constexpr (kFloating<T>) seen |= is_nan(x);
    }
    bool nan() const {
        if constexpr (!kFloating<T>) {
            return false;
        } else {
#if defined(__AVX512F__)
            return seen != 0;
#else
            auto any = seen[0];
            for (std::int64_t i = 1; i < kVec<T>; ++i) any |= seen[i];
            return any != 0;
#endif
        }
    }
#if defined(__AVX512F__)
    static unsigned is_nan(Vec<float> x) { return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q); }
    static unsigned is_nan(Vec<double> x) { return _mm512_cmp_pd_mask(x, x, _CMP_UNORD_Q); }
    unsigned seen = 0;
#else
    static auto is_nan(Vec<T> x) { return x != x; }
    decltype(Vec<T>{} != Vec<T>{}) seen = {};
#endif
};

// Whole vectors, and the first `count` lanes of one where a row is shorter than that.
template <class T>
struct Whole {
    Vec<T> load(const T* p) const { return VOXKERN_LEVEL::load(p); }
    void store(T* p, Vec<T> v) const { VOXKERN_LEVEL::store(p, v); }
};
template <class T>
struct Part {
    std::int64_t count;
    Vec<T> load(const T* p) const {
        Vec<T> v = {};
        __builtin_memcpy(&v, p, static_cast<std::size_t>(count) * sizeof(T));
        return v;
    }
    void store(T* p, Vec<T> v) const { __builtin_memcpy(p, &v, static_cast<std::size_t>(count) * sizeof(T)); }
};

// Calls strip(lanes, U, at) for columns [at, at + U vectors) of a row of `count`. The last vector begins where it ends
// with the row, so columns may come twice.
template <class T, class Strip>
inline void for_strips(std::int64_t count, const Strip& strip) {
    constexpr std::int64_t V = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(T));
    if (count < V) {
        strip.template run<1>(Part<T>{count}, 0);
        return;
    }
    std::int64_t at = 0;
    for (; at + 4 * V <= count; at += 4 * V) strip.template run<4>(Whole<T>{}, at);
    for (; at + V <= count; at += V) strip.template run<1>(Whole<T>{}, at);
    if (at < count) strip.template run<1>(Whole<T>{}, count - V);
}

// --- windows across rows ---

// Rows first .. first + outputs - 1 of the result. Their windows share the rows in the middle: extrema from each row
// to the end of the first window are stored, those from the start of the rows behind it are carried along.
template <class Op, class T>
struct SlideStrip {
    const T* const* rows;
    T* const* out;
    std::int64_t outputs;  // size at most
    std::int64_t size;
    T* suffix;
    Watch<T>* watch;

    template <int U, class Lanes>
    void run(const Lanes& lanes, std::int64_t at) const {
        constexpr std::int64_t V = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(T));
        Watch<T> seen = *watch;
        Vec<T> best[U];
        for (int u = 0; u < U; ++u) {
            best[u] = lanes.load(rows[size - 1] + at + u * V);
            seen.see(best[u]);
            if (outputs == size) store(suffix + ((size - 1) * U + u) * V, best[u]);
        }
        for (std::int64_t k = size - 2; k >= 0; --k) {
            const T* const row = rows[k] + at;
            for (int u = 0; u < U; ++u) {
                const Vec<T> x = lanes.load(row + u * V);
                seen.see(x);
                best[u] = Op::pick(x, best[u]);
            }
            if (k < outputs) {
                for (int u = 0; u < U; ++u) store(suffix + (k * U + u) * V, best[u]);
            }
        }
        for (int u = 0; u < U; ++u) lanes.store(out[0] + at + u * V, best[u]);
        for (std::int64_t k = 1; k < outputs; ++k) {
            const T* const row = rows[size + k - 1] + at;
            T* const to = out[k] + at;
            for (int u = 0; u < U; ++u) {
                const Vec<T> x = lanes.load(row + u * V);
                seen.see(x);
                best[u] = k == 1 ? x : Op::pick(best[u], x);
                lanes.store(to + u * V, Op::pick(load(suffix + (k * U + u) * V), best[u]));
            }
        }
        *watch = seen;
    }
};

template <class Op, class T>
bool slide(Rows rows, void* const* out, std::int64_t n, std::int64_t size, std::int64_t count, void* suffix) {
    const T* const* from = reinterpret_cast<const T* const*>(rows);
    T* const* to = reinterpret_cast<T* const*>(out);
    Watch<T> watch;
    for (std::int64_t first = 0; first < n; first += size) {
        const std::int64_t outputs = size < n - first ? size : n - first;
        for_strips<T>(count,
                      SlideStrip<Op, T>{from + first, to + first, outputs, size, static_cast<T*>(suffix), &watch});
    }
    return watch.nan();
}

// --- one row out of several ---

template <class Op, class T>
struct CombineStrip {
    const T* const* rows;
    std::int64_t n;
    T* VOXKERN_RESTRICT out;

    template <int U, class Lanes>
    void run(const Lanes& lanes, std::int64_t at) const {
        constexpr std::int64_t V = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(T));
        Vec<T> best[U];
        for (int u = 0; u < U; ++u) best[u] = lanes.load(rows[0] + at + u * V);
        for (std::int64_t r = 1; r < n; ++r) {
            const T* const row = rows[r] + at;
            for (int u = 0; u < U; ++u) best[u] = Op::pick(best[u], lanes.load(row + u * V));
        }
        for (int u = 0; u < U; ++u) lanes.store(out + at + u * V, best[u]);
    }
};

template <class Op, class T>
void combine(Rows rows, std::int64_t n, void* out, std::int64_t count) {
    for_strips<T>(count, CombineStrip<Op, T>{reinterpret_cast<const T* const*>(rows), n, static_cast<T*>(out)});
}

template <class T>
struct WatchStrip {
    const T* row;
    Watch<T>* watch;

    template <int U, class Lanes>
    void run(const Lanes& lanes, std::int64_t at) const {
        constexpr std::int64_t V = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(T));
        Watch<T> seen = *watch;
        for (int u = 0; u < U; ++u) seen.see(lanes.load(row + at + u * V));
        *watch = seen;
    }
};

template <class T>
bool has_nan(const void* row, std::int64_t count) {
    if constexpr (!kFloating<T>) return false;
    Watch<T> watch;
    for_strips<T>(count, WatchStrip<T>{static_cast<const T*>(row), &watch});
    return watch.nan();
}

// --- moves: U is an unsigned integer of the element's size ---

template <std::size_t bytes>
struct FloatOf {
    using type = float;
};
template <>
struct FloatOf<8> {
    using type = double;
};

// Rows that lie flush across the memory order, no more than a cache line holds.
template <class U>
void transpose_edge(const U* src, const Block& block, U* dst, std::int64_t pitch, std::int64_t rows) {
    using C = typename FloatOf<sizeof(U)>::type;  // registers are moved as they are
    constexpr std::int64_t K = kTransposeBlock<C>;
    for (std::int64_t i = 0; i < block.inner; i += K) {
        const std::int64_t n = K < block.inner - i ? K : block.inner - i;
        transpose(reinterpret_cast<const C*>(src + i * block.inner_stride), block.inner_stride,
                  reinterpret_cast<C*>(dst + i), pitch, n, rows);
    }
}

template <class U>
void load_block(const void* from, const Block& block, void* to, std::int64_t pitch) {
    constexpr std::int64_t kEdge = 64 / static_cast<std::int64_t>(sizeof(U));
    const U* const src = static_cast<const U*>(from);
    U* const dst = static_cast<U*>(to);
    const std::int64_t across = block.outer_stride < 0 ? -block.outer_stride : block.outer_stride;
    const std::int64_t along = block.inner_stride < 0 ? -block.inner_stride : block.inner_stride;
    if (block.outer == 1 || across >= along) {
        for (std::int64_t r = 0; r < block.outer; ++r) {
            load_row<U, U>(src + r * block.outer_stride, block.inner_stride, dst + r * pitch, block.inner);
        }
        return;
    }
    // Rows lie across the memory order: a cache line is used up before the next is asked for.
    for (std::int64_t r0 = 0; r0 < block.outer; r0 += kEdge) {
        const std::int64_t r1 = r0 + kEdge < block.outer ? r0 + kEdge : block.outer;
        if constexpr (sizeof(U) >= 4) {
            if (block.outer_stride == 1) {
                transpose_edge(src + r0, block, dst + r0 * pitch, pitch, r1 - r0);
                continue;
            }
        }
        for (std::int64_t i = 0; i < block.inner; ++i) {
            const U* const line = src + i * block.inner_stride;
            for (std::int64_t r = r0; r < r1; ++r) dst[r * pitch + i] = line[r * block.outer_stride];
        }
    }
}

template <class U>
void store_scattered(const void* row, void* to, std::int64_t stride, std::int64_t count) {
    const U* VOXKERN_RESTRICT const from = static_cast<const U*>(row);
    U* VOXKERN_RESTRICT const dst = static_cast<U*>(to);
    if (stride == 1) {
        __builtin_memcpy(dst, from, static_cast<std::size_t>(count) * sizeof(U));
    } else {
        for (std::int64_t i = 0; i < count; ++i) dst[i * stride] = from[i];
    }
}

template <class U>
void fill_with(void* row, const void* value, std::int64_t count) {
    U bits;
    __builtin_memcpy(&bits, value, sizeof(U));
    fill_row(static_cast<U*>(row), bits, count);
}

template <class U>
void extend(void* line, std::int64_t n, std::int64_t width, const std::int64_t* index, std::int64_t before,
            std::int64_t after, const void* cval) {
    U bits;
    __builtin_memcpy(&bits, cval, sizeof(U));
    U* const first = static_cast<U*>(line);
    // A width known to the compiler makes a copy a move.
    if (width == 1) extend_tile(first, n, 1, index, before, after, bits);
    if (width != 1) extend_tile(first, n, width, index, before, after, bits);
}

#include "kernels/extrema1d/extrema1d_grey.inl.hpp"

// --- tables ---

template <class Op, class T>
constexpr Selection selection() {
    return {slide<Op, T>, combine<Op, T>};
}

template <class Op, class T, class U>
constexpr TypeOps ops_of() {
    if constexpr (kFloating<T>) {
        return {selection<Op, T>(), selection<NanSafe<Op>, T>(), has_nan<T>,
                load_block<U>,      store_scattered<U>,          fill_with<U>,
                extend<U>};
    } else {
        return {selection<Op, T>(), selection<Op, T>(), has_nan<T>, load_block<U>,
                store_scattered<U>, fill_with<U>,       extend<U>};
    }
}

template <class Op>
TypeOps ops_for(DType compute) {
    switch (compute) {
        case DType::u8: return ops_of<Op, std::uint8_t, std::uint8_t>();
        case DType::i8: return ops_of<Op, std::int8_t, std::uint8_t>();
        case DType::u16: return ops_of<Op, std::uint16_t, std::uint16_t>();
        case DType::i16: return ops_of<Op, std::int16_t, std::uint16_t>();
        case DType::u32: return ops_of<Op, std::uint32_t, std::uint32_t>();
        case DType::i32: return ops_of<Op, std::int32_t, std::uint32_t>();
        case DType::f32: return ops_of<Op, float, std::uint32_t>();
        default: return ops_of<Op, double, std::uint64_t>();
    }
}

TypeOps type_ops(DType compute, Kind kind) {
    return kind == Kind::minimum ? ops_for<Minimum>(compute) : ops_for<Maximum>(compute);
}

Conversion conversion(DType dtype) {
    return {load_row_of<double>(dtype), store_row_of<TruncateWrap, double>(dtype)};
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {type_ops, conversion, raised_ops, residue_row};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::extrema1d

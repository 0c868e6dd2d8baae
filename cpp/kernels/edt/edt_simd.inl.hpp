// SPDX-License-Identifier: Apache-2.0
// Row loops of edt, compiled once per ISA level inside that level's namespace. An axis is searched outwards from each
// sample, a vector of neighbours at once, until no zero further away can be nearer. Where that takes too long, the
// lower envelope of the parabolas takes over: both give the same squares and, of equally near zeros, the first.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/edt/edt_task.hpp"

namespace voxkern::edt {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/vec.inl.hpp"
#include "core/simd/stride.inl.hpp"
#include "core/simd/mask.inl.hpp"
// clang-format on

template <class T>
constexpr std::int64_t kWide = kColumns / kVec<T> < 4 ? kColumns / kVec<T> : 4;  // vectors that are searched together

// Steps of a search that cost as much as the envelope of one sample.
constexpr std::int64_t kStepsPerSample = 2;

template <class M>
inline bool any(M mask) {
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX__)
    return _mm256_movemask_ps((__m256)mask) != 0;
#elif defined(__SSE2__)
    return _mm_movemask_ps((__m128)mask) != 0;
#else
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(sizeof(mask) / sizeof(mask[0])); ++i) {
        if (mask[i] != 0) return true;
    }
    return false;
#endif
}

// --- axis 0: from the samples ---------------------------------------------------------------------------------------

constexpr std::int32_t kNone = std::int32_t{1} << 29;  // steps: no zero yet

// The steps to the last sample that is zero, or is not, of a row: from those of the row before. Tells whether one is 0.
inline bool count_row(InsideRow inside, std::int64_t itemsize, const void* in, std::int64_t stride, bool zeros,
                      const std::int32_t* before, std::int32_t* counts, std::int64_t n) {
    constexpr std::int64_t kBlock = 1024;
    const std::uint8_t wanted = zeros ? 0 : 1;
    std::int32_t nearest = kNone;
    for (std::int64_t start = 0; start < n; start += kBlock) {
        const std::int64_t end = n - start < kBlock ? n : start + kBlock;
        std::uint8_t flags[kBlock];
        inside(static_cast<const char*>(in) + start * stride * itemsize, stride, flags, end - start);
        for (std::int64_t i = start; i < end; ++i) {
            counts[i] = flags[i - start] == wanted ? 0 : before[i] + 1;
            nearest = counts[i] < nearest ? counts[i] : nearest;
        }
    }
    return nearest == 0;
}

template <class T>
bool scan(DType dtype, std::int64_t itemsize, const void* in, std::int64_t in_step, std::int64_t in_stride,
          const Axis<T>& axis, bool zeros, T far, std::int64_t n, T* work, std::int32_t* index, std::int64_t step,
          std::int32_t* counts) {
    const InsideRow inside = inside_row_of(dtype);
    std::int32_t* const ahead = counts + axis.n * n;
    for (std::int64_t i = 0; i < n; ++i) ahead[i] = kNone;
    bool found = false;
    for (std::int64_t z = 0; z < axis.n; ++z) {
        const std::int32_t* before = z == 0 ? ahead : counts + (z - 1) * n;
        const char* row = static_cast<const char*>(in) + z * in_step * itemsize;
        found |= count_row(inside, itemsize, row, in_stride, zeros, before, counts + z * n, n);
    }
    for (std::int64_t z = axis.n - 1; z >= 0; --z) {
        const std::int32_t* VOXKERN_RESTRICT behind = counts + z * n;
        T* VOXKERN_RESTRICT to = work + z * step;
        for (std::int64_t i = 0; i < n; ++i) {
            ahead[i] = behind[i] == 0 ? 0 : ahead[i] + 1;
            const std::int32_t nearest = behind[i] <= ahead[i] ? behind[i] : ahead[i];
            const T steps = static_cast<T>(nearest < kNone ? nearest : 0);
            const T square = nearest < kNone ? steps * steps * axis.step : far;
            to[i] = square < far ? square : far;
        }
        if (index == nullptr) continue;
        std::int32_t* VOXKERN_RESTRICT at = index + z * step;
        const std::int32_t here = static_cast<std::int32_t>(z);
        for (std::int64_t i = 0; i < n; ++i) at[i] = behind[i] <= ahead[i] ? here - behind[i] : here + ahead[i];
    }
    return found;
}

// --- the envelope ---------------------------------------------------------------------------------------------------

inline std::int64_t last_of_first(const Axis<std::int32_t>& axis, std::int64_t i, std::int64_t u, std::int32_t fi,
                                  std::int32_t fu) {
    return (axis.step * (u * u - i * i) + fu - fi) / (2 * axis.step * (u - i));
}

inline std::int64_t last_of_first(const Axis<double>& axis, std::int64_t i, std::int64_t u, double fi, double fu) {
    const double sum = static_cast<double>(u + i);
    const double at = 0.5 * (sum + (fu - fi) / (axis.step * static_cast<double>(u - i)));
    return at < static_cast<double>(axis.n) ? static_cast<std::int64_t>(__builtin_floor(at)) : axis.n;
}

template <class T>
inline T reach(const Axis<T>& axis, const T* f, std::int64_t site, std::int64_t x) {
    return f[site] + axis.squares[x < site ? site - x : x - site];
}

// Meijster, Roerdink, Hesselink, "A general algorithm for computing distance transforms in linear time", 2000.
template <class T>
void envelope(const Axis<T>& axis, const Scratch<T>& scratch) {
    const T* const f = scratch.line;
    std::int64_t* const sites = scratch.sites;
    std::int64_t* const starts = scratch.starts;
    std::int64_t last = -1;
    for (std::int64_t u = 0; u < axis.n; ++u) {
        if (f[u] >= kFar<T>) continue;
        while (last >= 0 && reach(axis, f, sites[last], starts[last]) > reach(axis, f, u, starts[last])) --last;
        const std::int64_t start = last < 0 ? 0 : 1 + last_of_first(axis, sites[last], u, f[sites[last]], f[u]);
        if (start >= axis.n) continue;
        ++last;
        sites[last] = u;
        starts[last] = start;
    }
    for (std::int64_t x = axis.n - 1; x >= 0; --x) {
        while (last > 0 && x < starts[last]) --last;  // rounding may let two sites start at one sample
        scratch.result[x] = last < 0 ? kFar<T> : reach(axis, f, sites[last], x);
        scratch.index[x] = last < 0 ? 0 : static_cast<std::int32_t>(sites[last]);
    }
}

// --- the search -----------------------------------------------------------------------------------------------------

// Sums of some neighbours that were the smallest so far, and the samples they came from.
template <class T, bool kIndex, std::int64_t kN>
struct Best {
    Vec<T> sum[kN];
    Vec<T> from[kIndex ? kN : 1];
    Vec<T> low[kN];  // no sample of the axis is smaller

    inline void start(const T* here, T x) {
        for (std::int64_t v = 0; v < kN; ++v) {
            sum[v] = load(here + v * kVec<T>);
            if constexpr (kIndex) from[v] = splat<T>(x);
        }
    }

    // Of two equal sums the one from the smaller index counts: what lies before wins, what lies behind does not.
    inline void before(const T* there, T square, T x) {
        for (std::int64_t v = 0; v < kN; ++v) {
            const Vec<T> other = load(there + v * kVec<T>) + square;
            if constexpr (kIndex) from[v] = other <= sum[v] ? splat<T>(x) : from[v];
            sum[v] = other < sum[v] ? other : sum[v];
        }
    }

    inline void behind(const T* there, T square, T x) {
        for (std::int64_t v = 0; v < kN; ++v) {
            const Vec<T> other = load(there + v * kVec<T>) + square;
            if constexpr (kIndex) from[v] = other < sum[v] ? splat<T>(x) : from[v];
            sum[v] = other < sum[v] ? other : sum[v];
        }
    }

    inline bool may_improve(T square) const {
        auto more = kIndex ? sum[0] - low[0] >= square : sum[0] - low[0] > square;
        for (std::int64_t v = 1; v < kN; ++v) {
            more |= kIndex ? sum[v] - low[v] >= square : sum[v] - low[v] > square;
        }
        return any(more);
    }
};

template <class T>
inline T smallest(const T* f, std::int64_t n) {
    T low = kFar<T>;
    for (std::int64_t i = 0; i < n; ++i) low = f[i] < low ? f[i] : low;
    return low;
}

// Columns [first, first + kN vectors) of a block. False: it took too many steps.
template <class T, bool kIndex>
bool search_columns(const Axis<T>& axis, const T* block, T* work, std::int32_t* index, std::int64_t step,
                    std::int64_t n) {
    constexpr std::int64_t kN = kWide<T>;
    Best<T, kIndex, kN> best;
    for (std::int64_t v = 0; v < kN; ++v) best.low[v] = splat<T>(kFar<T>);
    for (std::int64_t i = 0; i < axis.n; ++i) {
        for (std::int64_t v = 0; v < kN; ++v) {
            const Vec<T> f = load(block + i * kColumns + v * kVec<T>);
            best.low[v] = f < best.low[v] ? f : best.low[v];
        }
    }
    std::int64_t steps = kStepsPerSample * kN * kVec<T> * axis.n;
    for (std::int64_t i = 0; i < axis.n; ++i) {
        const T* const here = block + i * kColumns;
        best.start(here, static_cast<T>(i));
        const std::int64_t behind = axis.n - 1 - i;
        const std::int64_t furthest = i > behind ? i : behind;
        std::int64_t k = 1;
        for (; k <= furthest && best.may_improve(axis.squares[k]); ++k) {
            if (k <= i) best.before(here - k * kColumns, axis.squares[k], static_cast<T>(i - k));
            if (k <= behind) best.behind(here + k * kColumns, axis.squares[k], static_cast<T>(i + k));
        }
        steps -= k;
        if (steps < 0) return false;
        T sums[kN * kVec<T>];
        __builtin_memcpy(sums, best.sum, sizeof(sums));
        for (std::int64_t c = 0; c < n; ++c) work[i * step + c] = sums[c];
        if constexpr (kIndex) {
            T from[kN * kVec<T>];
            __builtin_memcpy(from, best.from, sizeof(from));
            for (std::int64_t c = 0; c < n; ++c) index[i * step + c] = static_cast<std::int32_t>(from[c]);
        }
    }
    return true;
}

template <class T>
void columns(const Axis<T>& axis, const T* block, std::int64_t n, T* work, std::int32_t* index, std::int64_t step,
             const Scratch<T>& scratch) {
    constexpr std::int64_t kTogether = kWide<T> * kVec<T>;
    for (std::int64_t c = 0; c < n; c += kTogether) {
        const std::int64_t count = n - c < kTogether ? n - c : kTogether;
        const bool done = index == nullptr ? search_columns<T, false>(axis, block + c, work + c, nullptr, step, count)
                                           : search_columns<T, true>(axis, block + c, work + c, index + c, step, count);
        for (std::int64_t column = c; !done && column < c + count; ++column) {
            for (std::int64_t i = 0; i < axis.n; ++i) scratch.line[i] = block[i * kColumns + column];
            envelope(axis, scratch);
            for (std::int64_t i = 0; i < axis.n; ++i) work[i * step + column] = scratch.result[i];
            if (index == nullptr) continue;
            for (std::int64_t i = 0; i < axis.n; ++i) index[i * step + column] = scratch.index[i];
        }
    }
}

// The index is relative to the first lane.
template <class T, bool kIndex>
bool search_row(const Axis<T>& axis, const T* row, T* work, std::int32_t* index) {
    constexpr std::int64_t kN = kWide<T>;
    constexpr std::int64_t kTogether = kN * kVec<T>;
    Best<T, kIndex, kN> best;
    const T low = smallest(row, axis.n);
    for (std::int64_t v = 0; v < kN; ++v) best.low[v] = splat<T>(low);
    std::int64_t steps = kStepsPerSample * axis.n + 2 * axis.n / kTogether + 2;
    for (std::int64_t i = 0; i < axis.n; i += kTogether) {
        const T* const here = row + i;
        best.start(here, 0);
        const std::int64_t furthest = axis.n - 1;
        std::int64_t k = 1;
        for (; k <= furthest && best.may_improve(axis.squares[k]); ++k) {
            best.before(here - k, axis.squares[k], static_cast<T>(-k));
            best.behind(here + k, axis.squares[k], static_cast<T>(k));
        }
        steps -= k;
        if (steps < 0) return false;
        const std::int64_t n = axis.n - i < kTogether ? axis.n - i : kTogether;
        T sums[kTogether];
        __builtin_memcpy(sums, best.sum, sizeof(sums));
        for (std::int64_t c = 0; c < n; ++c) work[i + c] = sums[c];
        if constexpr (kIndex) {
            T from[kTogether];
            __builtin_memcpy(from, best.from, sizeof(from));
            for (std::int64_t c = 0; c < n; ++c) {
                index[i + c] = static_cast<std::int32_t>(from[c]) + static_cast<std::int32_t>(i + c);
            }
        }
    }
    return true;
}

template <class T>
void row(const Axis<T>& axis, const T* row, T* work, std::int32_t* index, const Scratch<T>& scratch) {
    const bool done =
        index == nullptr ? search_row<T, false>(axis, row, work, nullptr) : search_row<T, true>(axis, row, work, index);
    if (done) return;
    __builtin_memcpy(scratch.line, row, static_cast<std::size_t>(axis.n) * sizeof(T));
    envelope(axis, scratch);
    __builtin_memcpy(work, scratch.result, static_cast<std::size_t>(axis.n) * sizeof(T));
    if (index == nullptr) return;
    __builtin_memcpy(index, scratch.index, static_cast<std::size_t>(axis.n) * sizeof(std::int32_t));
}

template <class T>
void roots(const T* squares, double scale, double* out, std::int64_t stride, std::int64_t n) {
    if (stride == 1) {
        for (std::int64_t i = 0; i < n; ++i) out[i] = __builtin_sqrt(static_cast<double>(squares[i])) * scale;
    } else {
        for (std::int64_t i = 0; i < n; ++i) out[i * stride] = __builtin_sqrt(static_cast<double>(squares[i])) * scale;
    }
}

template <class T>
void near(const T* squares, T far, bool beyond, std::uint8_t* out, std::int64_t stride, std::int64_t n) {
    if (stride == 1) {
        for (std::int64_t i = 0; i < n; ++i) out[i] = (squares[i] < far) != beyond;
    } else {
        for (std::int64_t i = 0; i < n; ++i) out[i * stride] = (squares[i] < far) != beyond;
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {
        {scan<std::int32_t>, columns<std::int32_t>, row<std::int32_t>, roots<std::int32_t>, near<std::int32_t>},
        {scan<double>, columns<double>, row<double>, roots<double>, near<double>},
    };
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::edt

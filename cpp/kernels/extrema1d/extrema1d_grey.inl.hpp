// SPDX-License-Identifier: Apache-2.0
// Row loops of grey morphology: structures that are not flat, and residues. Included by extrema1d_simd.inl.hpp, after
// what picks extrema.

// What numbers of a type are added as: integers wrap.
template <class T, bool = kFloating<T>>
struct Wrapping {
    using type = T;
};
template <class T>
struct Wrapping<T, false> {
    using type = Word<T>;
};
template <class T>
using WrappingOf = typename Wrapping<T>::type;

// --- structures ---

template <class Op, class T>
struct RaisedStrip {
    const T* const* rows;
    const T* heights;
    std::int64_t n;
    T* VOXKERN_RESTRICT out;

    static Vec<T> sum(Vec<T> x, T height) {
        using W = WrappingOf<T>;
        return (Vec<T>)((Vec<W>)x + splat<W>(static_cast<W>(height)));
    }

    template <int U, class Lanes>
    void run(const Lanes& lanes, std::int64_t at) const {
        constexpr std::int64_t V = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(T));
        Vec<T> best[U];
        for (int u = 0; u < U; ++u) best[u] = sum(lanes.load(rows[0] + at + u * V), heights[0]);
        for (std::int64_t r = 1; r < n; ++r) {
            const T* const row = rows[r] + at;
            const T height = heights[r];
            for (int u = 0; u < U; ++u) best[u] = Op::pick(best[u], sum(lanes.load(row + u * V), height));
        }
        for (int u = 0; u < U; ++u) lanes.store(out + at + u * V, best[u]);
    }
};

template <class Op, class T>
void combine_raised(Rows rows, const void* heights, std::int64_t n, void* out, std::int64_t count) {
    for_strips<T>(count, RaisedStrip<Op, T>{reinterpret_cast<const T* const*>(rows), static_cast<const T*>(heights), n,
                                            static_cast<T*>(out)});
}

template <class Op, class T>
void finish_raised(const void* row, double height, const void* rest, double* VOXKERN_RESTRICT out, std::int64_t count) {
    const T* VOXKERN_RESTRICT const x = static_cast<const T*>(row);
    const T* VOXKERN_RESTRICT const others = static_cast<const T*>(rest);
    if (others == nullptr) {
        for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<double>(x[i]) + height;
    } else {
        for (std::int64_t i = 0; i < count; ++i) {
            out[i] = Op::pick(static_cast<double>(others[i]), static_cast<double>(x[i]) + height);
        }
    }
}

template <class Op, class T>
constexpr RaisedOps raised_of() {
    using Safe = NanSafe<Op>;
    if constexpr (kFloating<T>) {
        return {{combine_raised<Op, T>, finish_raised<Op, T>}, {combine_raised<Safe, T>, finish_raised<Safe, T>}};
    } else {  // only the first sum can be NaN
        return {{combine_raised<Op, T>, finish_raised<Op, T>}, {combine_raised<Op, T>, finish_raised<Safe, T>}};
    }
}

template <class Op>
RaisedOps raised_for(DType dtype) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return raised_of<Op, T>();
        VOXKERN_INTEGER_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
        case DType::f32: return raised_of<Op, float>();
        default: return raised_of<Op, double>();
    }
}

RaisedOps raised_ops(DType dtype, Kind kind) {
    return kind == Kind::minimum ? raised_for<Minimum>(dtype) : raised_for<Maximum>(dtype);
}

// --- residues ---

template <Residue::Kind kind, class T>
void make_residues(void* row, const void* a, const void* b, std::int64_t stride, std::int64_t count) {
    T* VOXKERN_RESTRICT const e = static_cast<T*>(row);
    const T* VOXKERN_RESTRICT const x = static_cast<const T*>(a);
    const T* VOXKERN_RESTRICT const y = static_cast<const T*>(b);
    by_stride(stride, [&](auto step) {
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t k = i * step;
            if constexpr (kind == Residue::Kind::above) e[k] = static_cast<T>(x[k] - e[k]);
            if constexpr (kind == Residue::Kind::below) e[k] = static_cast<T>(e[k] - x[k]);
            if constexpr (kind == Residue::Kind::laplace) e[k] = static_cast<T>(x[k] + e[k] - y[k] - y[k]);
            if constexpr (kind == Residue::Kind::differing) e[k] = static_cast<T>((x[k] != 0) != (e[k] != 0));
        }
    });
}

template <class T>
ResidueRow residues_of(Residue::Kind kind) {
    switch (kind) {
        case Residue::Kind::above: return make_residues<Residue::Kind::above, T>;
        case Residue::Kind::below: return make_residues<Residue::Kind::below, T>;
        case Residue::Kind::laplace: return make_residues<Residue::Kind::laplace, T>;
        case Residue::Kind::differing: return make_residues<Residue::Kind::differing, T>;
        default: return nullptr;
    }
}

ResidueRow residue_row(DType dtype, Residue::Kind kind) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return residues_of<WrappingOf<T>>(kind);
        VOXKERN_INTEGER_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
        case DType::f32: return residues_of<float>(kind);
        default: return residues_of<double>(kind);
    }
}

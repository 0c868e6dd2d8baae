// SPDX-License-Identifier: Apache-2.0
// Samples of a tile to spline coefficients, in place. Included inside a level's namespace, after vec.inl.hpp;
// the including file includes core/prefilter.hpp.

template <int U, class C>
inline void initial_sum(const InitialSum<C>& sum, const C* column, std::int64_t width, Vec<C>* value) {
    for (int u = 0; u < U; ++u) value[u] = splat(C{0});
    for (std::int64_t k = 0; k < sum.count; ++k) {
        const C* sample = column + sum.index[k] * width;
        const Vec<C> w = splat(sum.weight[k]);
        for (int u = 0; u < U; ++u) value[u] = madd(load(sample + u * kVec<C>), w, value[u]);
    }
}

// Causal, then anticausal recursion down U vectors of columns, in place.
template <int U, class C>
inline void pole_columns(const PoleFilter<C>& filter, C* column, std::int64_t n, std::int64_t width) {
    const Vec<C> z = splat(filter.pole);
    Vec<C> c[U];
    initial_sum<U>(filter.causal, column, width, c);
    for (int u = 0; u < U; ++u) store(column + u * kVec<C>, c[u]);
    for (std::int64_t i = 1; i < n; ++i) {
        C* row = column + i * width;
        for (int u = 0; u < U; ++u) {
            c[u] = madd(z, c[u], load(row + u * kVec<C>));
            store(row + u * kVec<C>, c[u]);
        }
    }
    initial_sum<U>(filter.anticausal, column, width, c);
    for (int u = 0; u < U; ++u) store(column + (n - 1) * width + u * kVec<C>, c[u]);
    for (std::int64_t i = n - 2; i >= 0; --i) {
        C* row = column + i * width;
        for (int u = 0; u < U; ++u) {
            // z (c - x), with the product of x off the chain of dependent operations.
            c[u] = madd(z, c[u], -(z * load(row + u * kVec<C>)));
            store(row + u * kVec<C>, c[u]);
        }
    }
}

// Samples of a tile -> spline coefficients. `line` is sample 0; `pad` rows lie on either side of it.
template <class C>
void prefilter_tile(const Prefilter<C>& filter, C* line, std::int64_t width) {
    C* const first = line - filter.pad * width;
    for (std::int64_t p = 0; p < filter.pad; ++p) {
        for (std::int64_t l = 0; l < width; ++l) {
            first[p * width + l] = filter.pad_edge ? line[l] : C{0};
            line[(filter.n + p) * width + l] = filter.pad_edge ? line[(filter.n - 1) * width + l] : C{0};
        }
    }
    const std::int64_t n = filter.n + 2 * filter.pad;
    for (int p = 0; p < filter.poles; ++p) {
        std::int64_t l = 0;
        for (; l + 4 * kVec<C> <= width; l += 4 * kVec<C>) pole_columns<4>(filter.filter[p], first + l, n, width);
        for (; l < width; l += kVec<C>) pole_columns<1>(filter.filter[p], first + l, n, width);
    }
}

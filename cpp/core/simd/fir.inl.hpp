// SPDX-License-Identifier: Apache-2.0
// Short filters: one output row at a time, vector instructions along the row. The taps lie `stride`
// elements apart: a tile row for filters across rows, one element for filters along the row itself. Included inside a
// level's namespace, after vec.inl.hpp.

// Writes the `before` rows ahead of the line and the `after` rows behind it; width 1 for a bare line.
template <class C>
void extend_tile(C* line, std::int64_t n, std::int64_t width, const std::int64_t* extension, std::int64_t before,
                 std::int64_t after, C cval) {
    for (std::int64_t e = 0; e < before + after; ++e) {
        C* row = line + (e < before ? e - before : n + e - before) * width;
        if (extension[e] < 0) {
            for (std::int64_t l = 0; l < width; ++l) row[l] = cval;
        } else {
            __builtin_memcpy(row, line + extension[e] * width, static_cast<std::size_t>(width) * sizeof(C));
        }
    }
}

// float32 fuses; float64 keeps scipy's separate roundings, so that the bits agree.
inline Vec<float> tap(Vec<float> x, Vec<float> w, Vec<float> sum) {
    return madd(x, w, sum);
}
inline Vec<double> tap(Vec<double> x, Vec<double> w, Vec<double> sum) {
    return x * w + sum;
}

// U vectors of one output row: enough independent sums to hide the latency of the additions.
template <int U, class C>
inline void fir_vectors(const C* column, std::int64_t stride, const C* weights, std::int64_t size,
                        FilterSymmetry symmetry, C* VOXKERN_RESTRICT out) {
    constexpr std::int64_t V = kVec<C>;
    const C* const last = column + (size - 1) * stride;
    const std::int64_t centre = size / 2;
    Vec<C> sum[U];
    if (symmetry == FilterSymmetry::none) {
        for (int u = 0; u < U; ++u) sum[u] = load(last + u * V) * splat(weights[size - 1]);
        for (std::int64_t t = 0; t + 1 < size; ++t) {
            const Vec<C> w = splat(weights[t]);
            for (int u = 0; u < U; ++u) sum[u] = tap(load(column + t * stride + u * V), w, sum[u]);
        }
    } else {
        for (int u = 0; u < U; ++u) sum[u] = load(column + centre * stride + u * V) * splat(weights[centre]);
        for (std::int64_t t = 0; t < centre; ++t) {
            const Vec<C> w = splat(weights[t]);
            const C* const near = column + t * stride;
            const C* const far = last - t * stride;
            if (symmetry == FilterSymmetry::even) {
                for (int u = 0; u < U; ++u) sum[u] = tap(load(near + u * V) + load(far + u * V), w, sum[u]);
            } else {
                for (int u = 0; u < U; ++u) sum[u] = tap(load(near + u * V) - load(far + u * V), w, sum[u]);
            }
        }
    }
    for (int u = 0; u < U; ++u) store(out + u * V, sum[u]);
}

// out[i] = sum_t weights[t] * taps[t * stride + i] for i < n; reads up to kRowAlign elements past the
// last one. Symmetric filters add the centre first, then the pairs from the outermost inwards;
// others add the last tap first: scipy's orders.
template <class C>
void fir_row(const C* taps, std::int64_t stride, const C* weights, std::int64_t size, FilterSymmetry symmetry,
             C* VOXKERN_RESTRICT out, std::int64_t n) {
    constexpr std::int64_t V = kVec<C>;
    std::int64_t i = 0;
    for (; i + 4 * V <= n; i += 4 * V) fir_vectors<4>(taps + i, stride, weights, size, symmetry, out + i);
    for (; i + V <= n; i += V) fir_vectors<1>(taps + i, stride, weights, size, symmetry, out + i);
    if (i < n) {
        C rest[V];
        fir_vectors<1>(taps + i, stride, weights, size, symmetry, rest);
        __builtin_memcpy(out + i, rest, static_cast<std::size_t>(n - i) * sizeof(C));
    }
}

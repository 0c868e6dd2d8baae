// SPDX-License-Identifier: Apache-2.0
// Interpolation of rows: weighted sums of rows of any dtype, and samples of one row by permutation.
// Included inside a level's namespace, after convert.inl.hpp; the including file includes core/picks.hpp.

template <int N, class C, class T>
inline void combine_taps(const T* const* rows, const C* weights, C* VOXKERN_RESTRICT out, std::int64_t n) {
    Vec<C> w[N];
    for (int t = 0; t < N; ++t) w[t] = splat(weights[t]);
    std::int64_t l = 0;
    for (; l + kVec<C> <= n; l += kVec<C>) {
        Vec<C> sum = load_as<C>(rows[0] + l) * w[0];
        for (int t = 1; t < N; ++t) sum = madd(load_as<C>(rows[t] + l), w[t], sum);
        store(out + l, sum);
    }
    for (; l < n; ++l) {
        C sum = static_cast<C>(rows[0][l]) * weights[0];
        for (int t = 1; t < N; ++t) sum = madd(static_cast<C>(rows[t][l]), weights[t], sum);
        out[l] = sum;
    }
}

// out = sum_t weights[t] * rows[t]; the rows are contiguous.
template <class C, class T>
inline void combine(int taps, const T* const* rows, const C* weights, C* out, std::int64_t n) {
    switch (taps) {
        case 1: combine_taps<1>(rows, weights, out, n); break;
        case 2: combine_taps<2>(rows, weights, out, n); break;
        case 3: combine_taps<3>(rows, weights, out, n); break;
        case 4: combine_taps<4>(rows, weights, out, n); break;
        case 5: combine_taps<5>(rows, weights, out, n); break;
        case 6: combine_taps<6>(rows, weights, out, n); break;
        case 8: combine_taps<8>(rows, weights, out, n); break;
        default: combine_taps<10>(rows, weights, out, n); break;
    }
}

// One row by permutation; it may read two vectors from any sample on.
template <class C>
void pick_row(const Picks<C>& picks, const C* row, C* VOXKERN_RESTRICT out) {
    if constexpr (kHasPick<C>) {
        const std::int32_t* index = picks.index;
        const C* weights = picks.weights;
        for (std::int64_t i = 0, g = 0; i < picks.n_out; i += kVec<C>, ++g) {
            const C* const window = row + picks.start[g];
            Vec<C> sum = splat(C{0});
            for (int t = 0; t < picks.taps; ++t, index += kVec<C>, weights += kVec<C>) {
                sum = madd(pick(window, index), load(weights), sum);
            }
            store(out + i, sum);
        }
    }
}

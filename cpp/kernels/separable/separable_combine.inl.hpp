// SPDX-License-Identifier: Apache-2.0
// What becomes of the values of a row's terms, a vector at a time. Included inside a level's namespace, after
// simd.inl.hpp.

inline Vec<float> root(Vec<float> x) {
#if defined(__AVX512F__)
    return _mm512_maskz_sqrt_ps(0xFFFF, x);
#elif defined(__AVX__)
    return _mm256_sqrt_ps(x);
#elif defined(__SSE2__)
    return _mm_sqrt_ps(x);
#else
    for (std::int64_t i = 0; i < kVec<float>; ++i) x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}
inline Vec<double> root(Vec<double> x) {
#if defined(__AVX512F__)
    return _mm512_maskz_sqrt_pd(0xFF, x);
#elif defined(__AVX__)
    return _mm256_sqrt_pd(x);
#elif defined(__SSE2__)
    return _mm_sqrt_pd(x);
#else
    for (std::int64_t i = 0; i < kVec<double>; ++i) x[i] = __builtin_sqrt(x[i]);
    return x;
#endif
}

// 2^n for the whole number n that has been added to `rounder`.
template <class C>
inline Vec<C> power_of_two(Vec<C> rounded, C rounder) {
    constexpr bool single = sizeof(C) == 4;
    using Bits = Word<C>;
    typedef Bits BitsVec __attribute__((vector_size(VOXKERN_VEC_BYTES)));
    const Vec<C> rounder_vector = splat(rounder);
    BitsVec exponent;
    BitsVec zero;
    __builtin_memcpy(&exponent, &rounded, sizeof(exponent));
    __builtin_memcpy(&zero, &rounder_vector, sizeof(zero));
    exponent = (exponent - zero + Bits{single ? 127U : 1023U}) << (single ? 23 : 52);
    Vec<C> power;
    __builtin_memcpy(&power, &exponent, sizeof(power));
    return power;
}

#include "kernels/separable/separable_math.inl.hpp"

// Calls at(i, here, results) for every vector of a row and writes its results; `here` is what the first output holds.
template <class C, class At>
void for_vectors(C* const* out, int outputs, std::int64_t n, const At& at) {
    constexpr std::int64_t V = kVec<C>;
    for (std::int64_t i = 0; i < n; i += V) {
        const auto bytes = static_cast<std::size_t>(n - i < V ? n - i : V) * sizeof(C);
        Vec<C> results[kMostOutputs];
        if (bytes == sizeof(Vec<C>)) {
            at(i, out[0] + i, results);
            for (int k = 0; k < outputs; ++k) store(out[k] + i, results[k]);
        } else {
            C here[V] = {};
            __builtin_memcpy(here, out[0] + i, bytes);
            at(i, here, results);
            for (int k = 0; k < outputs; ++k) __builtin_memcpy(out[k] + i, results + k, bytes);
        }
    }
}

// The terms from element i of their rows on.
template <class C>
inline auto terms_at(const C* const* t, std::int64_t i) {
    return [=](int k) { return load(t[k] + i); };
}

// The square of the largest norm; a NaN stays.
template <class C>
C largest_square(const C* const* t, int terms, std::int64_t n) {
    C squares[kVec<C>];
    C largest = C{0};
    for (std::int64_t i = 0; i < n; i += kVec<C>) {
        store(squares, square_of_norm<C>(terms_at(t, i), terms));
        for (std::int64_t l = 0; l < kVec<C> && l < n - i; ++l) {
            if (squares[l] > largest || squares[l] != squares[l]) largest = squares[l];
        }
    }
    return largest;
}

// --- rows ---

template <class C>
void vesselness_row(const Options& options, const C* const* t, int terms, C* const* out, std::int64_t n) {
    const Sensitivity<C> s = sensitivity_of<C>(options);
    for_vectors(out, 1, n, [&](std::int64_t i, const C* here, Vec<C>* to) {
        const auto at = terms_at(t, i);
        const Vec<C> value =
            terms == 3 ? vesselness2<C>(eigenvalues2<C>(at), s) : vesselness3<C>(eigenvalues3<C>(at), s);
        to[0] = options.keep_larger ? larger_scale(load(here), value) : value;
    });
}

template <class C>
void eigenvalue_row(const C* const* t, int terms, C* const* out, std::int64_t n) {
    if (terms == 3) {
        for_vectors(out, 2, n, [&](std::int64_t i, const C* /*here*/, Vec<C>* to) {
            const Ascending<C> found = eigenvalues2<C>(terms_at(t, i));
            to[0] = found.low;
            to[1] = found.high;
        });
        return;
    }
    for_vectors(out, 3, n, [&](std::int64_t i, const C* /*here*/, Vec<C>* to) {
        const Ascending<C> found = eigenvalues3<C>(terms_at(t, i));
        to[0] = found.low;
        to[1] = found.middle;
        to[2] = found.high;
    });
}

template <class C>
void sum_row(const C* const* t, int terms, C* const* out, std::int64_t n) {
    for_vectors(out, 1, n, [&](std::int64_t i, const C* /*here*/, Vec<C>* to) {
        Vec<C> sum = load(t[0] + i);
        for (int k = 1; k < terms; ++k) sum += load(t[k] + i);
        to[0] = sum;
    });
}

template <class C>
void magnitude_row(const C* const* t, int terms, C* const* out, std::int64_t n) {
    for_vectors(out, 1, n, [&](std::int64_t i, const C* /*here*/, Vec<C>* to) {
        Vec<C> sum = load(t[0] + i) * load(t[0] + i);
        for (int k = 1; k < terms; ++k) sum += load(t[k] + i) * load(t[k] + i);
        to[0] = root(sum);
    });
}

// Terms -> results of a row. With keep_larger `out` holds what there is already.
template <class C>
void combine_row(const Options& options, const C* const* t, int terms, C* const* out, std::int64_t n) {
    switch (options.combine) {
        case Combine::sum: return sum_row(t, terms, out, n);
        case Combine::magnitude: return magnitude_row(t, terms, out, n);
        case Combine::eigenvalues: return eigenvalue_row(t, terms, out, n);
        case Combine::vesselness: return vesselness_row(options, t, terms, out, n);
        case Combine::norm: return;
    }
}

// SPDX-License-Identifier: Apache-2.0
// What becomes of the values of a row's terms, a vector at a time. Included inside a level's namespace, after
// simd.inl.hpp. Choices are made between vectors, lane by lane.

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
template <class V>
inline V larger(V a, V b) {
    return a < b ? b : a;
}
template <class V>
inline V smaller(V a, V b) {
    return b < a ? b : a;
}

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

// --- symmetric matrices ---

template <class C>
struct Ascending {
    Vec<C> low;
    Vec<C> middle;
    Vec<C> high;
};

// The upper triangle, row by row.
template <class C>
inline Ascending<C> eigenvalues2(const C* const* t, std::int64_t i) {
    const Vec<C> a = load(t[0] + i);
    const Vec<C> b = load(t[1] + i);
    const Vec<C> c = load(t[2] + i);
    const Vec<C> mean = (a + c) * C(0.5);
    const Vec<C> half = (a - c) * C(0.5);
    const Vec<C> reach = root(madd(b, b, half * half));
    return {mean - reach, mean, mean + reach};
}

// With q the mean of the diagonal and p^2 = |A - q|^2 / 6, the eigenvalues are q + p t, t a root of t^3 - 3 t = det B,
// B = (A - q) / p. The root that lies apart, of size sqrt(3) to 2, is found by Newton's method. The other two are what
// is left of B without its eigenvector v: -t/2 -+ |B + t/2 - (3/2) t v v'| / sqrt(2), where v v' is the adjugate of
// B - t over its trace. So a pair of nearly equal ones loses no digits, as it does where an angle is taken.
template <class C>
inline Ascending<C> eigenvalues3(const C* const* t_, std::int64_t i) {
    using V = Vec<C>;
    const V a00 = load(t_[0] + i);
    const V a01 = load(t_[1] + i);
    const V a02 = load(t_[2] + i);
    const V a11 = load(t_[3] + i);
    const V a12 = load(t_[4] + i);
    const V a22 = load(t_[5] + i);
    const V q = (a00 + a11 + a22) * C(1.0 / 3.0);
    const V rest = ((a00 - q) + (a11 - q) + (a22 - q)) * C(1.0 / 3.0);  // of rounding: not small where A is nearly q
    const V e00 = (a00 - q) - rest;
    const V e11 = (a11 - q) - rest;
    const V e22 = (a22 - q) - rest;
    const V off = madd(a01, a01, madd(a02, a02, a12 * a12));
    const V p = root(madd(e00, e00, madd(e11, e11, madd(e22, e22, off + off))) * C(1.0 / 6.0));
    const V scale = p > C{0} ? C{1} / p : V{};
    const V b00 = e00 * scale;
    const V b11 = e11 * scale;
    const V b22 = e22 * scale;
    const V b01 = a01 * scale;
    const V b02 = a02 * scale;
    const V b12 = a12 * scale;
    const V half_det =
        (b00 * (b11 * b22 - b12 * b12) - b01 * (b01 * b22 - b12 * b02) + b02 * (b01 * b12 - b11 * b02)) * C(0.5);
    const auto up = half_det >= C{0};
    const V r = smaller(up ? half_det : -half_det, splat(C{1}));
    V t = madd(r, splat(C(1.0 / 3.0)) - r * C(0.0653841409), splat(C(1.7320508075688772)));  // within 0.002
    for (int step = 0; step < (sizeof(C) == 4 ? 2 : 3); ++step) {
        const V square = t * t;
        t = madd(square, t, r) * C(2.0 / 3.0) / (square - C{1});
    }
    const V apart = up ? t : -t;
    const V m00 = b00 - apart;
    const V m11 = b11 - apart;
    const V m22 = b22 - apart;
    const V c00 = m11 * m22 - b12 * b12;
    const V c11 = m00 * m22 - b02 * b02;
    const V c22 = m00 * m11 - b01 * b01;
    const V c01 = b02 * b12 - b01 * m22;
    const V c02 = b01 * b12 - b02 * m11;
    const V c12 = b01 * b02 - m00 * b12;
    const V half = apart * C(0.5);
    const V k = C{-3} * half / (c00 + c11 + c22);
    const V d00 = madd(k, c00, b00 + half);
    const V d11 = madd(k, c11, b11 + half);
    const V d22 = madd(k, c22, b22 + half);
    const V d01 = madd(k, c01, b01);
    const V d02 = madd(k, c02, b02);
    const V d12 = madd(k, c12, b12);
    const V diagonal = madd(d00, d00, madd(d11, d11, d22 * d22));
    const V d = root(madd(d01, d01, madd(d02, d02, madd(d12, d12, diagonal * C(0.5)))));
    const V low = -half - d;
    const V high = d - half;
    const V first = madd(p, low, q);
    const V second = madd(p, high, q);
    const V third = madd(p, apart, q);
    const V upper = larger(first, third);
    return {smaller(first, third), smaller(upper, second), larger(upper, second)};
}

template <class C>
inline Vec<C> square_of_norm(const C* const* t, int terms, std::int64_t i) {
    const auto square = [&](int k) {
        const Vec<C> x = load(t[k] + i);
        return x * x;
    };
    if (terms == 3) return square(0) + square(2) + C{2} * square(1);
    return square(0) + square(3) + square(5) + C{2} * (square(1) + square(2) + square(4));
}

// The square of the largest norm; a NaN stays.
template <class C>
C largest_square(const C* const* t, int terms, std::int64_t n) {
    C squares[kVec<C>];
    C largest = C{0};
    for (std::int64_t i = 0; i < n; i += kVec<C>) {
        store(squares, square_of_norm(t, terms, i));
        for (std::int64_t l = 0; l < kVec<C> && l < n - i; ++l) {
            if (squares[l] > largest || squares[l] != squares[l]) largest = squares[l];
        }
    }
    return largest;
}

// --- Frangi's vesselness ---

template <class C>
struct BitsOf {
    using type = std::uint64_t;
};
template <>
struct BitsOf<float> {
    using type = std::uint32_t;
};

// exp(x) for x <= 0, to a few roundings; below the smallest normal number it stays there.
template <class C>
inline Vec<C> exp_of_negative(Vec<C> x) {
    constexpr bool single = sizeof(C) == 4;
    using Bits = typename BitsOf<C>::type;
    typedef Bits BitsVec __attribute__((vector_size(VOXKERN_VEC_BYTES)));
    // Adding this rounds to a whole number, which the low bits of the sum then hold.
    constexpr C rounder = single ? C(12582912.0) : C(6755399441055744.0);
    constexpr C ln2_high = single ? C(0.693359375) : C(0.693145751953125);
    constexpr C ln2_low = single ? C(-2.12194440054690583e-4) : C(1.42860682030941723212e-6);
    x = larger(x, splat(single ? C(-87.0) : C(-708.0)));
    const Vec<C> rounded = madd(x, splat(C(1.4426950408889634)), splat(rounder));
    const Vec<C> n = rounded - rounder;
    const Vec<C> r = (x - n * ln2_high) - n * ln2_low;  // at most ln(2) / 2 in size
    Vec<C> sum = splat(C{1});
    for (int k = single ? 7 : 13; k > 0; --k) sum = madd(sum, r * (C{1} / static_cast<C>(k)), splat(C{1}));  // Taylor
    const Vec<C> rounder_vector = splat(rounder);
    BitsVec exponent;
    BitsVec zero;
    __builtin_memcpy(&exponent, &rounded, sizeof(exponent));
    __builtin_memcpy(&zero, &rounder_vector, sizeof(zero));
    exponent = (exponent - zero + Bits{single ? 127U : 1023U}) << (single ? 23 : 52);
    Vec<C> power;
    __builtin_memcpy(&power, &exponent, sizeof(power));
    return sum * power;
}

// What the squares in the exponents are multiplied by, and the sign of the eigenvalues across a tube.
template <class C>
struct Sensitivity {
    C plate;
    C blob;
    C structure;
    C sign;
};

template <class C>
Sensitivity<C> sensitivity_of(const Options& options) {
    const auto of = [](double scale) { return static_cast<C>(-0.5 / (scale * scale)); };
    return {of(options.alpha), of(options.beta), of(options.gamma), options.bright ? C{-1} : C{1}};
}

template <class V>
inline void order_by_size(V& a, V& b) {
    const auto ordered = a * a <= b * b;
    const V first = ordered ? a : b;
    b = ordered ? b : a;
    a = first;
}

template <class C>
inline Vec<C> vesselness2(const Ascending<C>& e, const Sensitivity<C>& s) {
    Vec<C> along = e.low;
    Vec<C> across = e.high;
    order_by_size(along, across);
    const auto tube = across * s.sign > C{0};
    const Vec<C> blob = along / (tube ? across : splat(C{1}));
    const Vec<C> structure = along * along + across * across;
    const Vec<C> value =
        exp_of_negative<C>(blob * blob * s.blob) * (C{1} - exp_of_negative<C>(structure * s.structure));
    return tube ? value : Vec<C>{};
}

template <class C>
inline Vec<C> vesselness3(Ascending<C> e, const Sensitivity<C>& s) {
    order_by_size(e.low, e.middle);
    order_by_size(e.middle, e.high);
    order_by_size(e.low, e.middle);
    const auto tube = smaller(e.middle * s.sign, e.high * s.sign) > C{0};
    const Vec<C> plate = e.middle / (tube ? e.high : splat(C{1}));
    const Vec<C> blob = e.low * e.low / (tube ? e.middle * e.high : splat(C{1}));
    const Vec<C> structure = madd(e.low, e.low, madd(e.middle, e.middle, e.high * e.high));
    const Vec<C> value = (C{1} - exp_of_negative<C>(plate * plate * s.plate)) * exp_of_negative<C>(blob * s.blob) *
                         (C{1} - exp_of_negative<C>(structure * s.structure));
    return tube ? value : Vec<C>{};
}

// --- rows ---

template <class C>
void vesselness_row(const Options& options, const C* const* t, int terms, C* const* out, std::int64_t n) {
    const Sensitivity<C> s = sensitivity_of<C>(options);
    for_vectors(out, 1, n, [&](std::int64_t i, const C* here, Vec<C>* to) {
        const Vec<C> value = terms == 3 ? vesselness2(eigenvalues2(t, i), s) : vesselness3(eigenvalues3(t, i), s);
        to[0] = options.keep_larger ? larger(load(here), value) : value;
    });
}

template <class C>
void eigenvalue_row(const C* const* t, int terms, C* const* out, std::int64_t n) {
    if (terms == 3) {
        for_vectors(out, 2, n, [&](std::int64_t i, const C* /*here*/, Vec<C>* to) {
            const Ascending<C> found = eigenvalues2(t, i);
            to[0] = found.low;
            to[1] = found.high;
        });
        return;
    }
    for_vectors(out, 3, n, [&](std::int64_t i, const C* /*here*/, Vec<C>* to) {
        const Ascending<C> found = eigenvalues3(t, i);
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

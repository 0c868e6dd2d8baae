// SPDX-License-Identifier: Apache-2.0
// The maths of separable at a voxel: of a vector of voxels inside a level's namespace, of one on the GPU. Where it is
// included, Vec<C> is the type of values, and splat, madd, root and power_of_two are known. term(k) is that of number
// k. Choices are made between values, not by branches.

template <class V>
VOXKERN_HD inline V larger(V a, V b) {
    return a < b ? b : a;
}
template <class V>
VOXKERN_HD inline V smaller(V a, V b) {
    return b < a ? b : a;
}

// --- symmetric matrices ---

template <class C>
struct Ascending {
    Vec<C> low;
    Vec<C> middle;
    Vec<C> high;
};

// The upper triangle, row by row.
template <class C, class Terms>
VOXKERN_HD inline Ascending<C> eigenvalues2(const Terms& term) {
    const Vec<C> a = term(0);
    const Vec<C> b = term(1);
    const Vec<C> c = term(2);
    const Vec<C> mean = (a + c) * C(0.5);
    const Vec<C> half = (a - c) * C(0.5);
    const Vec<C> reach = root(madd(b, b, half * half));
    return {mean - reach, mean, mean + reach};
}

// With q the mean of the diagonal and p^2 = |A - q|^2 / 6, the eigenvalues are q + p t, t a root of t^3 - 3 t = det B,
// B = (A - q) / p. The root that lies apart, of size sqrt(3) to 2, is found by Newton's method. The other two are what
// is left of B without its eigenvector v: -t/2 -+ |B + t/2 - (3/2) t v v'| / sqrt(2), where v v' is the adjugate of
// B - t over its trace. So a pair of nearly equal ones loses no digits, as it does where an angle is taken.
template <class C, class Terms>
VOXKERN_HD inline Ascending<C> eigenvalues3(const Terms& term) {
    using V = Vec<C>;
    const V a00 = term(0);
    const V a01 = term(1);
    const V a02 = term(2);
    const V a11 = term(3);
    const V a12 = term(4);
    const V a22 = term(5);
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

template <class C, class Terms>
VOXKERN_HD inline Vec<C> square_of_norm(const Terms& term, int terms) {
    const auto square = [&](int k) {
        const Vec<C> x = term(k);
        return x * x;
    };
    if (terms == 3) return square(0) + square(2) + C{2} * square(1);
    return square(0) + square(3) + square(5) + C{2} * (square(1) + square(2) + square(4));
}

// --- Frangi's vesselness ---

// exp(x) for x <= 0, to a few roundings; below the smallest normal number it stays there.
template <class C>
VOXKERN_HD inline Vec<C> exp_of_negative(Vec<C> x) {
    constexpr bool single = sizeof(C) == 4;
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
    return sum * power_of_two(rounded, rounder);
}

// What the squares in the exponents are multiplied by, the sign of the eigenvalues across a tube, and what stands where
// there is none: 0, or NaN where gamma is.
template <class C>
struct Sensitivity {
    C plate;
    C blob;
    C structure;
    C sign;
    C none;
};

template <class C>
VOXKERN_HD inline Sensitivity<C> sensitivity_of(const Options& options) {
    const auto of = [](double scale) { return static_cast<C>(-0.5 / (scale * scale)); };
    const C none = options.gamma == options.gamma ? C{0} : static_cast<C>(options.gamma);
    return {of(options.alpha), of(options.beta), of(options.gamma), options.bright ? C{-1} : C{1}, none};
}

// The larger one of two scales; a NaN stays.
template <class V>
VOXKERN_HD inline V larger_scale(V held, V value) {
    return value == value ? larger(held, value) : value;
}

template <class V>
VOXKERN_HD inline void order_by_size(V& a, V& b) {
    const auto ordered = a * a <= b * b;
    const V first = ordered ? a : b;
    b = ordered ? b : a;
    a = first;
}

template <class C>
VOXKERN_HD inline Vec<C> vesselness2(const Ascending<C>& e, const Sensitivity<C>& s) {
    Vec<C> along = e.low;
    Vec<C> across = e.high;
    order_by_size(along, across);
    const auto tube = across * s.sign > C{0};
    const Vec<C> blob = along / (tube ? across : splat(C{1}));
    const Vec<C> structure = along * along + across * across;
    const Vec<C> value =
        exp_of_negative<C>(blob * blob * s.blob) * (C{1} - exp_of_negative<C>(structure * s.structure));
    return tube ? value : splat(s.none);
}

template <class C>
VOXKERN_HD inline Vec<C> vesselness3(Ascending<C> e, const Sensitivity<C>& s) {
    order_by_size(e.low, e.middle);
    order_by_size(e.middle, e.high);
    order_by_size(e.low, e.middle);
    const auto tube = smaller(e.middle * s.sign, e.high * s.sign) > C{0};
    const Vec<C> plate = e.middle / (tube ? e.high : splat(C{1}));
    const Vec<C> blob = e.low * e.low / (tube ? e.middle * e.high : splat(C{1}));
    const Vec<C> structure = madd(e.low, e.low, madd(e.middle, e.middle, e.high * e.high));
    const Vec<C> value = (C{1} - exp_of_negative<C>(plate * plate * s.plate)) * exp_of_negative<C>(blob * s.blob) *
                         (C{1} - exp_of_negative<C>(structure * s.structure));
    return tube ? value : splat(s.none);
}

// SPDX-License-Identifier: Apache-2.0
// Fourier transforms of as many lines side by side as a vector has lanes, in place. Included inside a level's
// namespace, after vec.inl.hpp. float32 fuses; float64 does not: its bits are the same at every level.

// The points of lines, `step` elements apart, each a vector; the imaginary parts lie `imag` elements behind.
template <class C>
struct Points {
    C* at;
    std::int64_t step;
    std::int64_t imag;
};

// re[0] + i im[0], .. become their transform.
template <class C, class V>
VOXKERN_INLINE void butterfly(V (&re)[2], V (&im)[2]) {
    const V r = re[1];
    const V i = im[1];
    re[1] = re[0] - r;
    im[1] = im[0] - i;
    re[0] += r;
    im[0] += i;
}

template <class C, class V>
VOXKERN_INLINE void butterfly(V (&re)[3], V (&im)[3]) {
    const V half = splat(C(0.5));
    const V sine = splat(C(0.86602540378443864676));
    const V sum_re = re[1] + re[2];
    const V sum_im = im[1] + im[2];
    const V turned_re = (im[1] - im[2]) * sine;
    const V turned_im = (re[2] - re[1]) * sine;
    const V mean_re = re[0] - half * sum_re;
    const V mean_im = im[0] - half * sum_im;
    re[0] += sum_re;
    im[0] += sum_im;
    re[1] = mean_re + turned_re;
    im[1] = mean_im + turned_im;
    re[2] = mean_re - turned_re;
    im[2] = mean_im - turned_im;
}

template <class C, class V>
VOXKERN_INLINE void butterfly(V (&re)[4], V (&im)[4]) {
    const V even_re = re[0] + re[2];
    const V even_im = im[0] + im[2];
    const V odd_re = re[0] - re[2];
    const V odd_im = im[0] - im[2];
    const V sum_re = re[1] + re[3];
    const V sum_im = im[1] + im[3];
    const V turned_re = im[1] - im[3];
    const V turned_im = re[3] - re[1];
    re[0] = even_re + sum_re;
    im[0] = even_im + sum_im;
    re[1] = odd_re + turned_re;
    im[1] = odd_im + turned_im;
    re[2] = even_re - sum_re;
    im[2] = even_im - sum_im;
    re[3] = odd_re - turned_re;
    im[3] = odd_im - turned_im;
}

template <class C, class V>
VOXKERN_INLINE void butterfly(V (&re)[5], V (&im)[5]) {
    const V cosine1 = splat(C(0.30901699437494742410));
    const V cosine2 = splat(C(-0.80901699437494742410));
    const V sine1 = splat(C(0.95105651629515357212));
    const V sine2 = splat(C(0.58778525229247312917));
    const V near_re = re[1] + re[4];
    const V near_im = im[1] + im[4];
    const V far_re = re[2] + re[3];
    const V far_im = im[2] + im[3];
    const V side_re = im[1] - im[4];  // turned by a quarter
    const V side_im = re[4] - re[1];
    const V back_re = im[2] - im[3];
    const V back_im = re[3] - re[2];
    const V mean1_re = re[0] + (cosine1 * near_re + cosine2 * far_re);
    const V mean1_im = im[0] + (cosine1 * near_im + cosine2 * far_im);
    const V mean2_re = re[0] + (cosine2 * near_re + cosine1 * far_re);
    const V mean2_im = im[0] + (cosine2 * near_im + cosine1 * far_im);
    const V turned1_re = sine1 * side_re + sine2 * back_re;
    const V turned1_im = sine1 * side_im + sine2 * back_im;
    const V turned2_re = sine2 * side_re - sine1 * back_re;
    const V turned2_im = sine2 * side_im - sine1 * back_im;
    re[0] += near_re + far_re;
    im[0] += near_im + far_im;
    re[1] = mean1_re + turned1_re;
    im[1] = mean1_im + turned1_im;
    re[2] = mean2_re + turned2_re;
    im[2] = mean2_im + turned2_im;
    re[3] = mean2_re - turned2_re;
    im[3] = mean2_im - turned2_im;
    re[4] = mean1_re - turned1_re;
    im[4] = mean1_im - turned1_im;
}

// (re + i im) (cosine + i sine).
VOXKERN_INLINE void turn(Vec<float>& re, Vec<float>& im, Vec<float> cosine, Vec<float> sine) {
    const Vec<float> turned = madd(im, -sine, re * cosine);
    im = madd(re, sine, im * cosine);
    re = turned;
}
VOXKERN_INLINE void turn(Vec<double>& re, Vec<double>& im, Vec<double> cosine, Vec<double> sine) {
    const Vec<double> turned = re * cosine - im * sine;
    im = re * sine + im * cosine;
    re = turned;
}

// One butterfly of R points, turned where `twiddles` are given: after it in the forward transform, before it in the
// inverse.
template <int R, bool kForward, bool kTurned, class C>
VOXKERN_INLINE void cross(C* x, std::int64_t step, std::int64_t imag, const C* twiddles) {
    Vec<C> re[R];
    Vec<C> im[R];
    for (int p = 0; p < R; ++p) {
        re[p] = load(x + p * step);
        im[p] = load(x + p * step + imag);
    }
    if constexpr (kTurned && !kForward) {
        for (int p = 1; p < R; ++p) turn(re[p], im[p], splat(twiddles[2 * p - 2]), splat(twiddles[2 * p - 1]));
    }
    butterfly<C>(re, im);
    if constexpr (kTurned && kForward) {
        for (int p = 1; p < R; ++p) turn(re[p], im[p], splat(twiddles[2 * p - 2]), splat(twiddles[2 * p - 1]));
    }
    for (int p = 0; p < R; ++p) {
        store(x + p * step, re[p]);
        store(x + p * step + imag, im[p]);
    }
}

// Parts of R * m points: point j of each is crossed with those m, 2 m, .. behind it.
template <int R, bool kForward, class C>
void cross_parts(const Points<C>& x, std::int64_t length, std::int64_t m, const C* twiddles) {
    const std::int64_t step = m * x.step;
    const std::int64_t part = R * step;
    C* const end = x.at + length * x.step;
    for (C* at = x.at; at < end; at += part) cross<R, kForward, false, C>(at, step, x.imag, nullptr);
    for (std::int64_t j = 1; j < m; ++j, twiddles += 2 * (R - 1)) {
        for (C* at = x.at + j * x.step; at < end; at += part) cross<R, kForward, true>(at, step, x.imag, twiddles);
    }
}

template <bool kForward, class C>
void run_stage(const LineTransform<C>& transform, int s, const Points<C>& x, std::int64_t length, std::int64_t m) {
    switch (transform.radix[s]) {
        case 2: return cross_parts<2, kForward>(x, length, m, transform.twiddles[s]);
        case 3: return cross_parts<3, kForward>(x, length, m, transform.twiddles[s]);
        case 4: return cross_parts<4, kForward>(x, length, m, transform.twiddles[s]);
        case 5: return cross_parts<5, kForward>(x, length, m, transform.twiddles[s]);
        default: return;
    }
}

// Stages s and on of `length` points in parts of `part`. Long parts are done one after the other, each with all its
// stages while it is in L1.
template <bool kForward, class C>
void run_stages(const LineTransform<C>& transform, int s, const Points<C>& x, std::int64_t length, std::int64_t part) {
    constexpr std::int64_t kLong = 128;
    if (s == transform.stages) return;
    const std::int64_t m = part / transform.radix[s];
    if constexpr (kForward) run_stage<true>(transform, s, x, length, m);
    const std::int64_t together = part > kLong ? m : length;
    for (std::int64_t p = 0; p < length; p += together) {
        run_stages<kForward>(transform, s + 1, Points<C>{x.at + p * x.step, x.step, x.imag}, together, m);
    }
    if constexpr (!kForward) run_stage<false>(transform, s, x, length, m);
}

// X[k] = sum over j of x[j] exp(-2 pi i j k / n), left where FourierTable::places() says.
template <class C>
void transform_forward(const LineTransform<C>& transform, const Points<C>& x) {
    run_stages<true>(transform, 0, x, transform.length, transform.length);
}

// The inverse, n times x: the stages in the other order, on exchanged parts.
template <class C>
void transform_inverse(const LineTransform<C>& transform, const Points<C>& x) {
    const Points<C> exchanged = {x.at + x.imag, x.step, -x.imag};
    run_stages<false>(transform, 0, exchanged, transform.length, transform.length);
}

// SPDX-License-Identifier: Apache-2.0
// Rows of any dtype into the compute type C (float or double) and back: where integer data is
// widened in registers instead of being copied as a float volume. Included inside a level's namespace.

template <class C>
using LoadRow = void (*)(const void* src, std::int64_t stride, C* dst, std::int64_t n);
template <class C>
using StoreRow = void (*)(const C* src, void* dst, std::int64_t stride, std::int64_t n);

// One vector of float or double from contiguous halves.
inline Vec<float> widen(const Half* p, float) {
#if defined(__AVX512F__)
    return _mm512_maskz_cvtph_ps(0xFFFF, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__F16C__)
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
    Vec<float> v;
    for (std::int64_t i = 0; i < kVec<float>; ++i) v[i] = p[i];
    return v;
#endif
}
inline Vec<double> widen(const Half* p, double) {
    Vec<double> v;
    for (std::int64_t i = 0; i < kVec<double>; ++i) v[i] = static_cast<double>(static_cast<float>(p[i]));
    return v;
}

// One vector of C from contiguous elements of T, widened in registers.
template <class C, class T>
inline Vec<C> load_as(const T* p) {
    if constexpr (kSame<T, C>) {
        return load(p);
    } else if constexpr (kSame<T, Half>) {
        return widen(p, C{0});
    } else {
        constexpr std::size_t lanes = VOXKERN_VEC_BYTES / sizeof(C);
        typedef T Narrow __attribute__((vector_size(lanes * sizeof(T))));
        Narrow x;
        __builtin_memcpy(&x, p, sizeof(x));
        if constexpr (!kFloating<T> && sizeof(T) < 4) {  // by way of int32: what the instructions do
            typedef std::int32_t Wide __attribute__((vector_size(lanes * sizeof(std::int32_t))));
            return __builtin_convertvector(__builtin_convertvector(x, Wide), Vec<C>);
        } else {
            return __builtin_convertvector(x, Vec<C>);
        }
    }
}

template <class T, class C>
void load_row(const void* src, std::int64_t stride, C* VOXKERN_RESTRICT dst, std::int64_t n) {
    const T* VOXKERN_RESTRICT from = static_cast<const T*>(src);
    if (stride == 1) {
        if constexpr (kSame<T, C>) {
            __builtin_memcpy(dst, from, static_cast<std::size_t>(n) * sizeof(C));
        } else if constexpr (kSame<T, Half>) {
            std::int64_t i = 0;
            for (; i + kVec<C> <= n; i += kVec<C>) store(dst + i, widen(from + i, C{0}));
            for (; i < n; ++i) dst[i] = static_cast<C>(static_cast<float>(from[i]));
        } else {
            for (std::int64_t i = 0; i < n; ++i) dst[i] = static_cast<C>(from[i]);
        }
    } else {
        for (std::int64_t i = 0; i < n; ++i) dst[i] = static_cast<C>(from[i * stride]);
    }
}

// truncated() of as many values as a vector holds 32-bit integers. On x86 its instructions give those values as they
// are. Whole vectors are stored: narrower ones could not be forwarded to the loads that follow.
constexpr std::int64_t kWhole = VOXKERN_VEC_BYTES / 4;
inline void truncate_vector(const float* from, std::int32_t* to) {
#if defined(__AVX512F__)
    _mm512_storeu_si512(to, _mm512_maskz_cvttps_epi32(0xFFFF, load(from)));
#elif defined(__AVX__)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_cvttps_epi32(load(from)));
#elif defined(__SSE2__)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_cvttps_epi32(load(from)));
#else
    for (std::int64_t i = 0; i < kWhole; ++i) to[i] = truncated<std::int32_t>(from[i]);
#endif
}
inline void truncate_vector(const double* from, std::int32_t* to) {
#if defined(__AVX512F__)
    const __m256i low = _mm512_maskz_cvttpd_epi32(0xFF, load(from));
    const __m256i high = _mm512_maskz_cvttpd_epi32(0xFF, load(from + 8));
    _mm512_storeu_si512(to, _mm512_mask_broadcast_i64x4(_mm512_maskz_broadcast_i64x4(0xFF, low), 0xF0, high));
#elif defined(__AVX__)
    const __m128i high = _mm256_cvttpd_epi32(load(from + 4));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_set_m128i(high, _mm256_cvttpd_epi32(load(from))));
#elif defined(__SSE2__)
    const __m128i high = _mm_cvttpd_epi32(load(from + 2));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi64(_mm_cvttpd_epi32(load(from)), high));
#else
    for (std::int64_t i = 0; i < kWhole; ++i) to[i] = truncated<std::int32_t>(from[i]);
#endif
}

// What TruncateWrap makes of a row, by way of int32.
template <class T, class C>
void wrap_row(const C* VOXKERN_RESTRICT src, T* VOXKERN_RESTRICT to, std::int64_t n) {
    constexpr std::int64_t kPiece = 32;
    std::int64_t i = 0;
    for (; i + kPiece <= n; i += kPiece) {
        alignas(64) std::int32_t whole[kPiece];
        for (std::int64_t j = 0; j < kPiece; j += kWhole) truncate_vector(src + i + j, whole + j);
        for (std::int64_t j = 0; j < kPiece; ++j) to[i + j] = static_cast<T>(whole[j]);
    }
    for (; i < n; ++i) to[i] = TruncateWrap::cast<T>(src[i]);
}

template <class Rule, class T, class C>
void store_row(const C* VOXKERN_RESTRICT src, void* dst, std::int64_t stride, std::int64_t n) {
    T* VOXKERN_RESTRICT to = static_cast<T*>(dst);
    if (stride == 1) {
        if constexpr (kSame<T, C>) {
            __builtin_memcpy(to, src, static_cast<std::size_t>(n) * sizeof(C));
        } else if constexpr (kSame<Rule, TruncateWrap> && !kFloating<T> && sizeof(T) <= 2) {
            wrap_row(src, to, n);
        } else {
            for (std::int64_t i = 0; i < n; ++i) to[i] = Rule::template cast<T>(src[i]);
        }
    } else {
        for (std::int64_t i = 0; i < n; ++i) to[i * stride] = Rule::template cast<T>(src[i]);
    }
}

template <class C>
LoadRow<C> load_row_of(DType dtype) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return load_row<T, C>;
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    return nullptr;
}

template <class Rule, class C>
StoreRow<C> store_row_of(DType dtype) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return store_row<Rule, T, C>;
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    return nullptr;
}

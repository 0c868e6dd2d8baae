// SPDX-License-Identifier: Apache-2.0
// The vector type of one ISA level. Included inside a level's namespace by level units only; holds
// no std:: templates, so no shared inline function can be compiled at a higher level than its callers.
// GCC/Clang vector extensions do the arithmetic; fused multiply-add is written where it is wanted.

#if defined(__AVX512F__)
#define VOXKERN_VEC_BYTES 64
#elif defined(__AVX__)
#define VOXKERN_VEC_BYTES 32
#else
#define VOXKERN_VEC_BYTES 16
#endif

template <class C>
struct VecOf {
    typedef C type __attribute__((vector_size(VOXKERN_VEC_BYTES)));
};
template <class C>
using Vec = typename VecOf<C>::type;

// Lanes of one vector, and of a tile row: tiles are padded to whole cache lines.
template <class C>
constexpr std::int64_t kVec = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(C));
template <class C>
constexpr std::int64_t kRowAlign = 64 / static_cast<std::int64_t>(sizeof(C));

template <class C>
inline Vec<C> load(const C* p) {
    Vec<C> v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}

template <class C>
inline void store(C* p, Vec<C> v) {
    __builtin_memcpy(p, &v, sizeof(v));
}

template <class C>
inline Vec<C> splat(C x) {
    return x - Vec<C>{};
}

// a*b + c: fused where the level has the instruction, else two roundings.
inline Vec<float> madd(Vec<float> a, Vec<float> b, Vec<float> c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

inline Vec<double> madd(Vec<double> a, Vec<double> b, Vec<double> c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_pd(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f64(c, a, b);
#else
    return a * b + c;
#endif
}

// One lane of madd: a sample has the same bits in the body and in the tail of a row.
inline float madd(float a, float b, float c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

inline double madd(double a, double b, double c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}

// pick(p, index): lane i takes p[index[i]], 0 <= index[i] < 2 * kVec. A permutation of two
// neighbouring vectors; kHasPick says where the level has an instruction for it.
#if defined(__AVX512F__)
template <class C>
constexpr bool kHasPick = true;
inline Vec<float> pick(const float* p, const std::int32_t* index) {
    return _mm512_permutex2var_ps(load(p), _mm512_loadu_si512(index), load(p + 16));
}
inline Vec<double> pick(const double* p, const std::int32_t* index) {
    typedef std::int32_t Narrow __attribute__((vector_size(32)));
    typedef long long Wide __attribute__((vector_size(64)));
    Narrow narrow;
    __builtin_memcpy(&narrow, index, sizeof(narrow));
    return _mm512_permutex2var_pd(load(p), (__m512i) __builtin_convertvector(narrow, Wide), load(p + 8));
}
#elif defined(__AVX2__)
template <class C>
constexpr bool kHasPick = sizeof(C) == 4;
inline Vec<float> pick(const float* p, const std::int32_t* index) {
    const __m256i at = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index));
    const __m256 low = _mm256_permutevar8x32_ps(load(p), at);
    const __m256 high = _mm256_permutevar8x32_ps(load(p + 8), at);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(at, 28)));  // bit 3: p + 8
}
#else
template <class C>
constexpr bool kHasPick = false;
#endif

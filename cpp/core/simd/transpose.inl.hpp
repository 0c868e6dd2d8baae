// SPDX-License-Identifier: Apache-2.0
// Transposition in registers: turns contiguous lines into lanes and back. Included inside a level's
// namespace, after vec.inl.hpp.

#if defined(__AVX__)

template <class C>
constexpr std::int64_t kTransposeBlock = 32 / static_cast<std::int64_t>(sizeof(C));

inline void transpose_block(const float* src, std::int64_t src_stride, float* dst, std::int64_t dst_stride) {
    // Rows i and i+4 share a register pair from the load on, so only in-lane shuffles remain.
    __m256 r[8];
    for (int i = 0; i < 4; ++i) {
        const float* low = src + i * src_stride;
        const float* high = src + (i + 4) * src_stride;
        r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
        r[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low + 4)), _mm_loadu_ps(high + 4), 1);
    }
    for (int half = 0; half < 2; ++half) {
        const __m256 a = _mm256_unpacklo_ps(r[4 * half], r[4 * half + 1]);
        const __m256 b = _mm256_unpackhi_ps(r[4 * half], r[4 * half + 1]);
        const __m256 c = _mm256_unpacklo_ps(r[4 * half + 2], r[4 * half + 3]);
        const __m256 d = _mm256_unpackhi_ps(r[4 * half + 2], r[4 * half + 3]);
        float* out = dst + 4 * half * dst_stride;
        _mm256_storeu_ps(out, _mm256_shuffle_ps(a, c, 0x44));
        _mm256_storeu_ps(out + dst_stride, _mm256_shuffle_ps(a, c, 0xEE));
        _mm256_storeu_ps(out + 2 * dst_stride, _mm256_shuffle_ps(b, d, 0x44));
        _mm256_storeu_ps(out + 3 * dst_stride, _mm256_shuffle_ps(b, d, 0xEE));
    }
}

inline void transpose_block(const double* src, std::int64_t src_stride, double* dst, std::int64_t dst_stride) {
    __m256d r[4];
    for (int i = 0; i < 2; ++i) {
        const double* low = src + i * src_stride;
        const double* high = src + (i + 2) * src_stride;
        r[i] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low)), _mm_loadu_pd(high), 1);
        r[i + 2] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low + 2)), _mm_loadu_pd(high + 2), 1);
    }
    for (int half = 0; half < 2; ++half) {
        double* out = dst + 2 * half * dst_stride;
        _mm256_storeu_pd(out, _mm256_unpacklo_pd(r[2 * half], r[2 * half + 1]));
        _mm256_storeu_pd(out + dst_stride, _mm256_unpackhi_pd(r[2 * half], r[2 * half + 1]));
    }
}

#elif defined(__SSE2__)

template <class C>
constexpr std::int64_t kTransposeBlock = 16 / static_cast<std::int64_t>(sizeof(C));

inline void transpose_block(const float* src, std::int64_t src_stride, float* dst, std::int64_t dst_stride) {
    __m128 a = _mm_loadu_ps(src);
    __m128 b = _mm_loadu_ps(src + src_stride);
    __m128 c = _mm_loadu_ps(src + 2 * src_stride);
    __m128 d = _mm_loadu_ps(src + 3 * src_stride);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(dst, a);
    _mm_storeu_ps(dst + dst_stride, b);
    _mm_storeu_ps(dst + 2 * dst_stride, c);
    _mm_storeu_ps(dst + 3 * dst_stride, d);
}

inline void transpose_block(const double* src, std::int64_t src_stride, double* dst, std::int64_t dst_stride) {
    const __m128d a = _mm_loadu_pd(src);
    const __m128d b = _mm_loadu_pd(src + src_stride);
    _mm_storeu_pd(dst, _mm_unpacklo_pd(a, b));
    _mm_storeu_pd(dst + dst_stride, _mm_unpackhi_pd(a, b));
}

#else

template <class C>
constexpr std::int64_t kTransposeBlock = 4;

template <class C>
inline void transpose_block(const C* src, std::int64_t src_stride, C* dst, std::int64_t dst_stride) {
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) dst[j * dst_stride + i] = src[i * src_stride + j];
    }
}

#endif

// dst[j][i] = src[i][j] for i < rows, j < cols; strides in elements.
template <class C>
inline void transpose(const C* src, std::int64_t src_stride, C* dst, std::int64_t dst_stride, std::int64_t rows,
                      std::int64_t cols) {
    constexpr std::int64_t K = kTransposeBlock<C>;
    const std::int64_t whole_rows = rows / K * K;
    const std::int64_t whole_cols = cols / K * K;
    for (std::int64_t j = 0; j < whole_cols; j += K) {
        for (std::int64_t i = 0; i < whole_rows; i += K) {
            transpose_block(src + i * src_stride + j, src_stride, dst + j * dst_stride + i, dst_stride);
        }
    }
    for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = i < whole_rows ? whole_cols : 0; j < cols; ++j) {
            dst[j * dst_stride + i] = src[i * src_stride + j];
        }
    }
}

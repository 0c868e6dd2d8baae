// SPDX-License-Identifier: Apache-2.0
// Masks as bits: 64 elements of a row in a word. Included inside a level's namespace, after mask.inl.hpp.

// One bit of 64 bytes that are 0 or 1.
inline std::uint64_t bits_of_bytes(const std::uint8_t* flags) {
#if defined(__AVX512BW__)
    const __m512i bytes = _mm512_loadu_si512(flags);
    return _mm512_test_epi8_mask(bytes, bytes);
#elif defined(__AVX2__)
    std::uint64_t word = 0;
    for (int part = 1; part >= 0; --part) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(flags + 32 * part));
        word = word << 32 | static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(bytes, 7)));
    }
    return word;
#elif defined(__SSE2__)
    std::uint64_t word = 0;
    for (int part = 3; part >= 0; --part) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(flags + 16 * part));
        word = word << 16 | static_cast<std::uint64_t>(_mm_movemask_epi8(_mm_slli_epi16(bytes, 7)));
    }
    return word;
#else
    std::uint64_t word = 0;
    for (int i = 63; i >= 0; --i) word = word << 1 | flags[i];
    return word;
#endif
}

// One bit per element of a row, set where it is not zero (or where it is). Bits behind the last are 0.
inline void bits(DType dtype, std::int64_t itemsize, const void* in, std::int64_t stride, std::int64_t n, bool zeros,
                 std::uint64_t* words) {
    constexpr std::int64_t kBlock = 1024;
    const InsideRow inside = inside_row_of(dtype);
    for (std::int64_t start = 0; start < n; start += kBlock) {
        const std::int64_t count = n - start < kBlock ? n - start : kBlock;
        std::uint8_t flags[kBlock];
        inside(static_cast<const char*>(in) + start * stride * itemsize, stride, flags, count);
        const std::int64_t end = (count + 63) / 64 * 64;
        __builtin_memset(flags + count, zeros ? 1 : 0, static_cast<std::size_t>(end - count));
        for (std::int64_t i = 0; i < end; i += 64) {
            const std::uint64_t word = bits_of_bytes(flags + i);
            words[(start + i) / 64] = zeros ? ~word : word;
        }
    }
}

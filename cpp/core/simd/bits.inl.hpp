// SPDX-License-Identifier: Apache-2.0
// Masks as bits: 64 samples of a row in a word. Included inside a level's namespace by level units only; it holds no
// std:: templates, as vec.inl.hpp explains.

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

// A zero is told by its bits; those of -0.0 are one too many.
template <class Bits>
inline void bits_of(const void* in, std::int64_t stride, std::int64_t n, Bits sign, bool zeros, std::uint64_t* words) {
    const Bits counted = static_cast<Bits>(~sign);
    for (std::int64_t start = 0; start < n; start += 64) {
        const std::int64_t count = n - start < 64 ? n - start : 64;
        const char* from = static_cast<const char*>(in) + start * stride * static_cast<std::int64_t>(sizeof(Bits));
        std::uint8_t flags[64] = {};
        if (stride == 1 && count == 64) {
            Bits samples[64];
            __builtin_memcpy(samples, from, sizeof(samples));
            for (int i = 0; i < 64; ++i) flags[i] = (samples[i] & counted) != 0;
        } else {
            for (std::int64_t i = 0; i < count; ++i) {
                Bits sample;
                __builtin_memcpy(&sample, from + i * stride * static_cast<std::int64_t>(sizeof(Bits)), sizeof(sample));
                flags[i] = (sample & counted) != 0;
            }
        }
        const std::uint64_t inside = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
        words[start / 64] = (zeros ? ~bits_of_bytes(flags) : bits_of_bytes(flags)) & inside;
    }
}

inline void bits(DType dtype, const void* in, std::int64_t stride, std::int64_t n, bool zeros, std::uint64_t* words) {
    switch (dtype) {
        case DType::u8:
        case DType::i8: return bits_of<std::uint8_t>(in, stride, n, 0, zeros, words);
        case DType::u16:
        case DType::i16: return bits_of<std::uint16_t>(in, stride, n, 0, zeros, words);
        case DType::u32:
        case DType::i32: return bits_of<std::uint32_t>(in, stride, n, 0, zeros, words);
        case DType::u64:
        case DType::i64: return bits_of<std::uint64_t>(in, stride, n, 0, zeros, words);
        case DType::f16: return bits_of<std::uint16_t>(in, stride, n, 0x8000U, zeros, words);
        case DType::f32: return bits_of<std::uint32_t>(in, stride, n, 0x80000000U, zeros, words);
        case DType::f64: return bits_of<std::uint64_t>(in, stride, n, std::uint64_t{1} << 63, zeros, words);
    }
}

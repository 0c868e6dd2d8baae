// SPDX-License-Identifier: Apache-2.0
// Row loops of morphology, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/morphology/morphology_task.hpp"

namespace voxkern::morphology {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/stride.inl.hpp"
#include "core/simd/mask.inl.hpp"
#include "core/simd/bits.inl.hpp"
#include "core/simd/vec.inl.hpp"
// clang-format on

typedef std::uint64_t Word64;

void pack(DType dtype, std::int64_t itemsize, const void* in, std::int64_t stride, std::int64_t n, Word64* words) {
    bits(dtype, itemsize, in, stride, n, false, words);
}

// Bit k of word i goes to bit i of word k.
void transpose(Word64* square) {
    Word64 kept = 0x00000000FFFFFFFFU;
    for (int half = 32; half > 0; half /= 2, kept ^= kept << half) {
        for (int i = 0; i < 64; i = ((i | half) + 1) & ~half) {
            const Word64 moved = ((square[i] >> half) ^ square[i | half]) & kept;
            square[i] ^= moved << half;
            square[i | half] ^= moved;
        }
    }
}

void pack_columns(DType dtype, const void* in, std::int64_t step, std::int64_t rows, std::int64_t n, Word64* words,
                  std::int64_t row_words) {
    const char* from = static_cast<const char*>(in);
    const InsideRow inside = inside_row_of(dtype);
    for (std::int64_t start = 0; start < n; start += 64) {
        Word64 square[64] = {};
        for (std::int64_t i = start; i < n && i < start + 64; ++i) {
            std::uint8_t flags[64] = {};
            inside(from + i * step, 1, flags, rows);
            square[i - start] = bits_of_bytes(flags);
        }
        transpose(square);
        for (std::int64_t k = 0; k < rows; ++k) words[k * row_words + start / 64] = square[k];
    }
}

// 64 bytes of 0 or 1.
inline void spread(Word64 word, std::uint8_t* flags) {
#if defined(__AVX512BW__)
    _mm512_storeu_si512(flags, _mm512_maskz_set1_epi8(word, 1));
#elif defined(__AVX2__)
    const __m256i byte_of = _mm256_set_epi64x(0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
    const __m256i bit_of = _mm256_set1_epi64x(static_cast<std::int64_t>(0x8040201008040201U));
    for (int part = 0; part < 2; ++part) {
        const __m256i half = _mm256_set1_epi32(static_cast<std::int32_t>(word >> (32 * part)));
        const __m256i chosen = _mm256_and_si256(_mm256_shuffle_epi8(half, byte_of), bit_of);
        const __m256i ones = _mm256_and_si256(_mm256_cmpeq_epi8(chosen, bit_of), _mm256_set1_epi8(1));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(flags + 32 * part), ones);
    }
#else
    for (int part = 0; part < 8; ++part) {
        const Word64 chosen = ((word >> (8 * part) & 0xFF) * 0x0101010101010101U) & 0x8040201008040201U;
        const Word64 ones = (chosen + 0x7F7F7F7F7F7F7F7FU) >> 7 & 0x0101010101010101U;
        __builtin_memcpy(flags + 8 * part, &ones, sizeof(ones));
    }
#endif
}

template <class Bits>
void unpack_as(const Word64* words, std::int64_t n, Bits one, void* out, std::int64_t stride) {
    char* const to = static_cast<char*>(out);
    for (std::int64_t start = 0; start < n; start += 64) {
        const std::int64_t count = n - start < 64 ? n - start : 64;
        char* const at = to + start * stride * static_cast<std::int64_t>(sizeof(Bits));
        std::uint8_t flags[64];
        spread(words[start / 64], flags);
        if (stride == 1 && count == 64) {
            Bits values[64];
            for (int i = 0; i < 64; ++i) values[i] = static_cast<Bits>(flags[i] * one);
            __builtin_memcpy(at, values, sizeof(values));
            continue;
        }
        for (std::int64_t i = 0; i < count; ++i) {
            const Bits value = static_cast<Bits>(flags[i] * one);
            __builtin_memcpy(at + i * stride * static_cast<std::int64_t>(sizeof(Bits)), &value, sizeof(value));
        }
    }
}

void unpack(DType dtype, const Word64* words, std::int64_t n, void* out, std::int64_t stride) {
    switch (dtype) {
        case DType::u8:
        case DType::i8: return unpack_as<std::uint8_t>(words, n, 1, out, stride);
        case DType::u16:
        case DType::i16: return unpack_as<std::uint16_t>(words, n, 1, out, stride);
        case DType::u32:
        case DType::i32: return unpack_as<std::uint32_t>(words, n, 1, out, stride);
        case DType::u64:
        case DType::i64: return unpack_as<std::uint64_t>(words, n, 1, out, stride);
        case DType::f16: return unpack_as<std::uint16_t>(words, n, 0x3C00U, out, stride);
        case DType::f32: return unpack_as<std::uint32_t>(words, n, 0x3F800000U, out, stride);
        case DType::f64: return unpack_as<std::uint64_t>(words, n, std::uint64_t{0x3FF} << 52, out, stride);
    }
}

// The bits of a word: those before `shift` come from the next one. A shift of 64 has no meaning, so it is made of two.
template <class W>
inline W shifted(W word, W next, int shift) {
    return word >> shift | next << 1 << (63 - shift);
}

template <bool kAny, class W>
inline W joined(W a, W b) {
    if constexpr (kAny) return a | b;
    return a & b;
}

template <bool kAny, std::int64_t kN>
inline void combine_vectors(const Source* sources, std::int64_t unshifted, std::int64_t count, Word64 start,
                            Word64* out, std::int64_t i) {
    Vec<Word64> all[kN];
    for (std::int64_t v = 0; v < kN; ++v) all[v] = splat<Word64>(start);
    for (std::int64_t s = 0; s < unshifted; ++s) {
        const Word64* const from = sources[s].words + i;
        for (std::int64_t v = 0; v < kN; ++v) all[v] = joined<kAny>(all[v], load(from + v * kVec<Word64>));
    }
    for (std::int64_t s = unshifted; s < count; ++s) {
        const Word64* const from = sources[s].words + i;
        for (std::int64_t v = 0; v < kN; ++v) {
            const Word64* const at = from + v * kVec<Word64>;
            all[v] = joined<kAny>(all[v], shifted(load(at), load(at + 1), sources[s].shift));
        }
    }
    for (std::int64_t v = 0; v < kN; ++v) store(out + i + v * kVec<Word64>, all[v]);
}

template <bool kAny>
void combine_as(const Source* sources, std::int64_t unshifted, std::int64_t count, Word64 start, Word64* out,
                std::int64_t n) {
    constexpr std::int64_t kTogether = 4;
    std::int64_t i = 0;
    for (; i + kTogether * kVec<Word64> <= n; i += kTogether * kVec<Word64>) {
        combine_vectors<kAny, kTogether>(sources, unshifted, count, start, out, i);
    }
    for (; i + kVec<Word64> <= n; i += kVec<Word64>) combine_vectors<kAny, 1>(sources, unshifted, count, start, out, i);
    for (; i < n; ++i) {
        Word64 all = start;
        for (std::int64_t s = 0; s < unshifted; ++s) all = joined<kAny>(all, sources[s].words[i]);
        for (std::int64_t s = unshifted; s < count; ++s) {
            const Word64* const at = sources[s].words + i;
            all = joined<kAny>(all, shifted(at[0], at[1], sources[s].shift));
        }
        out[i] = all;
    }
}

void combine(const Source* sources, std::int64_t unshifted, std::int64_t count, bool any, Word64 start, Word64* out,
             std::int64_t n) {
    if (any) {
        combine_as<true>(sources, unshifted, count, start, out, n);
    } else {
        combine_as<false>(sources, unshifted, count, start, out, n);
    }
}

void choose(const Word64* mask, const Word64* other, Word64* out, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = (out[i] & mask[i]) | (other[i] & ~mask[i]);
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {pack, pack_columns, unpack, combine, choose};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::morphology

// SPDX-License-Identifier: Apache-2.0
// Row loops of label, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/label/label_task.hpp"

namespace voxkern::label {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/bits.inl.hpp"

// A zero is told by its bits; those of -0.0 are one too many.
template <class Bits>
void bits_of(const void* in, std::int64_t stride, std::int64_t n, Bits sign, bool zeros, std::uint64_t* words) {
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

void bits(DType dtype, const void* in, std::int64_t stride, std::int64_t n, bool zeros, std::uint64_t* words) {
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

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {bits};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::label

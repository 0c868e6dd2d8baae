// SPDX-License-Identifier: Apache-2.0
// IEEE 754 half precision, for storage only: arithmetic happens in float.
#pragma once

#include <cstdint>

#include "core/config.hpp"

namespace voxkern {

struct Half {
    std::uint16_t bits = 0;

    Half() = default;
    // Rounds to nearest, ties to even; what is too large becomes infinite.
    VOXKERN_HD VOXKERN_INLINE explicit Half(float value) {
        std::uint32_t x;
        __builtin_memcpy(&x, &value, sizeof(x));
        const std::uint32_t sign = x >> 16 & 0x8000U;
        const std::uint32_t magnitude = x & 0x7FFFFFFFU;
        std::uint32_t h;
        if (magnitude > 0x7F800000U) {
            h = 0x7E00U;  // NaN
        } else if (magnitude >= 0x477FF000U) {
            h = 0x7C00U;
        } else if (magnitude < 0x38800000U) {
            // Subnormal: adding 0.5 aligns the last bit of a half with the last bit of the float.
            float small;
            __builtin_memcpy(&small, &magnitude, sizeof(small));
            small += 0.5F;
            __builtin_memcpy(&h, &small, sizeof(h));
            h -= 0x3F000000U;
        } else {
            h = (magnitude + 0xFFFU + (magnitude >> 13 & 1U) - 0x38000000U) >> 13;
        }
        bits = static_cast<std::uint16_t>(sign | h);
    }
    VOXKERN_HD VOXKERN_INLINE explicit Half(double value) : Half(static_cast<float>(value)) {}

    VOXKERN_HD VOXKERN_INLINE operator float() const {
        const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
        const std::uint32_t magnitude = bits & 0x7FFFU;
        constexpr std::uint32_t kBias = 112U << 23;  // between the exponents of the two formats
        std::uint32_t x = (magnitude << 13) + kBias;
        if (magnitude >= 0x7C00U) x += kBias;  // infinity and NaN
        // A subnormal counts steps of 2^-24. No step of this makes a subnormal float: those may be flushed.
        const float small = static_cast<float>(static_cast<std::int32_t>(magnitude)) * 5.9604644775390625e-8F;
        if (magnitude < 0x0400U) __builtin_memcpy(&x, &small, sizeof(x));
        x |= sign;
        float value;
        __builtin_memcpy(&value, &x, sizeof(value));
        return value;
    }
};

}  // namespace voxkern

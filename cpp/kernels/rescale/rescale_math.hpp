// SPDX-License-Identifier: Apache-2.0
// One stored word, on host and device.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/config.hpp"

namespace voxkern::rescale {

VOXKERN_HD VOXKERN_INLINE std::uint8_t swapped_bytes(std::uint8_t x) {
    return x;
}
VOXKERN_HD VOXKERN_INLINE std::uint16_t swapped_bytes(std::uint16_t x) {
    return static_cast<std::uint16_t>(x << 8 | x >> 8);
}
VOXKERN_HD VOXKERN_INLINE std::uint32_t swapped_bytes(std::uint32_t x) {
    return x << 24 | (x & 0xFF00U) << 8 | (x >> 8 & 0xFF00U) | x >> 24;
}
VOXKERN_HD VOXKERN_INLINE std::uint64_t swapped_bytes(std::uint64_t x) {
    return static_cast<std::uint64_t>(swapped_bytes(static_cast<std::uint32_t>(x))) << 32 |
           swapped_bytes(static_cast<std::uint32_t>(x >> 32));
}

// The stored bits of a word: up to the top, so that what lies above falls out, then down again.
template <class T>
VOXKERN_HD VOXKERN_INLINE T stored_bits(T word, int unused_high, int unused_low) {
    using Unsigned = std::make_unsigned_t<T>;
    const T top = static_cast<T>(static_cast<Unsigned>(static_cast<Unsigned>(word) << unused_high));
    return static_cast<T>(top >> (unused_high + unused_low));  // arithmetic where T is signed
}

}  // namespace voxkern::rescale

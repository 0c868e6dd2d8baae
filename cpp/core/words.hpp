// SPDX-License-Identifier: Apache-2.0
// Elements as the unsigned integers that their bits are.
#pragma once

#include <cstdint>

#include "core/cast.hpp"
#include "core/config.hpp"

namespace voxkern {

template <int kBytes>
struct WordOf;
template <>
struct WordOf<1> {
    using type = std::uint8_t;
};
template <>
struct WordOf<2> {
    using type = std::uint16_t;
};
template <>
struct WordOf<4> {
    using type = std::uint32_t;
};
template <>
struct WordOf<8> {
    using type = std::uint64_t;
};
template <class T>
using Word = typename WordOf<static_cast<int>(sizeof(T))>::type;

// The sign of floats and of signed integers.
template <class T>
constexpr Word<T> kTopBit = static_cast<Word<T>>(Word<T>{1} << (8 * sizeof(T) - 1));

// Not zero. A subnormal number counts even where arithmetic flushes it, and so does NaN.
template <class T>
VOXKERN_HD VOXKERN_INLINE bool is_set(Word<T> word) {
    if constexpr (kFloating<T>) {
        return static_cast<Word<T>>(word & ~kTopBit<T>) != 0;
    } else {
        return word != 0;
    }
}

}  // namespace voxkern

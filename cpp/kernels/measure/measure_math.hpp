// SPDX-License-Identifier: Apache-2.0
// Keys: unsigned integers that order as the elements do.
#pragma once

#include <cstdint>

#include "core/words.hpp"

namespace voxkern::measure {

// The bits of infinity.
template <class T>
constexpr Word<T> kInfinity = static_cast<Word<T>>(sizeof(T) == 2   ? 0x7C00U
                                                   : sizeof(T) == 4 ? 0x7F800000U
                                                                    : 0x7FF0000000000000U);

// Negative floats order backwards, so all of their bits are turned; every NaN comes last.
template <class T>
VOXKERN_HD VOXKERN_INLINE Word<T> key_of(Word<T> word) {
    if constexpr (kFloating<T>) {
        const auto magnitude = static_cast<Word<T>>(word & ~kTopBit<T>);
        const auto key = static_cast<Word<T>>((word & kTopBit<T>) != 0 ? ~word : word | kTopBit<T>);
        return magnitude > kInfinity<T> ? static_cast<Word<T>>(~Word<T>{0}) : key;
    } else if constexpr (kSigned<T>) {
        return static_cast<Word<T>>(word ^ kTopBit<T>);
    } else {
        return word;
    }
}

// The word with this key, which is no NaN's.
template <class T>
VOXKERN_HD VOXKERN_INLINE Word<T> word_of(Word<T> key) {
    if constexpr (kFloating<T>) {
        return static_cast<Word<T>>((key & kTopBit<T>) != 0 ? key & ~kTopBit<T> : ~key);
    } else if constexpr (kSigned<T>) {
        return static_cast<Word<T>>(key ^ kTopBit<T>);
    } else {
        return key;
    }
}

}  // namespace voxkern::measure

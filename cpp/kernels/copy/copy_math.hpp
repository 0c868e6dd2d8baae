// SPDX-License-Identifier: Apache-2.0
// One sample on its way to another dtype.
#pragma once

#include "core/cast.hpp"

namespace voxkern::copy {

// C is the type in between, exact for From or the widest there is.
template <class To, class C, class From>
VOXKERN_HD VOXKERN_INLINE To converted(From x) {
    if constexpr (kSame<To, From>) {
        return x;
    } else {
        return RoundSaturate::template cast<To>(static_cast<C>(x));
    }
}

}  // namespace voxkern::copy

// SPDX-License-Identifier: Apache-2.0
// What becomes of an interpolated value before it is stored, on either back end.
#pragma once

#include "core/config.hpp"

namespace voxkern::resample {

// `offset` was subtracted from the samples and comes back; then the range is limited.
template <class C>
struct Finish {
    C offset = C{0};
    bool clip = false;
    C lowest = C{0};
    C highest = C{0};

    VOXKERN_HD VOXKERN_INLINE C operator()(C value) const {
        value += offset;
        if (!clip) return value;
        return value < lowest ? lowest : (value > highest ? highest : value);
    }
};

}  // namespace voxkern::resample

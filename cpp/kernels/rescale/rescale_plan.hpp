// SPDX-License-Identifier: Apache-2.0
// How the values of one call are computed.
#pragma once

#include "kernels/rescale/rescale.hpp"

namespace voxkern::rescale {

struct Plan {
    Options options;
    DType in = DType::u8;
    DType out = DType::u8;
    bool f32 = false;       // the values are exact in float32
    bool copy = false;      // the stored words are the values
    bool as_stored = true;  // the bytes in memory are the stored words
};

Plan plan_of(DType in, DType out, const Options& options);

}  // namespace voxkern::rescale

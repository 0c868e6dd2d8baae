// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/view.hpp"
#include "kernels/rescale/rescale.hpp"

namespace voxkern {

struct RescaleTask {
    Rescale how;
    DType in = DType::u8;
    DType out = DType::u8;
    std::int64_t in_size = 1;  // bytes of an element
    std::int64_t out_size = 1;
    std::int64_t in_stride = 1;
    std::int64_t out_stride = 1;
    bool f32 = false;   // the values are exact in float32
    bool copy = false;  // the stored words are the values
};

struct RescaleOps {
    void (*row)(const RescaleTask&, const void* in, void* out, std::int64_t n);
};

VOXKERN_DECLARE_LEVELS(RescaleOps, rescale_ops)

}  // namespace voxkern

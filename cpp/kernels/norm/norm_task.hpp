// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "kernels/norm/norm_plan.hpp"

namespace voxkern::norm {

struct Ops {
    // Of n samples that lie side by side; n is 1 or more.
    Moments (*moments)(const float* x, std::int64_t n);
    // `added` may be null.
    void (*apply)(const Line& line, float slope, const float* x, const float* added, float* y, std::int64_t n);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::norm

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "kernels/rescale/rescale_plan.hpp"

namespace voxkern::rescale {

struct Task {
    Plan plan;
    std::int64_t in_size = 1;  // bytes of an element
    std::int64_t out_size = 1;
    std::int64_t in_stride = 1;
    std::int64_t out_stride = 1;
};

struct Ops {
    void (*row)(const Task&, const void* in, void* out, std::int64_t n);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::rescale

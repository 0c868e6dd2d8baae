// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern::copy {

// A row of each array; strides count elements.
struct Row {
    DType in = DType::f32;
    DType out = DType::f32;
    std::int64_t in_size = 4;  // bytes of an element
    std::int64_t out_size = 4;
    std::int64_t in_stride = 1;
    std::int64_t out_stride = 1;
};

struct Ops {
    void (*row)(const Row&, const void* in, void* out, std::int64_t n);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::copy

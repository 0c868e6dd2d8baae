// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern::label {

struct Ops {
    // One bit per sample of a row, set where it is not zero (or where it is). Bits behind the last are 0.
    void (*bits)(DType dtype, std::int64_t itemsize, const void* in, std::int64_t stride, std::int64_t n, bool zeros,
                 std::uint64_t* words);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::label

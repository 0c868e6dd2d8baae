// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "kernels/normalise/normalise.hpp"

namespace voxkern::normalise {

struct Task {
    Options options;
    bool limits_alone = false;  // the line changes nothing, and the dtypes agree
    bool masked = false;
    DType in = DType::f32;
    DType mask = DType::u8;
    DType out = DType::f32;
    std::int64_t mask_bytes = 1;  // of an element
    std::int64_t in_stride = 1;
    std::int64_t mask_stride = 0;
    std::int64_t out_stride = 1;
};

struct Ops {
    // Of n elements of a row, kBlock at most.
    void (*row)(const Task& task, const void* in, const void* mask, void* out, std::int64_t n);
};

constexpr std::int64_t kBlock = 1024;  // values on their way stay in L1

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::normalise

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "kernels/pool3d/pool3d_plan.hpp"

namespace voxkern::pool3d {

// One axis: its plan, and where its samples lie. Strides count elements.
struct AxisTask {
    const std::int64_t* first = nullptr;
    const std::int64_t* count = nullptr;
    const float* size = nullptr;
    std::int64_t step = 1;
    std::int64_t n_in = 1;
    std::int64_t n_out = 1;
    std::int64_t in_stride = 1;
    std::int64_t out_stride = 1;
};

struct Task {
    const float* in = nullptr;
    float* out = nullptr;
    std::int64_t channels = 1;
    std::int64_t in_strides[2] = {};  // N, C
    std::int64_t out_strides[2] = {};
    AxisTask z, y, x;
    std::int64_t kernel = 1;  // of the windows along x that lie inside as a whole
    std::int64_t stride = 1;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    float divisor = 0.0F;  // of every window; 0: the product of its sizes
    std::int64_t* places = nullptr;
    std::int64_t places_strides[5] = {};  // N, C, D, H, W
};

// Rows [first, last) of the output, counted over N, C, D and H.
using PoolRows = void (*)(const Task&, std::int64_t first, std::int64_t last, float* row, float* result);

struct Ops {
    PoolRows max;
    PoolRows average;
    PoolRows max_and_places;  // `row` has room for as many places behind its samples and slack
};

// Samples that may be read behind the end of `row`.
inline constexpr std::int64_t kSlack = 16;

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::pool3d

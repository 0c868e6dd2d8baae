// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "kernels/regions/regions.hpp"

namespace voxkern::regions {

// One row. Strides count elements.
struct Row {
    DType labels_dtype = DType::i32;
    const void* labels = nullptr;
    std::int64_t labels_stride = 1;
    DType image_dtype = DType::f32;
    const void* image = nullptr;  // or null
    std::int64_t image_stride = 1;
    std::int64_t n = 0;
    std::int64_t position = 0;            // of its first sample, in C order
    const std::int64_t* index = nullptr;  // along each axis but the last
    int rank = 1;
    std::int64_t lowest = 0;
    std::int64_t count = 0;
};

struct Ops {
    // Adds a row to regions and places. `scratch` holds row.n labels, `samples` as many samples.
    void (*add)(const Row& row, void* scratch, double* samples, Region* regions, std::int64_t* places);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::regions

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/bins.hpp"
#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern::regions {

// Runs of a row: samples [begins[r], ends[r]) have one label.
struct Runs {
    const std::int32_t* begins = nullptr;
    const std::int32_t* ends = nullptr;
    std::int64_t count = 0;
};

struct Ops {
    // Where the label changes in a row, 0 and n with it, and the label from there on; returns how many runs there are.
    // `scratch` holds n labels.
    std::int64_t (*changes)(DType dtype, const void* labels, std::int64_t stride, std::int64_t n, void* scratch,
                            std::int32_t* begins, std::int64_t* names);
    void (*load)(DType dtype, const void* image, std::int64_t stride, std::int64_t n, double* samples);
    // Of each run: the sum of x, of x * (index of its sample, the first of the row has `first`), and of x - pivot and
    // its square.
    void (*sums)(const double* samples, const Runs& runs, double* sums);
    void (*weighted)(const double* samples, const Runs& runs, double first, double* sums);
    void (*moments)(const double* samples, const Runs& runs, const double* pivots, double* firsts, double* seconds);
    // The smallest sample and the largest, NaN passed over, and whether there is one.
    void (*extremes)(const double* samples, const Runs& runs, double* lows, double* highs, std::uint8_t* not_numbers);
    void (*bins)(const Bins& bins, const double* samples, std::int64_t n, std::int32_t* found);
    // Bit i of the words: a[i] != b[i]. Bits behind the last are 0.
    void (*differ)(const std::int32_t* a, const std::int32_t* b, std::int64_t n, std::uint64_t* words);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::regions

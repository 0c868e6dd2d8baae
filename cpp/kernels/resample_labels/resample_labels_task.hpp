// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"
#include "core/picks.hpp"
#include "kernels/resample_labels/resample_labels_math.hpp"

namespace voxkern::resample_labels {

// Taps of every output sample of one axis: [n_out][taps]. Shorter lists are filled up with weights of zero.
struct AxisTable {
    std::int64_t n_out = 1;
    int taps = 1;
    const std::int64_t* index = nullptr;
    const double* weight = nullptr;
    const int* count = nullptr;             // taps that count, per output sample
    const std::int64_t* nearest = nullptr;  // kOutside: cval
    const unsigned char* outside = nullptr;
};

struct Task {
    int axes = 3;
    const char* source = nullptr;
    char* target = nullptr;
    std::int64_t itemsize = 1;  // of source and target
    std::uint64_t sign = 0;     // the sign bit of signed labels, else 0
    std::int64_t source_strides[kMaxAxes] = {};
    std::int64_t target_strides[kMaxAxes] = {};
    std::int64_t source_length = 1;  // samples along run_axis
    int run_axis = 0;                // rows of the output go along it
    Rule rule = Rule::argmax;
    std::int64_t cval = 0;
    AxisTable axis[kMaxAxes];
};

// Class scores: (class, slow, middle, fast), whatever axes those are.
struct ArgmaxTask {
    std::int64_t classes = 1;
    const char* source = nullptr;
    DType dtype = DType::f32;
    std::int64_t itemsize = 4;
    std::int64_t class_stride = 0;
    std::int64_t strides[3] = {};
    std::int64_t length = 1;  // samples of the fast axis
    std::int64_t n_out[3] = {1, 1, 1};
    int taps[3] = {1, 1, 1};
    const std::int64_t* index[3] = {};
    const float* weight[3] = {};
    const unsigned char* outside[3] = {};
    Picks<float> picks;
    char* target = nullptr;
    DType target_dtype = DType::u8;
    std::int64_t target_itemsize = 1;
    std::int64_t target_strides[3] = {};
};

// Parts of one workspace.
struct ArgmaxScratch {
    float* rows;    // source rows, widened where they are not contiguous
    float* row;     // one class before the fast axis
    float* score;   // of the class at hand
    float* best;    // highest score so far
    float* winner;  // its class: numbers are exact in float
};

struct Ops {
    // Output row at `at` (its entry for run_axis is 0); `unanimous` has room for source_length bytes.
    void (*row)(const Task&, const std::int64_t* at, unsigned char* unanimous);
    void (*voxel)(const Task&, const AxisTable* taps, void* out);
    void (*argmax_row)(const ArgmaxTask&, std::int64_t k, std::int64_t j, const ArgmaxScratch&);
    std::int64_t pick_lanes;
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::resample_labels

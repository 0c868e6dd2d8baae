// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"
#include "core/interpolator.hpp"
#include "kernels/warp/warp.hpp"

namespace voxkern {

// Samples that are worked on together: their coordinates, weights and neighbours stay in L1.
inline constexpr int kRun = 64;

// One image of the batch, or what stands for it: its spline coefficients, or a copy with a rim.
struct WarpSource {
    const char* base = nullptr;  // sample 0 of every axis, without pad and rim
    DType dtype = DType::f32;
    std::int64_t itemsize = 4;
    std::int64_t shape[kMaxWarpAxes] = {};    // samples of the image
    std::int64_t strides[kMaxWarpAxes] = {};  // in elements; 0 where the axis has one sample
    std::int64_t pad = 0;                     // what the prefilter's line had more on either side
    std::int64_t rim = 0;                     // and what lies beyond that, so that no tap needs folding
    bool rimmed = false;                      // a copy in the compute type, contiguous along its last axis
};

struct WarpTask {
    int axes = 3;  // of the image, slowest first
    int grid_axes = 3;
    const double* offset = nullptr;  // null: zero
    const double* matrix = nullptr;
    const double* field_matrix = nullptr;
    const char* field = nullptr;
    DType field_dtype = DType::f32;
    std::int64_t field_itemsize = 4;
    int components = 0;
    int component_of[kMaxWarpAxes] = {};  // without a field_matrix: the component that is this axis
    std::int64_t component_stride = 0;
    std::int64_t field_strides[kMaxWarpAxes] = {};  // of the grid axes
    int run_axis = 0;                               // the grid axis that runs go along

    WarpSource source;
    char* target = nullptr;  // push: only read
    DType target_dtype = DType::f32;
    std::int64_t target_itemsize = 4;
    std::int64_t target_strides[kMaxWarpAxes] = {};

    Interpolator kernel;
    Boundary mode = Boundary::constant;
    double cval = 0.0;
    bool less_cval = false;  // the rimmed copy holds the samples less cval
    int slope_axis = -1;
    std::int64_t ahead = 0;  // elements from a sample to one that a run soon to come will read
};

// A run of grid points along run_axis.
struct WarpRun {
    std::int64_t at[kMaxWarpAxes];  // its first point
    std::int64_t count;
    double lead[kMaxWarpAxes];  // per image axis: offset and what the matrix gives for grid axes before run_axis
};

// Planes of the slowest axis of the (padded) image.
struct Planes {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

template <class C>
struct WarpKernels {
    void (*pull)(const WarpTask&, const WarpRun&);
    // Which planes the taps of a run reach.
    Planes (*reach)(const WarpTask&, const WarpRun&);
    // Adds the values of a run to the planes; the task's target is the values, its source the sum, contiguous,
    // rim 0.
    void (*push)(const WarpTask&, const WarpRun&, const Planes&, C* sum);
};

struct WarpOps {
    WarpKernels<float> f32;
    WarpKernels<double> f64;
};

VOXKERN_DECLARE_LEVELS(WarpOps, warp_ops)

}  // namespace voxkern

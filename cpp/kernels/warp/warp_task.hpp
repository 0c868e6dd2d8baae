// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "kernels/warp/warp_math.hpp"

namespace voxkern::warp {

// Grid points that are worked on together: their coordinates, weights and neighbours stay in L1.
inline constexpr int kRun = 64;
// Most axes of an image that the loops over a run know.
inline constexpr int kFastAxes = 3;

// The array with one value per grid point: written by warp, read by push.
struct Grid {
    char* base = nullptr;
    DType dtype = DType::f32;
    std::int64_t itemsize = 4;
    std::int64_t shape[kMaxAxes] = {};
    std::int64_t strides[kMaxAxes] = {};
};

struct Task {
    Map map;
    Source source;  // push: the sums, contiguous
    Grid grid;
    bool one_by_one = false;    // every sample by sample_at
    int run_axis = 0;           // the grid axis that runs go along
    std::int64_t prefetch = 0;  // elements from a sample to one that a run soon to come will read
    bool limits = false;        // results are limited to [lowest, highest]
    double lowest = 0.0;
    double highest = 0.0;
};

// Grid points along run_axis, from `at` on.
struct Run {
    std::int64_t at[kMaxAxes];
    std::int64_t count;
};

// Planes of the slowest axis of the (padded) image.
struct Planes {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

template <class C>
struct Kernels {
    void (*warp)(const Task&, const Run&);
    // The planes that the taps of a run reach.
    Planes (*reach)(const Task&, const Run&);
    // Adds what the values of a run give to these planes of the sum.
    void (*push)(const Task&, const Run&, const Planes&, C* sum);
};

struct Ops {
    Kernels<float> f32;
    Kernels<double> f64;
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::warp

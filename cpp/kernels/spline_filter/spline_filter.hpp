// SPDX-License-Identifier: Apache-2.0
// Samples to B-spline coefficients, the prefilter of spline interpolation; see README.md in this folder.
#pragma once

#include <vector>

#include "core/boundary.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::spline_filter {

struct Options {
    std::vector<int> axes;             // to filter along, each once
    int order = 3;                     // 0 to 5; 0 and 1 copy
    Boundary mode = Boundary::mirror;  // how a line continues beyond its ends
    bool float64 = false;              // compute in float64 even where float32 holds every value
};

}  // namespace voxkern::spline_filter

namespace voxkern::cpu {

// `in` and `out` have one shape and may be the very same array, but must not overlap otherwise. Computes in float32
// when every value of both dtypes is exact in it, else in float64. Integers round half away from zero and saturate.
// Extra memory: one volume of the compute type where `out` has another, else none.
void spline_filter(const ConstArrayView& in, const ArrayView& out, const spline_filter::Options& options,
                   const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void spline_filter(const ConstArrayView& in, const ArrayView& out, const spline_filter::Options& options,
                   const Exec& exec);

}  // namespace voxkern::cuda

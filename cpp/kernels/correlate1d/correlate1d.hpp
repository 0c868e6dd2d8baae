// SPDX-License-Identifier: Apache-2.0
// Correlation of an array with short filters along its axes; see README.md in this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "core/boundary.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::correlate1d {

// One pass: out[i] = sum_t weights[t] * in[i - size/2 - origin + t], divided by `divisor`.
struct AxisFilter {
    int axis = 0;
    std::vector<double> weights;
    Boundary mode = Boundary::reflect;
    double cval = 0.0;
    std::int64_t origin = 0;
    double divisor = 1.0;  // not 1 for box filters: a sum of integers is exact, a sum of 1/3 is not
};

}  // namespace voxkern::correlate1d

namespace voxkern::cpu {

// Applies the filters in order, each to the result of the one before; between two passes the data
// has the dtype of `out`, as in scipy. `in` and `out` have the same shape and may be the very same
// array (filtered in place), but must not overlap otherwise. Computes in float32 when both are
// float32, else in float64. Without filters it copies.
void correlate1d(const ConstArrayView& in, const ArrayView& out, const std::vector<correlate1d::AxisFilter>& filters,
                 const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. Not in place: passes alternate between `out` and scratch.
void correlate1d(const ConstArrayView& in, const ArrayView& out, const std::vector<correlate1d::AxisFilter>& filters,
                 const Exec& exec);

}  // namespace voxkern::cuda

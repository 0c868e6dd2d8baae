// SPDX-License-Identifier: Apache-2.0
// Correlation of an array with short filters along its axes; see README.md in this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "core/boundary.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::correlate1d {

// One pass: out[i] = sum_t weights[t] * in[i - size/2 - origin + t], or the mean of `box` samples.
struct AxisFilter {
    int axis = 0;
    std::vector<double> weights;  // none for a mean
    Boundary mode = Boundary::reflect;
    double cval = 0.0;
    std::int64_t origin = 0;
    std::int64_t box = 0;

    std::int64_t size() const { return box > 0 ? box : static_cast<std::int64_t>(weights.size()); }
    std::int64_t before() const { return size() / 2 + origin; }  // samples ahead of the one that is replaced
};

}  // namespace voxkern::correlate1d

namespace voxkern::cpu {

// Applies the filters in order, each to the result of the one before; between two passes the data
// has the dtype of `out`, as in scipy. `in` and `out` have the same shape and may be the very same
// array (filtered in place), but must not overlap otherwise. Computes in float32 or float64: see README.md. Without
// filters it copies. In place, lines too long for a tile cost a copy of the array.
void correlate1d(const ConstArrayView& in, const ArrayView& out, const std::vector<correlate1d::AxisFilter>& filters,
                 const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. Not in place: passes alternate between `out` and scratch.
void correlate1d(const ConstArrayView& in, const ArrayView& out, const std::vector<correlate1d::AxisFilter>& filters,
                 const Exec& exec);

}  // namespace voxkern::cuda

// SPDX-License-Identifier: Apache-2.0
// Gaussian smoothing along axes at a cost that does not grow with sigma; see README.md in this folder.
#pragma once

#include <vector>

#include "core/boundary.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::recursive_gaussian {

struct Options {
    std::vector<int> axes;      // to smooth along, in this order
    std::vector<double> sigma;  // in samples, one per axis
    Boundary mode = Boundary::nearest;
    double cval = 0.0;
};

}  // namespace voxkern::recursive_gaussian

namespace voxkern::cpu {

// `in` and `out` have one shape and may be the very same array, but must not overlap otherwise. Computes in float32
// where `out` is float32 and holds every value of `in`, else in float64. In place, lines too long for a tile cost a
// copy of the array.
void recursive_gaussian(const ConstArrayView& in, const ArrayView& out, const recursive_gaussian::Options& options,
                        const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. So many lines are smoothed at a time as exec.scratch holds.
void recursive_gaussian(const ConstArrayView& in, const ArrayView& out, const recursive_gaussian::Options& options,
                        const Exec& exec);

}  // namespace voxkern::cuda

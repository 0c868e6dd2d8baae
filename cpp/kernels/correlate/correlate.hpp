// SPDX-License-Identifier: Apache-2.0
// Correlation of an array with weights of as many axes; see README.md in this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "core/boundary.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::correlate {

// out[i] = sum_t weights[t] * in[i - size/2 - origin + t], with i and t counting along every axis.
struct Filter {
    std::vector<std::int64_t> shape;  // taps along each axis of the array
    std::vector<double> weights;      // in C order
    std::vector<std::int64_t> origins;
    Boundary mode = Boundary::reflect;
    double cval = 0.0;
};

}  // namespace voxkern::correlate

namespace voxkern::cpu {

// `in` and `out` have the same shape and share no memory; the filter has their rank and no empty axis. Weights of
// 2.2e-16 and less in size count as zero, as in scipy. Computes in float32 or float64: see README.md.
void correlate(const ConstArrayView& in, const ArrayView& out, const correlate::Filter& filter, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void correlate(const ConstArrayView& in, const ArrayView& out, const correlate::Filter& filter, const Exec& exec);

}  // namespace voxkern::cuda

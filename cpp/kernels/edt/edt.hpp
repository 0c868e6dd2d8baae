// SPDX-License-Identifier: Apache-2.0
// The Euclidean distance of every sample to the nearest zero, and where that zero is; see README.md in this folder.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::cpu {

// `distances` is float64 and has the shape of `in`. `indices` is int32, C-contiguous, and has one more axis in front,
// of an index along each axis of `in`. A null pointer leaves one of them out. `sampling` is the size of a step along
// each axis, above 0. Of zeros that are equally near the one with the smallest index along the last axis counts, then
// along the one before. An array without any zero counts as one whose only zero lies before its first sample, along
// axis 0. Without `zeros` it is the other way round: distances are those to what is not zero.
void edt(const ConstArrayView& in, const ArrayView* distances, const ArrayView* indices,
         const std::vector<double>& sampling, bool zeros, const Exec& exec);

// Which samples are no further than `radius` from one that is not zero: 1 or 0 of `out`, uint8 in the shape of `in`.
// With `zeros`: which are further than that from all zeros.
void within_distance(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& sampling, double radius,
                     bool zeros, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void edt(const ConstArrayView& in, const ArrayView* distances, const ArrayView* indices,
         const std::vector<double>& sampling, bool zeros, const Exec& exec);
void within_distance(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& sampling, double radius,
                     bool zeros, const Exec& exec);

// Distances to what is not zero, and inside it minus those to zeros: float64 in the shape of `in`. NaN where all
// samples are zero, or none is.
void signed_edt(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& sampling, const Exec& exec);

}  // namespace voxkern::cuda

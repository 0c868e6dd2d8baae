// SPDX-License-Identifier: Apache-2.0
// Copies an array into another of the same shape, whatever the dtypes and strides; see README.md in this folder.
#pragma once

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::cpu {

// `in` and `out` have the same shape and do not overlap. Equal dtypes keep their bits. Others go through float32
// where both are exact in it, else through float64; integers round half away from zero and saturate.
void copy(const ConstArrayView& in, const ArrayView& out, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void copy(const ConstArrayView& in, const ArrayView& out, const Exec& exec);

}  // namespace voxkern::cuda

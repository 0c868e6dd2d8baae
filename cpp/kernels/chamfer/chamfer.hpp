// SPDX-License-Identifier: Apache-2.0
// Steps of every sample to the nearest zero, and where that zero is; see README.md in this folder.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::chamfer {

struct Options {
    // 3 samples along each axis. Those before its centre are the steps forwards, and turned about it those backwards.
    std::vector<bool> structure;
    // Of paths that are equally short the one from the last zero in C order counts, else the one of the first step.
    bool last_zero = false;
};

}  // namespace voxkern::chamfer

namespace voxkern::cpu {

// `steps` is int32, C-contiguous, and has the shape of `in`; -1 where no path leads to a zero. `indices` may be null.
// It is int32, C-contiguous, and has one more axis in front, of an index along each axis of `in`.
void chamfer(const ConstArrayView& in, const ArrayView& steps, const ArrayView* indices,
             const chamfer::Options& options, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void chamfer(const ConstArrayView& in, const ArrayView& steps, const ArrayView* indices,
             const chamfer::Options& options, const Exec& exec);

}  // namespace voxkern::cuda

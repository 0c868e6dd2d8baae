// SPDX-License-Identifier: Apache-2.0
// Erosion and dilation of masks by a structure of any shape; see README.md in this folder.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::morphology {

// What becomes of a sample: whether all samples that the structure has around it are set, or any.
struct Step {
    std::vector<std::int64_t> shape;   // of the structure: its samples along each axis
    std::vector<bool> structure;       // in C order
    std::vector<std::int64_t> centre;  // which of them lies on the sample itself
    bool any = false;                  // dilation; else erosion
    bool border = false;               // what lies outside
    std::int64_t iterations = 1;       // below 1: until nothing changes
};

}  // namespace voxkern::morphology

namespace voxkern::cpu {

// Takes the steps one after the other and writes 1 or 0. What is not zero is set. `mask` may be null; where it is zero
// samples keep what they are. All have the shape of `in`. Everything is read before anything is written. Throws
// InvalidArgument where a result never settles.
void morphology(const ConstArrayView& in, const ConstArrayView* mask, const ArrayView& out,
                const std::vector<morphology::Step>& steps, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. It waits for steps without a number of iterations, and
// once in 1024 iterations.
void morphology(const ConstArrayView& in, const ConstArrayView* mask, const ArrayView& out,
                const std::vector<morphology::Step>& steps, const Exec& exec);

}  // namespace voxkern::cuda

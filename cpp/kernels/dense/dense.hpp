// SPDX-License-Identifier: Apache-2.0
// Fully connected layers, softmax and argmax; see README.md in this folder.
#pragma once

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::cpu {

// out = in weight^T + bias, float32. `in` is (..., K), `weight` is (N, K), `bias` is (N,) or has no data, `out` is
// (..., N). Extra memory: a copy of `weight` where there are more than 96 rows.
void dense(const ConstArrayView& in, const ConstArrayView& weight, const ConstArrayView& bias, const ArrayView& out,
           const Exec& exec);

// Multiplies and adds in registers, in so many steps, on this thread; returns how often. The limit of all products, for
// benchmarks.
std::int64_t fma_loop(std::int64_t steps);

// exp(in) over its sum along one axis, float32. `out` has the same shape.
void softmax(const ConstArrayView& in, const ArrayView& out, int axis, const Exec& exec);

// Where the largest sample along one axis is, the first of equals; NaN is the largest. `out` is int64 and has one
// sample along the axis, `in` one or more.
void argmax(const ConstArrayView& in, const ArrayView& out, int axis, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. No extra memory.
void dense(const ConstArrayView& in, const ConstArrayView& weight, const ConstArrayView& bias, const ArrayView& out,
           const Exec& exec);
void softmax(const ConstArrayView& in, const ArrayView& out, int axis, const Exec& exec);
void argmax(const ConstArrayView& in, const ArrayView& out, int axis, const Exec& exec);

}  // namespace voxkern::cuda

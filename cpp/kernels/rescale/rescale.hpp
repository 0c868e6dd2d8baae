// SPDX-License-Identifier: Apache-2.0
// Stored pixels to values, in one pass; see README.md in this folder.
#pragma once

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::rescale {

// value = slope * stored + intercept, where `stored` is the word in memory, put into native byte
// order first, without the `unused_high` bits above its highest stored bit, sign-extended where the
// dtype is signed, and without the `unused_low` bits below its lowest one.
struct Options {
    double slope = 1.0;
    double intercept = 0.0;
    bool swap_bytes = false;
    int unused_high = 0;
    int unused_low = 0;
};

}  // namespace voxkern::rescale

namespace voxkern::cpu {

// `in` and `out` have the same shape and do not overlap. Computes in float64 (float32 where that is
// exact); integer outputs round half away from zero and saturate.
void rescale(const ConstArrayView& in, const ArrayView& out, const rescale::Options& options, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void rescale(const ConstArrayView& in, const ArrayView& out, const rescale::Options& options, const Exec& exec);

}  // namespace voxkern::cuda

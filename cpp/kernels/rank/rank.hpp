// SPDX-License-Identifier: Apache-2.0
// The k-th smallest sample of a window around each voxel; see README.md in this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "core/boundary.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::rank {

// The window: a box of samples per axis, some of which may be left out.
struct Options {
    std::vector<std::int64_t> size;    // per axis
    std::vector<std::int64_t> before;  // per axis: samples ahead of the voxel, 0 to size - 1
    std::vector<Boundary> mode;        // per axis
    std::vector<bool> footprint;       // in C order: the samples that count; none: all do
    std::int64_t rank = 0;             // 0: the smallest of those that count
    double cval = 0.0;
    // As scipy treats a line: 64-bit integers are compared as they are, not as float64, and cval does not wrap.
    bool line = false;

    std::int64_t count() const;  // samples that count
};

}  // namespace voxkern::rank

namespace voxkern::cpu {

// `in` and `out` have the same shape and do not overlap.
void rank(const ConstArrayView& in, const ArrayView& out, const rank::Options& options, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void rank(const ConstArrayView& in, const ArrayView& out, const rank::Options& options, const Exec& exec);

}  // namespace voxkern::cuda

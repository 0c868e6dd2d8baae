// SPDX-License-Identifier: Apache-2.0
// A line and limits for every voxel, in one pass; see README.md in this folder.
#pragma once

#include <limits>
#include <optional>

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::normalise {

// value = (x - centre) * scale + shift, limited to low .. high; `outside` where a mask is zero.
struct Options {
    double centre = 0.0;
    double scale = 1.0;
    double shift = 0.0;
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    double outside = 0.0;
};

}  // namespace voxkern::normalise

namespace voxkern::cpu {

// `in`, `out` and the mask have the same shape; `out` overlaps neither. Computes in float64 with one rounding to the
// dtype of `out`; integers round half away from zero and saturate. NaN stays NaN, and becomes 0 in integers of up to 16
// bits and unsigned ones. Where only limits are asked for and the dtypes agree, values between them stay as they are,
// to the last bit of 64-bit integers.
void normalise(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out,
               const normalise::Options& options, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void normalise(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out,
               const normalise::Options& options, const Exec& exec);

// With numbers that lie in device memory, for which nobody waits: `line` are centre and scale, `limits` low and high;
// null where there are none. Where one of them is NaN, so are all voxels.
void normalise_by(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out,
                  const double* line, const double* limits, const Exec& exec);

}  // namespace voxkern::cuda

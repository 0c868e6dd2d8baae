// SPDX-License-Identifier: Apache-2.0
// Label maps and class scores on another grid: the label with the highest interpolated indicator or score,
// without a volume per class. See README.md here.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"
#include "kernels/resample_labels/resample_labels_math.hpp"

namespace voxkern::resample_labels {

struct Options {
    Rule rule = Rule::argmax;
    Boundary mode = Boundary::nearest;
    std::int64_t cval = 0;      // label of what lies outside
    std::vector<double> sigma;  // Gaussian: per axis, in samples; cut off at alpha * sigma
    double alpha = 1.0;
};

// Coordinates of the output samples, one list per axis.
using Coordinates = std::vector<std::vector<double>>;

}  // namespace voxkern::resample_labels

namespace voxkern::cpu {

// Onto a rectilinear grid. Both hold integers; extra memory is a few rows.
void resample_labels(const ConstArrayView& in, const ArrayView& out, const resample_labels::Coordinates& axes,
                     const resample_labels::Options& options, const Exec& exec);

// Onto the grid whose point o lies at offset + matrix o (rank x rank, by rows).
void warp_labels(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& offset,
                 const std::vector<double>& matrix, const resample_labels::Options& options, const Exec& exec);

// Scores of classes (axis 0) interpolated linearly, and the number of the class with the highest, the lowest
// number where several share it. `axes` are those behind the classes, at most 3. Extra memory: a few rows.
void resample_argmax(const ConstArrayView& scores, const ArrayView& out, const resample_labels::Coordinates& axes,
                     Boundary mode, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. Extra memory: tables as long as the axes.
void resample_labels(const ConstArrayView& in, const ArrayView& out, const resample_labels::Coordinates& axes,
                     const resample_labels::Options& options, const Exec& exec);
void warp_labels(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& offset,
                 const std::vector<double>& matrix, const resample_labels::Options& options, const Exec& exec);
void resample_argmax(const ConstArrayView& scores, const ArrayView& out, const resample_labels::Coordinates& axes,
                     Boundary mode, const Exec& exec);

}  // namespace voxkern::cuda

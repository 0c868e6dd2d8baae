// SPDX-License-Identifier: Apache-2.0
// Label maps and class scores on another grid: the label with the highest interpolated indicator or score,
// without a volume per class. See README.md here.
#pragma once

#include <vector>

#include "core/boundary.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern {

enum class LabelRule : std::int8_t {
    nearest,
    argmax,    // highest linear indicator; the nearest sample's label where it shares the top, else the lowest
    half,      // highest label with a linear indicator of at least a half, else 0
    gaussian,  // highest indicator under a Gaussian; the one that was first to reach the top, as in ITK
};

// Most axes of a label map, and samples along one that a Gaussian may take in.
inline constexpr int kMaxLabelAxes = 8;
inline constexpr int kMaxLabelTaps = 16;
// Most samples that one output voxel may weigh.
inline constexpr int kMaxVotes = 1024;

struct LabelParams {
    LabelRule rule = LabelRule::argmax;
    Boundary mode = Boundary::nearest;
    std::int64_t cval = 0;      // label of what lies outside
    std::vector<double> sigma;  // Gaussian: per axis, in samples; cut off at alpha * sigma
    double alpha = 1.0;
};

// Onto a rectilinear grid: one list of coordinates per axis. Both hold integers; extra memory is a few rows.
void resample_labels(const ConstArrayView& in, const ArrayView& out, const std::vector<std::vector<double>>& axes,
                     const LabelParams& params, const Exec& exec);

// Onto the grid whose point o lies at offset + matrix o (rank x rank, by rows).
void warp_labels(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& offset,
                 const std::vector<double>& matrix, const LabelParams& params, const Exec& exec);

// Scores of classes (axis 0) interpolated linearly, and the number of the class with the highest, the lowest
// number where several share it. `axes` are those behind the classes, at most 3. Extra memory: a few rows.
void resample_argmax(const ConstArrayView& scores, const ArrayView& out, const std::vector<std::vector<double>>& axes,
                     Boundary mode, const Exec& exec);

}  // namespace voxkern

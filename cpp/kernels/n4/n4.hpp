// SPDX-License-Identifier: Apache-2.0
// N4 bias field correction; see README.md in this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::n4 {

// Where the samples of an axis lie in the spline's domain: sample i is at
// (first + i * step) / (total - 1) of it. Not {0, 1, n} for padded or shrunk images.
struct Axis {
    double first = 0.0;
    double step = 1.0;
    std::int64_t total = 0;
};

struct Options {
    std::vector<std::int64_t> iterations = {50, 50, 50, 50};  // per level; each level halves the knot distance
    double convergence_threshold = 1e-3;
    // Whether anybody looks at the convergence measure; with a threshold of 0 nothing else needs it.
    bool watched = true;
    std::vector<std::int64_t> control_points;  // per axis, at the first level
    int spline_order = 3;
    std::int64_t bins = 200;
    double fwhm = 0.15;
    double noise = 0.01;
    // ITK's histogram edges and convergence measure; otherwise the true minimum and variation, and
    // voxels without a logarithm are left out.
    bool itk = true;
    std::vector<Axis> axes;
    std::optional<double> mask_label;  // the mask's value inside; without it whatever is not 0
    // Of n4_correct:
    std::vector<Axis> voxel_axes;  // of the image that is divided
    bool mean_preserving = false;  // the log field has mean 0 over the voxels that took part
};

// The logarithm of the field as B-spline coefficients, C-ordered over the image's axes.
struct Lattice {
    std::vector<std::int64_t> shape;
    std::vector<float> coefficients;
    int spline_order = 3;
};

struct Step {
    std::int64_t level = 0;
    std::int64_t iteration = 0;  // from 1, as ITK counts
    double convergence = 0.0;    // infinity where it was not measured
};

struct Fit {
    Lattice lattice;
    std::vector<Step> trace;
    std::int64_t voxels = 0;        // that took part
    std::int64_t not_positive = 0;  // inside the mask, without a logarithm
    double mean_log_field = 0.0;    // over the voxels that took part
};

// Called on the calling thread after each iteration; what it throws ends the fit.
using Observer = std::function<void(const Step&)>;

// Memory lent to a fit, which overwrites it.
struct Lent {
    float* data = nullptr;
    std::int64_t floats = 0;
};

// The memory of an array, if its elements lie side by side.
Lent lent_by(const ArrayView& array);

// What the field is fitted to: 1 to 3 axes; axes of one sample do not count. A voxel takes part where the mask
// (nullptr: everywhere) is inside and the weights (nullptr: 1) are positive.
struct Samples {
    ConstArrayView image;
    const ConstArrayView* mask = nullptr;
    const ConstArrayView* weights = nullptr;
};

// What the field is divided out of, and where the quotient (float32 or float64) and the field (float32; nullptr: not
// wanted) go. All have one shape.
struct Target {
    ConstArrayView in;
    ArrayView out;
    const ArrayView* field = nullptr;
};

// What ANTs does after the division: keeps the input outside the mask, and stretches the corrected values inside to
// the range the input has there.
struct Finish {
    const ConstArrayView* mask = nullptr;  // of the whole image; nullptr: everywhere
    std::optional<double> mask_label;
    bool keep_outside = false;
    bool rescale = false;
};

}  // namespace voxkern::n4

namespace voxkern::cpu {

// Fits the field. Voxels are visited in the memory order of the image, as ITK does. Throws InvalidArgument for images
// without a field.
n4::Fit n4(const n4::Samples& samples, const n4::Lent& scratch, const n4::Options& options,
           const n4::Observer& observer, const Exec& exec);

// out = in / exp(lattice), field = exp(lattice); `axes` says where the voxels lie.
void n4_divide(const n4::Target& target, const n4::Lattice& lattice, const std::vector<n4::Axis>& axes,
               const Exec& exec);

// Both in turn. The logarithms of the samples use the memory of the output.
n4::Fit n4_correct(const n4::Samples& samples, const n4::Target& target, const n4::Options& options,
                   const n4::Observer& observer, const Exec& exec);

// `out`, the corrected image of `in`, is read and written.
void n4_finish(const ConstArrayView& in, const ArrayView& out, const n4::Finish& finish, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// As on the CPU. The call waits once, for the counts of what takes part, and returns before the fit is made. The fit
// returned has counts only, and lattice, mean and trace where the options say that it is watched: then it waits at the
// end as well.
n4::Fit n4_correct(const n4::Samples& samples, const n4::Target& target, const n4::Options& options,
                   const n4::Observer& observer, const Exec& exec);
void n4_finish(const ConstArrayView& in, const ArrayView& out, const n4::Finish& finish, const Exec& exec);

}  // namespace voxkern::cuda

// SPDX-License-Identifier: Apache-2.0
// N4 bias field correction; see README.md in this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern {

// Where the samples of an axis lie in the spline's domain: sample i is at
// (first + i * step) / (total - 1) of it. Not {0, 1, n} for padded or shrunk images.
struct N4Axis {
    double first = 0.0;
    double step = 1.0;
    std::int64_t total = 0;
};

struct N4Settings {
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
    std::vector<N4Axis> axes;
};

// The logarithm of the field as B-spline coefficients, C-ordered over the image's axes.
struct N4Lattice {
    std::vector<std::int64_t> shape;
    std::vector<float> coefficients;
    int spline_order = 3;
};

struct N4Step {
    std::int64_t level = 0;
    std::int64_t iteration = 0;  // from 1, as ITK counts
    double convergence = 0.0;    // infinity where it was not measured
};

struct N4Fit {
    N4Lattice lattice;
    std::vector<N4Step> trace;
    std::int64_t voxels = 0;        // that took part
    std::int64_t not_positive = 0;  // inside the mask, without a logarithm
    double mean_log_field = 0.0;    // over the voxels that took part
};

// Called on the calling thread after each iteration; what it throws ends the fit.
using N4Observer = std::function<void(const N4Step&)>;

// Fits the field of `image` (1 to 3 axes; axes of one sample do not count). A voxel takes part where
// `mask` (nullptr: everywhere) is not 0, or equals *label if that is given, and `weights` (nullptr: 1)
// is positive. Voxels are visited in the image's memory order, as ITK does. `scratch` may lend
// `scratch_floats` floats, which are overwritten. Throws InvalidArgument for images without a field.
N4Fit n4(const ConstArrayView& image, const ConstArrayView* mask, const double* label, const ConstArrayView* weights,
         const N4Settings& settings, float* scratch, std::int64_t scratch_floats, const N4Observer& observer,
         const Exec& exec);

// corrected = image / exp(lattice), field = exp(lattice) (nullptr: not wanted). `corrected` is float32
// or float64, `field` float32; all have one shape, and `axes` says where their voxels lie.
void n4_divide(const ConstArrayView& image, const N4Lattice& lattice, const std::vector<N4Axis>& axes,
               const ArrayView& corrected, const ArrayView* field, const Exec& exec);

}  // namespace voxkern

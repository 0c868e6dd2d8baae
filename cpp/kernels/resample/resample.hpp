// SPDX-License-Identifier: Apache-2.0
// Spline interpolation onto a rectilinear grid: one list of coordinates per axis. See README.md here.
#pragma once

#include <vector>

#include "core/boundary.hpp"
#include "core/interpolator.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern {

// Where the output samples of one axis lie, in input index units.
struct AxisSampling {
    std::vector<double> coordinates;  // one per output sample; finite
    double antialias_sigma = 0.0;     // Gaussian applied to the input first; 0: none
    bool coefficients = false;        // spline coefficients are wanted, one per sample, not values
};

struct ResampleParams {
    std::vector<AxisSampling> axes;  // one per array axis; at most 3 of them may differ from 0, 1, 2, ...
    Interpolator kernel;
    Boundary mode = Boundary::nearest;
    double cval = 0.0;
    bool prefilter = true;  // false: the input already holds spline coefficients
    bool clip = false;      // limit results to the range of the input
    bool float64 = false;   // compute in float64 even where float32 holds every value
};

// `in` and `out` must not overlap. Computes in float32 when every value of both dtypes is exact in
// it, else in float64. Extra memory: none to speak of for orders 0 and 1 without antialiasing, else
// one volume of the compute type, as long along the slowest axis as the shorter of input and output.
void resample(const ConstArrayView& in, const ArrayView& out, const ResampleParams& params, const Exec& exec);

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// Spline interpolation onto a rectilinear grid: one list of coordinates per axis. See README.md here.
#pragma once

#include <vector>

#include "core/boundary.hpp"
#include "core/interpolator.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::resample {

// Where the output samples of one axis lie, in input index units.
struct AxisSampling {
    std::vector<double> coordinates;  // one per output sample; finite
    double antialias_sigma = 0.0;     // Gaussian applied to the input first; 0: none
};

struct Options {
    Interpolator kernel;
    Boundary mode = Boundary::nearest;
    double cval = 0.0;
    bool prefilter = true;  // false: the input already holds spline coefficients
    bool clip = false;      // limit results to the range of the input
    bool float64 = false;   // compute in float64 even where float32 holds every value
};

}  // namespace voxkern::resample

namespace voxkern::cpu {

// `axes` has a sampling for each axis. `in` and `out` must not overlap. Computes in float32 when every value of both
// dtypes is exact in it, else in float64. Extra memory: none to speak of for orders 0 and 1 without antialiasing, else
// one volume of the compute type, as long along the slowest axis as the shorter of input and output. Where more than
// three axes change, three are interpolated at a time, with one more volume of the compute type between.
void resample(const ConstArrayView& in, const ArrayView& out, const std::vector<resample::AxisSampling>& axes,
              const resample::Options& options, const Exec& exec);

// Smallest and largest number of an array. NaNs are passed over; infinities where there is nothing else.
void value_range(const ConstArrayView& in, const Exec& exec, double* lowest, double* highest);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void resample(const ConstArrayView& in, const ArrayView& out, const std::vector<resample::AxisSampling>& axes,
              const resample::Options& options, const Exec& exec);

}  // namespace voxkern::cuda

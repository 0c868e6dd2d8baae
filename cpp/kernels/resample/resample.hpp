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
    double cell = 0.0;  // width of an output sample in input samples: it is the mean over its cell; 0: a point
    // In place of all these: an output sample is a sum of as many weighted input samples as any other. Weights of 0
    // come last.
    std::vector<std::int64_t> samples = {};
    std::vector<double> weights = {};

    bool sums() const { return cell > 0.0 || !weights.empty(); }
};

struct Options {
    Interpolator kernel;
    Boundary mode = Boundary::nearest;
    double cval = 0.0;
    bool prefilter = true;       // false: the input already holds spline coefficients
    bool clip = false;           // limit results to the range of the input
    bool float64 = false;        // compute in float64 even where float32 holds every value
    std::vector<int> clip_axes;  // `clip` limits each index of these axes to its own range; they stay as they are
    bool boolean = false;        // limit results to 0 and 1: the output holds bools
};

}  // namespace voxkern::resample

namespace voxkern::cpu {

// `axes` has a sampling for each axis. `in` and `out` must not overlap. Computes in float32 when every value of both
// dtypes is exact in it and the spline has an order below 4, else in float64. Extra memory: none to speak of for orders
// 0 and 1 and cells without antialiasing, else one volume of the compute type, as long along the slowest axis as the
// shorter of input and output. Where more axes change than are interpolated at a time, one more volume lies between.
// Cells are for kernels without a prefilter.
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

// Smallest and largest number of an array, as two floats or doubles at `limits` in device memory. Where it holds
// nothing but NaN they limit nothing.
void value_range(const ConstArrayView& in, DType dtype, void* limits, const Exec& exec);

}  // namespace voxkern::cuda

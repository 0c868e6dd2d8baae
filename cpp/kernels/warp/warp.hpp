// SPDX-License-Identifier: Apache-2.0
// Interpolation wherever a map of coordinates points, and its adjoint. See README.md here.
#pragma once

#include <vector>

#include "core/interpolator.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::warp {

// Where grid point o samples the image, in its index units: offset + matrix o + field_matrix field(o).
// Sums are taken in this order, from left to right, as scipy's affine_transform takes them.
struct CoordinateMap {
    int image_axes = 0;                // 1 to 8
    int grid_axes = 0;                 // 1 to 8
    std::vector<double> offset;        // image_axes; empty: zero
    std::vector<double> matrix;        // image_axes x grid_axes by rows; empty: zero
    ConstArrayView field;              // (components, grid...), at most 8 components; no data: zero
    std::vector<double> field_matrix;  // image_axes x components by rows; empty: the components are the axes
};

struct Options {
    Interpolator kernel;
    Boundary mode = Boundary::constant;
    double cval = 0.0;
    bool prefilter = true;  // false: the image already holds spline coefficients
    bool float64 = false;   // compute in float64 even where float32 holds every value
    bool clip = false;      // limit results, cval among them, to the range of the whole image; NaN is passed over
    bool boolean = false;   // limit results to 0 and 1: the output holds bools
    int slope_axis = -1;    // not negative: the derivative along this axis of the image, per index; order 1 to 5
};

}  // namespace voxkern::warp

namespace voxkern::cpu {

// The axes of `image` are those of the map, then batch axes; `out` has the grid axes, then the same batch
// axes. They must not overlap. Extra memory: none to speak of for orders 0 and 1 of any dtype, else one
// item of the batch in the compute type, twice where a spline's line is padded (nearest, grid_constant).
void warp(const ConstArrayView& image, const ArrayView& out, const warp::CoordinateMap& map,
          const warp::Options& options, const Exec& exec);

// The adjoint: adds every grid value to the samples that its weights came from. `values` has the shape of warp's
// `out`, `image` that of its image. cval, clip, boolean and slope_axis have no part in it; splines only.
void push(const ConstArrayView& values, const ArrayView& image, const warp::CoordinateMap& map,
          const warp::Options& options, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. Extra memory: copies of whole batches within exec.scratch, at
// least one item's. push takes its sums in whole numbers, 8 bytes per sample, float64 16: the same bits in any order.
void warp(const ConstArrayView& image, const ArrayView& out, const warp::CoordinateMap& map,
          const warp::Options& options, const Exec& exec);
void push(const ConstArrayView& values, const ArrayView& image, const warp::CoordinateMap& map,
          const warp::Options& options, const Exec& exec);

}  // namespace voxkern::cuda

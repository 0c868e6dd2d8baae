// SPDX-License-Identifier: Apache-2.0
// Interpolation wherever a map of coordinates points, and the adjoint of that. See README.md here.
#pragma once

#include <vector>

#include "core/interpolator.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern {

// Most axes that are interpolated, of the grid, or components of a field.
inline constexpr int kMaxWarpAxes = 8;

// Where grid point o samples the image, in its index units: offset + matrix o + field_matrix field(o).
// Sums are taken in this order, from left to right, as scipy's affine_transform takes them.
struct CoordinateMap {
    int image_axes = 0;
    int grid_axes = 0;
    std::vector<double> offset;        // image_axes; empty: zero
    std::vector<double> matrix;        // image_axes x grid_axes by rows; empty: zero
    ConstArrayView field;              // (components, grid...); no data: zero
    std::vector<double> field_matrix;  // image_axes x components by rows; empty: the components are the axes
};

struct WarpParams {
    CoordinateMap map;
    Interpolator kernel;
    Boundary mode = Boundary::constant;
    double cval = 0.0;
    bool prefilter = true;  // false: the image already holds spline coefficients
    bool float64 = false;   // compute in float64 even where float32 holds every value
    int slope_axis = -1;    // not negative: the derivative along this axis of the image, per index; order 1 to 5
};

// The axes of `image` are those of the map, then batch axes; `out` has the grid axes, then the same batch
// axes. They must not overlap. Extra memory: none to speak of for orders 0 and 1 of any dtype, else one
// item of the batch in the compute type, twice where a spline's line is padded (nearest, grid_constant).
void warp(const ConstArrayView& image, const ArrayView& out, const WarpParams& params, const Exec& exec);

// The adjoint: adds every grid value to the samples its weights came from. `values` is shaped as `out` of
// warp, `image` as its image; cval has no part in it. Order 0 to 5, no slope.
void push(const ConstArrayView& values, const ArrayView& image, const WarpParams& params, const Exec& exec);

}  // namespace voxkern

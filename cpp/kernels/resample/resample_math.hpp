// SPDX-License-Identifier: Apache-2.0
// The interpolation rule of one axis: which samples an output sample reads and with which weights.
// Shared by the separable CPU path and by any path that evaluates a coordinate at a time.
#pragma once

#include "core/boundary.hpp"
#include "core/bspline.hpp"

namespace voxkern {

// Samples scipy adds on either side where a mode has no exact recursion for the prefilter.
inline constexpr std::int64_t kPrefilterPad = 12;

VOXKERN_HD inline std::int64_t prefilter_pad(int order, Boundary mode) {
    return order > 1 && (mode == Boundary::nearest || mode == Boundary::grid_constant) ? kPrefilterPad : 0;
}

// How the line continues for the prefilter, and for taps that reach over its (padded) end.
VOXKERN_HD inline Boundary prefilter_boundary(Boundary mode) {
    switch (mode) {
        case Boundary::nearest:
        case Boundary::reflect: return Boundary::reflect;
        case Boundary::grid_wrap: return Boundary::grid_wrap;
        default: return Boundary::mirror;
    }
}
VOXKERN_HD inline Boundary tap_boundary(Boundary mode) {
    return mode == Boundary::constant || mode == Boundary::wrap || mode == Boundary::fov ? Boundary::mirror : mode;
}

// Fills index and weight of the order+1 taps at coordinate c of a line of n samples with `pad` more on
// either side, in units of the padded line. Taps that stand for cval get weight 0. False: the sample is
// cval altogether.
VOXKERN_HD inline bool spline_taps(double c, std::int64_t n, std::int64_t pad, int order, Boundary mode,
                                   std::int64_t* index, double* weight) {
    // With padding the spline of the padded line is evaluated as it is, even outside the line; so does scipy
    // where coefficients are given and none is padded.
    const bool as_given = pad > 0 || mode == Boundary::grid_constant || (mode == Boundary::nearest && order > 1);
    const FoldedCoordinate at = as_given ? FoldedCoordinate{c, true} : fold_coordinate(c, n, mode);
    if (!at.inside) {
        for (int t = 0; t <= order; ++t) {
            index[t] = 0;
            weight[t] = 0.0;
        }
        return false;
    }
    spline_weights(at.value, order, weight);
    // Far outside, every tap lies beyond the padding: keep the integer conversion in range.
    const double limit = static_cast<double>(n + 2 * kPrefilterPad + kMaxTaps);
    const double near = at.value < -limit ? -limit : (at.value > limit + limit ? limit + limit : at.value);
    const std::int64_t start = spline_start(near, order) + pad;
    for (int t = 0; t <= order; ++t) {
        index[t] = fold_index(start + t, n + 2 * pad, tap_boundary(mode));
        if (index[t] == kOutside) {
            index[t] = 0;
            weight[t] = 0.0;
        }
    }
    return true;
}

}  // namespace voxkern

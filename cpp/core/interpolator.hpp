// SPDX-License-Identifier: Apache-2.0
// The interpolation rule of one axis: which samples an output sample reads and with which weights. Kernels on a
// grid tabulate it per axis; kernels at free coordinates evaluate it per sample.
#pragma once

#include "core/boundary.hpp"
#include "core/bspline.hpp"
#include "core/constants.hpp"
#include "core/dtype.hpp"

namespace voxkern {

enum class SincWindow : std::int8_t { none, hamming, cosine, welch, lanczos, blackman, cubic };

// A B-spline, or a windowed sinc as ITK has them. `cubic` with radius 2 stands for a cubic convolution.
struct Interpolator {
    int order = 3;  // of the spline, 0 to 5
    SincWindow window = SincWindow::none;
    int radius = 0;  // of the window, 1 to 5; 0: a spline

    VOXKERN_HD int taps() const { return radius > 0 ? 2 * radius : order + 1; }
    // Takes coefficients, not samples.
    VOXKERN_HD bool filters() const { return radius == 0 && order > 1; }
};

// The type to interpolate in: float32 where both dtypes fit into it. The prefilter of orders 4 and 5 multiplies
// float32's rounding errors by their gain, so these orders take float64.
inline bool interpolates_in_f32(DType in, DType out, const Interpolator& kernel, bool float64) {
    return exact_in_f32(in) && exact_in_f32(out) && !float64 && !(kernel.radius == 0 && kernel.order > 3);
}

inline constexpr int kMaxRadius = 5;
inline constexpr int kMaxInterpolatorTaps = 2 * kMaxRadius;

// Samples scipy adds on either side where a mode has no exact recursion for the prefilter.
inline constexpr std::int64_t kPrefilterPad = 12;

VOXKERN_HD VOXKERN_INLINE std::int64_t prefilter_pad(const Interpolator& kernel, Boundary mode) {
    return kernel.filters() && (mode == Boundary::nearest || mode == Boundary::grid_constant) ? kPrefilterPad : 0;
}

// How the line continues for the prefilter, and for taps that reach over its (padded) end.
VOXKERN_HD VOXKERN_INLINE Boundary prefilter_boundary(Boundary mode) {
    switch (mode) {
        case Boundary::nearest:
        case Boundary::reflect: return Boundary::reflect;
        case Boundary::grid_wrap: return Boundary::grid_wrap;
        default: return Boundary::mirror;
    }
}
VOXKERN_HD VOXKERN_INLINE Boundary tap_boundary(Boundary mode) {
    return mode == Boundary::constant || mode == Boundary::wrap || mode == Boundary::fov ? Boundary::mirror : mode;
}

VOXKERN_HD VOXKERN_INLINE double sinc_window(double x, SincWindow window, int radius) {
    const double r = static_cast<double>(radius);
    switch (window) {
        case SincWindow::hamming: return 0.54 + 0.46 * std::cos(kPi * x / r);
        case SincWindow::cosine: return std::cos(kPi * x / (2.0 * r));
        case SincWindow::welch: return 1.0 - x * x / (r * r);
        case SincWindow::lanczos: return std::sin(kPi * x / r) / (kPi * x / r);
        case SincWindow::blackman: return 0.42 + 0.5 * std::cos(kPi * x / r) + 0.08 * std::cos(2.0 * kPi * x / r);
        case SincWindow::cubic:
        case SincWindow::none: break;
    }
    return 1.0;
}

// Weights of cubic convolution with the slope -3/4 that torch and OpenCV take, `f` behind the second of four samples.
// R. G. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. ASSP 29 (1981).
template <class T>
VOXKERN_HD VOXKERN_INLINE void cubic_weights(T f, T* weight) {
    constexpr T a = T(-0.75);
    const T g = T(1) - f;
    weight[0] = a * f * g * g;
    weight[1] = ((a + T(2)) * f - (a + T(3))) * f * f + T(1);
    weight[2] = ((a + T(2)) * g - (a + T(3))) * g * g + T(1);
    weight[3] = a * g * f * f;
}

// Weights of the 2 * radius samples around c. As in ITK they are not scaled to a sum of one.
VOXKERN_HD VOXKERN_INLINE void sinc_weights(double c, const Interpolator& kernel, double* weight) {
    const double fraction = c - std::floor(c);
    if (kernel.window == SincWindow::cubic) return cubic_weights(fraction, weight);
    for (int t = 0; t < 2 * kernel.radius; ++t) {
        const double x = fraction + static_cast<double>(kernel.radius - 1 - t);
        weight[t] = fraction == 0.0 ? (t == kernel.radius - 1 ? 1.0 : 0.0)
                                    : std::sin(kPi * x) / (kPi * x) * sinc_window(x, kernel.window, kernel.radius);
    }
}

// Fills index and weight of the taps at coordinate c of a line of n samples with `pad` more on either
// side, in units of the padded line. Taps that stand for cval get weight 0. False: all of them do, or the mode says so:
// the sample is cval altogether. `slopes`: weights of the spline's derivative.
VOXKERN_HD VOXKERN_INLINE bool interpolator_taps(double c, std::int64_t n, std::int64_t pad, const Interpolator& kernel,
                                                 Boundary mode, std::int64_t* index, double* weight,
                                                 bool slopes = false) {
    const bool sinc = kernel.radius > 0;
    const int taps = kernel.taps();
    // With padding the spline of the padded line is evaluated as it is, even outside the line; so does scipy
    // where coefficients are given and none is padded.
    const bool as_given = pad > 0 || mode == Boundary::grid_constant || (mode == Boundary::nearest && taps > 2);
    FoldedCoordinate at = as_given ? FoldedCoordinate{c, true} : fold_coordinate(c, n, mode);
    if (!at.inside) {
        for (int t = 0; t < taps; ++t) {
            index[t] = 0;
            weight[t] = 0.0;
        }
        return false;
    }
    // In the half-voxel rim ITK clamps the coordinate for one or two taps; longer kernels go on over the mirrored
    // coefficients of a spline, the repeated samples of a sinc.
    if (mode == Boundary::fov && taps > 2) at = {c, true};
    const Boundary beyond = sinc && mode == Boundary::fov ? Boundary::nearest : tap_boundary(mode);
    // Far outside, every tap lies beyond the padding: keep the integer conversion in range.
    const double limit = static_cast<double>(n + 2 * kPrefilterPad + kMaxInterpolatorTaps);
    const double near = at.value < -limit ? -limit : (at.value > limit + limit ? limit + limit : at.value);
    std::int64_t start = pad;
    if (sinc) {
        sinc_weights(at.value, kernel, weight);
        start += static_cast<std::int64_t>(std::floor(near)) - kernel.radius + 1;
    } else {
        const double y = at.value - spline_anchor(at.value, kernel.order);
        if (slopes) {
            spline_slopes_at(y, kernel.order, weight);
            for (int t = 0; t < taps; ++t) weight[t] *= at.slope;
        } else {
            spline_weights_at(y, kernel.order, weight);
        }
        start += spline_start(near, kernel.order);
    }
    bool reaches = false;
    for (int t = 0; t < taps; ++t) {
        index[t] = fold_index(start + t, n + 2 * pad, beyond);
        reaches = reaches || index[t] != kOutside;
        if (index[t] == kOutside) {  // the end next to it: a NaN counts even with weight 0
            index[t] = start + t < 0 ? 0 : n + 2 * pad - 1;
            weight[t] = 0.0;
        }
    }
    return reaches;
}

}  // namespace voxkern

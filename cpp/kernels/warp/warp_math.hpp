// SPDX-License-Identifier: Apache-2.0
// One sample at one coordinate, for any axes, order and mode: the meaning of the kernel, on host and device. The
// CPU's vector loops leave only few samples to it.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/dtype.hpp"
#include "core/interpolator.hpp"

namespace voxkern::warp {

// Most axes that are interpolated, of the grid, or components of a field.
inline constexpr int kMaxAxes = 8;

// Beyond this a folded coordinate has no digits left; infinity has none at all.
inline constexpr double kFar = 1e15;

// A CoordinateMap as plain data, the image's axes in the order of Source.
struct Map {
    int axes = 0;  // of the image
    int grid_axes = 0;
    bool has_matrix = false;
    double offset[kMaxAxes] = {};
    double matrix[kMaxAxes][kMaxAxes] = {};  // [image axis][grid axis]
    int components = 0;                      // of the field; 0: there is none
    bool has_field_matrix = false;
    double field_matrix[kMaxAxes][kMaxAxes] = {};  // [image axis][component]
    int component_of[kMaxAxes] = {};               // without a field_matrix: the component of an image axis
    const char* field = nullptr;
    DType field_dtype = DType::f32;
    std::int64_t field_itemsize = 4;
    std::int64_t component_stride = 0;          // in elements
    std::int64_t field_strides[kMaxAxes] = {};  // of the grid axes
};

// One image of the batch, or its padded copy, and how it is interpolated. Axes are sorted, slowest first.
struct Source {
    const char* base = nullptr;  // sample 0 of every axis, without padding
    DType dtype = DType::f32;
    std::int64_t itemsize = 4;
    int axes = 0;
    std::int64_t shape[kMaxAxes] = {};    // samples of the image
    std::int64_t strides[kMaxAxes] = {};  // in elements; 0 where the axis has one sample
    std::int64_t pad = 0;                 // samples that the prefilter's line has beyond either end
    std::int64_t margin = 0;              // samples that a padded copy has beyond either end; 0: no copy
    Interpolator kernel;
    Boundary mode = Boundary::constant;
    double cval = 0.0;
    bool cval_subtracted = false;  // the padded copy holds the samples less cval
    int slope_axis = -1;

    VOXKERN_HD bool padded() const { return margin > 0; }
};

struct AxisTaps {
    std::int64_t index[kMaxInterpolatorTaps];
    double weight[kMaxInterpolatorTaps];
};

VOXKERN_HD VOXKERN_INLINE bool is_foldable(double c) {
    return c > -kFar && c < kFar;
}

// Of a grid point outside the image.
VOXKERN_HD VOXKERN_INLINE double value_outside(const Source& source) {
    return source.slope_axis < 0 ? source.cval : 0.0;
}

// Of a NaN among the coordinates, as in scipy: cval in the modes that fold, NaN in the others.
VOXKERN_HD VOXKERN_INLINE double value_at_nan(const Source& source) {
    const bool folds = source.mode != Boundary::nearest && source.mode != Boundary::grid_constant;
    return folds || source.kernel.taps() == 1 ? source.cval : static_cast<double>(NAN);
}

// Taps of a sample along every axis. False: it has none, its value is *constant.
VOXKERN_HD VOXKERN_INLINE bool locate_sample(const Source& source, const double* coordinates, AxisTaps* taps,
                                             double* constant) {
    const bool clamps = source.mode == Boundary::nearest || source.mode == Boundary::grid_constant;
    bool inside = true;
    *constant = value_outside(source);
    for (int a = 0; a < source.axes; ++a) {
        double c = coordinates[a];
        if (c != c) {
            if (source.mode != Boundary::nearest || source.kernel.taps() > 1) {
                *constant = value_at_nan(source);
                return false;
            }
            c = 0.0;
        }
        if (!is_foldable(c)) {
            if (!clamps) return false;
            c = c < 0.0 ? -kFar : kFar;
        }
        const bool found = interpolator_taps(c, source.shape[a], source.pad, source.kernel, source.mode, taps[a].index,
                                             taps[a].weight, a == source.slope_axis);
        inside = inside && found;
    }
    return inside;
}

// The next combination of taps, last axis fastest; false after the last one.
VOXKERN_HD VOXKERN_INLINE bool next_tap(int axes, int taps, int* at) {
    for (int a = axes - 1; a >= 0; --a) {
        if (++at[a] < taps) return true;
        at[a] = 0;
    }
    return false;
}

// Samples of a known type, by elements from sample 0 of every axis.
template <class T>
struct Samples {
    const char* base;

    VOXKERN_HD VOXKERN_INLINE double operator()(std::int64_t i) const {
        return static_cast<double>(reinterpret_cast<const T*>(base)[i]);
    }
};

template <class Load>
VOXKERN_HD VOXKERN_INLINE double sum_taps(const Source& source, const AxisTaps* taps, const Load& load) {
    // grid_constant interpolates the image less cval: its outside is then zero.
    const bool blends = source.mode == Boundary::grid_constant;
    const double less = blends && !source.cval_subtracted ? source.cval : 0.0;
    const int count = source.kernel.taps();
    const int last = source.axes - 1;
    std::int64_t place[kMaxInterpolatorTaps];
    for (int t = 0; t < count; ++t) place[t] = (taps[last].index[t] - source.pad) * source.strides[last];
    int at[kMaxAxes] = {};  // of the other axes
    double sum = 0.0;
    do {
        double weight = 1.0;
        std::int64_t row = 0;
        for (int a = 0; a < last; ++a) {
            weight *= taps[a].weight[at[a]];
            row += (taps[a].index[at[a]] - source.pad) * source.strides[a];
        }
        if (weight == 0.0) continue;
        double row_sum = 0.0;
        for (int t = 0; t < count; ++t) {
            // A tap without weight may stand for cval: there is nothing to read.
            const double w = taps[last].weight[t];
            if (w != 0.0) row_sum += w * (load(row + place[t]) - less);
        }
        sum += weight * row_sum;
    } while (next_tap(last, count, at));
    return blends && source.slope_axis < 0 ? sum + source.cval : sum;
}

template <class Load>
VOXKERN_HD VOXKERN_INLINE double sample_at(const Source& source, const double* coordinates, const Load& load) {
    AxisTaps taps[kMaxAxes];
    double constant;
    return locate_sample(source, coordinates, taps, &constant) ? sum_taps(source, taps, load) : constant;
}

}  // namespace voxkern::warp

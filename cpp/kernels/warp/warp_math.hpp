// SPDX-License-Identifier: Apache-2.0
// One sample at one coordinate, whatever the axes, order and mode: the meaning of the kernel, and what the
// few samples that the fast paths leave out go through.
#pragma once

#include "kernels/warp/warp_task.hpp"

namespace voxkern {

struct AxisTaps {
    std::int64_t index[kMaxInterpolatorTaps];
    double weight[kMaxInterpolatorTaps];
};

// Taps of every axis at coordinate c; false: the sample is cval. Coordinates are numbers, not NaN.
VOXKERN_INLINE bool taps_at(const WarpTask& task, const double* c, AxisTaps* taps) {
    bool inside = true;
    for (int a = 0; a < task.axes; ++a) {
        const bool one = interpolator_taps(c[a], task.source.shape[a], task.source.pad, task.kernel, task.mode,
                                           taps[a].index, taps[a].weight, a == task.slope_axis);
        inside = inside && one;
    }
    return inside;
}

// The next combination of taps, last axis fastest; false after the last one.
VOXKERN_INLINE bool next_tap(int axes, int taps, int* at) {
    for (int a = axes - 1; a >= 0; --a) {
        if (++at[a] < taps) return true;
        at[a] = 0;
    }
    return false;
}

// What a NaN among the coordinates gives, as in scipy: cval in the modes that fold, NaN in the others.
VOXKERN_INLINE double sample_at_nan(const WarpTask& task) {
    const bool folds = task.mode != Boundary::nearest && task.mode != Boundary::grid_constant;
    return folds || task.kernel.taps() == 1 ? task.cval : __builtin_nan("");
}

template <class T>
VOXKERN_INLINE double sample_at(const WarpTask& task, const double* coordinates) {
    const double outside = task.slope_axis < 0 ? task.cval : 0.0;
    double c[kMaxWarpAxes];
    for (int a = 0; a < task.axes; ++a) {
        c[a] = coordinates[a];
        if (c[a] != c[a]) {
            if (task.mode != Boundary::nearest || task.kernel.taps() > 1) return sample_at_nan(task);
            c[a] = 0.0;
        }
        // Beyond this a fold has no digits left, and infinity none at all.
        if (!(c[a] > -1e15 && c[a] < 1e15)) {
            if (task.mode != Boundary::nearest && task.mode != Boundary::grid_constant) return outside;
            c[a] = c[a] < 0.0 ? -1e15 : 1e15;
        }
    }
    AxisTaps taps[kMaxWarpAxes];
    if (!taps_at(task, c, taps)) return outside;
    // grid_constant: the image less cval is interpolated, what lies outside is then zero.
    const bool blends = task.mode == Boundary::grid_constant;
    const double less = blends && !task.less_cval ? task.cval : 0.0;
    const T* const base = reinterpret_cast<const T*>(task.source.base);
    int at[kMaxWarpAxes] = {};
    double sum = 0.0;
    do {
        double weight = 1.0;
        std::int64_t place = 0;
        for (int a = 0; a < task.axes; ++a) {
            weight *= taps[a].weight[at[a]];
            place += (taps[a].index[at[a]] - task.source.pad) * task.source.strides[a];
        }
        // Taps of no weight are left out, so that what stands for cval is not read.
        if (weight != 0.0) sum += weight * (static_cast<double>(base[place]) - less);
    } while (next_tap(task.axes, task.kernel.taps(), at));
    return blends && task.slope_axis < 0 ? sum + task.cval : sum;
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// What warp and push have in common on the GPU: where a grid point looks the image up, and the taps there. A thread has
// one grid point and takes the steps that warp_simd.inl.hpp takes for a run; its table holds here.
#pragma once

#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/tiles.hpp"
#include "kernels/spline_filter/spline_filter.hpp"
#include "kernels/warp/warp_plan.hpp"

namespace voxkern::warp {
namespace {

// Bits of a point's state.
constexpr int kGeneral = 1;
constexpr int kOutside = 2;
constexpr int kNotANumber = 4;

// This point is left to sample_at.
__device__ __forceinline__ bool is_general(int state) {
    return state == kGeneral || (state & kNotANumber) != 0;
}

// A grid point: coordinates as the map gives them, and elements from the start of either array. N: the image's axes,
// or kMaxAxes as room for them.
template <int N>
struct Point {
    double at[N];
    std::int64_t grid = 0;
    std::int64_t image = 0;  // what its place in the batch adds
};

template <int N>
__device__ __forceinline__ int axes_of(int axes) {
    return N < kMaxAxes ? N : axes;
}

// The first axes of `tiles` are those of the grid, the others those of the batch. False: this thread has no point.
template <int N>
__device__ __forceinline__ bool find_point(const cuda::Tiles& tiles, const Map& map, Point<N>& point) {
    const int axes = axes_of<N>(map.axes);
#pragma unroll
    for (int a = 0; a < axes; ++a) point.at[a] = map.offset[a];
    std::int64_t from = 0;  // of the field
#pragma unroll 1
    for (int j = 0; j < tiles.rank; ++j) {
        const std::int64_t i = tiles.index(j);
        if (i >= tiles.axis[j].extent) return false;
        point.grid += i * tiles.axis[j].stride;
        if (j >= map.grid_axes) {
            point.image += i * tiles.axis[j].other;
            continue;
        }
        from += i * map.field_strides[j];
        if (!map.has_matrix) continue;
#pragma unroll
        for (int a = 0; a < axes; ++a) point.at[a] += map.matrix[a][j] * static_cast<double>(i);
    }
#pragma unroll 1
    for (int v = 0; v < map.components; ++v) {
        const double u = map.field_dtype == DType::f32
                             ? static_cast<double>(reinterpret_cast<const float*>(map.field)[from])
                             : cuda::load_sample<double>(map.field, map.field_dtype, from);
        from += map.component_stride;
#pragma unroll
        for (int a = 0; a < axes; ++a) {
            if (map.has_field_matrix) {
                point.at[a] += map.field_matrix[a][v] * u;
            } else if (map.component_of[a] == v) {
                point.at[a] += u;
            }
        }
    }
    return true;
}

// Brings a coordinate that is not within [0, last] inside, or tells what it is.
__device__ __forceinline__ int bring_inside(const Source& source, int a, int taps, double& c) {
    const double last = static_cast<double>(source.shape[a] - 1);
    const double given = c;
    const bool blends = source.mode == Boundary::grid_constant;
    if (source.slope_axis >= 0 || (blends && !source.padded())) {
        const bool here = blends && !source.padded();
        const bool no_tap_inside = here && (given <= -1.0 || given >= last + 1.0);
        c = 0.0;
        return kGeneral | (no_tap_inside ? kOutside : 0) | (here && given != given ? kNotANumber : 0);
    }
    if (blends || (source.mode == Boundary::nearest && taps > 2)) {
        const double limit = last + 100.0;
        if (given >= -limit && given <= 2.0 * limit) return 0;
        c = 0.0;
        return kGeneral;
    }
    const double from_below = given < 0.0 ? 0.0 : given;
    const double clamped = from_below > last ? last : from_below;  // NaN stays
    if (source.mode == Boundary::nearest) {
        c = clamped;
        return 0;
    }
    if (source.mode == Boundary::constant || source.mode == Boundary::fov) {
        const bool in = source.mode == Boundary::fov && given >= -0.5 && given < last + 0.5;
        c = in ? (taps <= 2 ? clamped : given) : 0.0;
        return in ? 0 : kOutside;
    }
    c = 0.0;
    if (!is_foldable(given)) return kOutside;
    const double folded = fold_coordinate(given, source.shape[a], source.mode).value;
    if (!source.padded() && !(folded >= 0.0 && folded <= last)) return kGeneral;
    c = folded;
    return 0;
}

// The samples from an anchor back to the first tap, and what leads from a coordinate to its anchor.
__device__ __forceinline__ int taps_before(const Interpolator& kernel) {
    return kernel.radius > 0 ? kernel.radius - 1 : kernel.order / 2;
}
__device__ __forceinline__ double anchor_of(const Interpolator& kernel, double c) {
    return std::floor(kernel.radius > 0 || (kernel.order & 1) != 0 ? c : c + 0.5);
}

// Brings all coordinates inside; returns the state. Most points are inside, and the rest shares one piece of code.
template <int N>
__device__ __forceinline__ int bring_inside(const Source& source, int taps, double (&at)[N]) {
    const int axes = axes_of<N>(source.axes);
    const auto inside = [&](int a, double c) { return c >= 0.0 && c <= static_cast<double>(source.shape[a] - 1); };
    bool all = true;
#pragma unroll
    for (int a = 0; a < axes; ++a) all = all && inside(a, at[a]);
    if (all) return 0;
    int state = 0;
#pragma unroll 1
    for (int a = 0; a < axes; ++a) {
        double c = 0.0;  // registers have no index
#pragma unroll
        for (int b = 0; b < axes; ++b) c = b == a ? at[b] : c;
        if (!inside(a, c)) state |= bring_inside(source, a, taps, c);
#pragma unroll
        for (int b = 0; b < axes; ++b) at[b] = b == a ? c : at[b];
    }
    return state;
}

// One axis: first tap, and fraction beyond the anchor. Returns what that adds to the state.
template <class C>
__device__ __forceinline__ int place_axis(const Source& source, int a, int taps, double c, std::int64_t& start,
                                          C& fraction) {
    const double last = static_cast<double>(source.shape[a] - 1);
    int state = 0;
    double first;
    if (source.padded()) {
        const double anchor = anchor_of(source.kernel, c);
        first = anchor - taps_before(source.kernel);
        const bool held = first >= -static_cast<double>(source.margin) &&
                          first <= static_cast<double>(source.shape[a] + source.margin - source.kernel.taps());
        if (!held) state = kGeneral;
        fraction = static_cast<C>(c - anchor);
        first = held ? first : 0.0;
    } else if (taps == 1) {
        first = std::floor(c + 0.5);
        first = first >= 0.0 ? (first > last ? last : first) : 0.0;
        fraction = C{0};
    } else {
        first = std::floor(c);
        first = first > last - 1.0 ? last - 1.0 : first;  // the last sample is the second tap there
        first = first >= 0.0 ? first : 0.0;
        fraction = static_cast<C>(c - first);
    }
    start = static_cast<std::int64_t>(first);
    return state;
}

// Weights of the taps of an axis.
template <int K, class C>
__device__ __forceinline__ void weigh_spline(const Source& source, int a, C fraction, C* weights) {
    if (a == source.slope_axis) {
        spline_slopes_at<C>(fraction, K - 1, weights);
    } else {
        spline_weights_at<C>(fraction, K - 1, weights);
    }
}

// A call: what it does would be repeated for each axis.
template <class C>
__device__ __attribute__((noinline)) void weigh_sinc(Interpolator kernel, C fraction, C* weights) {
    if (kernel.window == SincWindow::cubic) {
        cubic_weights<C>(fraction, weights);
        return;
    }
    double exact[kMaxInterpolatorTaps] = {};
    sinc_weights(static_cast<double>(fraction), kernel, exact);
    for (int k = 0; k < kernel.taps(); ++k) weights[k] = static_cast<C>(exact[k]);
}

template <int N>
struct Constant {
    static constexpr int value = N;
};

// f(Constant<axes>) for 1 to 3 axes.
template <class F>
void with_axes(int axes, const F& f) {
    switch (axes) {
        case 1: f(Constant<1>{}); return;
        case 2: f(Constant<2>{}); return;
        default: f(Constant<3>{}); return;
    }
}

// Tiles over the array on the grid; the batch axes step by the strides of array `which` of `batch`.
template <class View>
cuda::Tiles tiles_of(const View& grid, const Map& map, const Axes<2>& batch, std::size_t which) {
    cuda::Tiles tiles = cuda::tiles_over(grid);
    for (int b = 0; b < batch.rank(); ++b) tiles.axis[map.grid_axes + b].other = batch[b].strides[which];
    return tiles;
}

// Copies of a batch lie item after item: a view of one with the batch axes behind the image's.
inline ArrayView with_batch(ArrayView item, const Axes<2>& items) {
    for (int b = 0; b < items.rank(); ++b) {
        item.shape[item.rank] = items[b].extent;
        item.strides[item.rank++] = items[b].strides[0];
    }
    return item;
}

// Samples become spline coefficients along the first axes, in place; as in warp_source_cpu.cpp.
inline void prefilter(const ArrayView& lines, int axes, const Options& options, const cuda::Exec& exec) {
    spline_filter::Options filter;
    for (int a = 0; a < axes; ++a) filter.axes.push_back(a);
    filter.order = options.kernel.order;
    filter.mode = options.mode;
    filter.float64 = lines.dtype == DType::f64;
    cuda::spline_filter(as_const(lines), lines, filter, exec);
}

// Numbers of the batch's items in C order, as strides of its axes.
inline Axes<2> numbered(const Axes<2>& batch, std::int64_t step) {
    Axes<2> items;
    std::int64_t below = batch.size();
    for (int b = 0; b < batch.rank(); ++b) {
        below /= batch[b].extent;
        items.push(batch[b].extent, {below * step, below * step});
    }
    return items;
}

}  // namespace
}  // namespace voxkern::warp

// SPDX-License-Identifier: Apache-2.0
// What is decided before a call runs: the order of axes, the map as plain data, the geometry of a padded copy.
#pragma once

#include <vector>

#include "core/axes.hpp"
#include "kernels/warp/warp.hpp"
#include "kernels/warp/warp_task.hpp"

namespace voxkern::warp {

// Geometry of a padded array: `shape` samples, `margin` more on either side of every axis.
struct Padded {
    int axes = 0;
    std::int64_t shape[kMaxAxes] = {};
    std::int64_t strides[kMaxAxes] = {};
    std::int64_t pad = 0;  // part of the margin that the prefilter's line has
    std::int64_t margin = 0;
    std::int64_t first = 0;  // element of sample 0
    std::int64_t size = 0;   // elements in all, with room for a vector behind the last
};

// The part of a padded array that reaches `reach` samples beyond the image, as a view.
template <class C>
ArrayView view_within(const Padded& geometry, C* data, std::int64_t reach) {
    ArrayView view;
    view.dtype = DTypeOf<C>::value;
    view.rank = geometry.axes;
    C* first = data + geometry.first;
    for (int a = 0; a < geometry.axes; ++a) {
        first -= reach * geometry.strides[a];
        view.shape[a] = geometry.shape[a] + 2 * reach;
        view.strides[a] = geometry.strides[a];
    }
    view.data = first;
    return view;
}

// How every item of a batch is warped or pushed.
struct Plan {
    Task task;                    // its bases are those of an item
    ConstArrayView image;         // warp: one item, its axes slowest first
    Padded padded;                // warp: the copy, of size 0 where the image is read as it is; push: the sums
    std::vector<int> grid_order;  // axes of the grid as they are walked, slowest first
    Axes<2> batch;                // input and output
};

Plan plan_warp(const ConstArrayView& image, const ArrayView& out, const CoordinateMap& map, const Options& options);
Plan plan_push(const ConstArrayView& values, const ArrayView& image, const CoordinateMap& map, const Options& options);

// float32 holds every value of both and is allowed.
bool computes_in_f32(DType in, DType out, const Options& options);

}  // namespace voxkern::warp

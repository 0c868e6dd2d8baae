// SPDX-License-Identifier: Apache-2.0
// A copy of an image in the compute type with a rim wide enough that no tap has to be folded: spline
// coefficients where the order asks for them.
#pragma once

#include "core/workspace.hpp"
#include "kernels/warp/warp_task.hpp"

namespace voxkern {

// Geometry of a padded array: `shape` samples, `margin` more on either side of every axis.
struct Padded {
    int axes = 0;
    std::int64_t shape[kMaxWarpAxes] = {};
    std::int64_t strides[kMaxWarpAxes] = {};
    std::int64_t margin = 0;
    std::int64_t first = 0;  // element of sample 0
    std::int64_t size = 0;   // elements in all, with room for a vector behind the last
};

Padded padded_geometry(int axes, const std::int64_t* shape, std::int64_t margin);

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

// Samples become spline coefficients, of lines that continue as `mode` has them. `out` may be `in`.
void prefilter(const ConstArrayView& in, const ArrayView& out, const Interpolator& kernel, Boundary mode,
               const Exec& exec);

// Fills `data` (of geometry.size elements) from one image and describes it.
template <class C>
void make_rimmed(const ConstArrayView& image, const WarpParams& params, const Padded& geometry, C* data,
                 const Exec& exec, WarpSource& source);

}  // namespace voxkern

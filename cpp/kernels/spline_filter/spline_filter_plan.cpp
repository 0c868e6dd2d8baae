// SPDX-License-Identifier: Apache-2.0
#include "kernels/spline_filter/spline_filter_plan.hpp"

#include "core/axes.hpp"
#include "core/interpolator.hpp"

namespace voxkern::spline_filter {

std::vector<int> passes_of(const ArrayView& out, const Options& options) {
    std::vector<int> passes;
    for (const int axis : slowest_first(out.rank, out.strides)) {
        const bool asked = std::find(options.axes.begin(), options.axes.end(), axis) != options.axes.end();
        if (asked && options.order > 1 && out.shape[axis] > 1) passes.push_back(axis);
    }
    return passes;
}

bool computes_in_f32(DType in, DType out, const Options& options) {
    return interpolates_in_f32(in, out, {options.order}, options.float64);
}

}  // namespace voxkern::spline_filter

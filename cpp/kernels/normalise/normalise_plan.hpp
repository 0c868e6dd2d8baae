// SPDX-License-Identifier: Apache-2.0
// How image, mask and result are walked together.
#pragma once

#include "core/axes.hpp"
#include "kernels/normalise/normalise.hpp"

namespace voxkern::normalise {

// In the order of the result's memory; at least one axis.
inline Axes<3> walk_of(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out) {
    Axes<3> axes;
    for (int a = 0; a < in.rank; ++a) {
        if (in.shape[a] != 1) axes.push(in.shape[a], {out.strides[a], in.strides[a], mask ? mask->strides[a] : 0});
    }
    axes.slowest_first(0);
    axes.merge();
    if (axes.rank() == 0) axes.push(1, {1, 1, 1});
    return axes;
}

}  // namespace voxkern::normalise

// SPDX-License-Identifier: Apache-2.0
// Which passes are made, in which order and type, on either back end.
#pragma once

#include "kernels/spline_filter/spline_filter.hpp"

namespace voxkern::spline_filter {

// Axes with something to filter, slowest of the output first.
std::vector<int> passes_of(const ArrayView& out, const Options& options);

bool computes_in_f32(DType in, DType out, const Options& options);

}  // namespace voxkern::spline_filter

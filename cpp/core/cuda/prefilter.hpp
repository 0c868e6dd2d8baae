// SPDX-License-Identifier: Apache-2.0
// Spline coefficients of all lines of an array along one axis, in place, a thread per line.
#pragma once

#include "core/cuda/exec.hpp"
#include "core/prefilter.hpp"
#include "core/view.hpp"

namespace voxkern::cuda {

// `lines` holds `pad + n + pad` samples along `axis`, those in the middle filled. `gain` is applied last. For float and
// double, in spline_filter_cuda.cu.
template <class C>
void filter_lines(const ArrayView& lines, int axis, const Prefilter<C>& filter, C gain, const Exec& exec);

}  // namespace voxkern::cuda

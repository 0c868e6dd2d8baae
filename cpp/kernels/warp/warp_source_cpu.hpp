// SPDX-License-Identifier: Apache-2.0
// A copy of an image in the compute type with a margin so wide that no tap of a sample inside needs folding: spline
// coefficients where the order asks for them.
#pragma once

#include "kernels/warp/warp_plan.hpp"

namespace voxkern::warp {

// Samples become spline coefficients of lines that continue as `mode` says. `out` may be `in`.
void prefilter(const ConstArrayView& in, const ArrayView& out, const Options& options, const Exec& exec);

// Fills `data` (of geometry.size elements) from one image.
template <class C>
void fill_padded(const ConstArrayView& image, const Options& options, const Padded& geometry, C* data,
                 const Exec& exec);

}  // namespace voxkern::warp

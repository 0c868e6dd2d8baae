// SPDX-License-Identifier: Apache-2.0
// One axis of long lines, each line by itself and in segments.
#pragma once

#include "kernels/resample/resample_plan.hpp"

namespace voxkern::resample {

// `axis` is the only one that changes, and its lines are made this way.
bool is_long_line(const ConstArrayView& in, const ArrayView& out, const AxisSampling& sampling, int axis,
                  const Options& options);

// `finish` has the limits of the result.
template <class C>
void resample_lines(const ConstArrayView& in, const ArrayView& out, const AxisSampling& sampling, int axis,
                    const Options& options, const Finish<C>& finish, const Kernels<C>& kernels, const Exec& exec);

}  // namespace voxkern::resample

// SPDX-License-Identifier: Apache-2.0
// What the .cu files of regions share on the host.
#pragma once

#include "core/cuda/exec.hpp"
#include "kernels/regions/regions.hpp"

namespace voxkern::regions {

// Open names become those of all labels from the smallest to the largest, or of those that occur where these lie far
// apart. The host waits for them.
Names known_names(const Names& names, const ConstArrayView& labels, const cuda::Exec& exec);

}  // namespace voxkern::regions

// SPDX-License-Identifier: Apache-2.0
// Which samples the windows of each axis hold.
#pragma once

#include <vector>

#include "kernels/pool3d/pool3d.hpp"

namespace voxkern::pool3d {

// The windows along one axis, by output sample.
struct AxisPlan {
    std::vector<std::int64_t> first;  // sample inside the image
    std::vector<std::int64_t> count;  // of samples inside
    std::vector<float> size;          // factor of an average's divisor
    std::int64_t step = 1;            // from one sample to the next
    std::int64_t stride = 1;          // from a window to the next, for those of [begin, end)
    std::int64_t begin = 0;           // the windows that lie inside as a whole
    std::int64_t end = 0;
};

AxisPlan plan_of(std::int64_t n_in, std::int64_t n_out, const Window& window, const Options& options);

}  // namespace voxkern::pool3d

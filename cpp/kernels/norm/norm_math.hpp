// SPDX-License-Identifier: Apache-2.0
// From the moments of samples to what is done to each of them.
#pragma once

#include <cmath>

#include "core/moments.hpp"

namespace voxkern::norm {

// y = (x - centre) * scale + shift. What a large mean loses in float32 comes back in the shift.
struct Line {
    float centre = 0.0F;
    float scale = 1.0F;
    float shift = 0.0F;
};

VOXKERN_HD inline Line line_of(const Moments& moments, double weight, double bias, double eps) {
    const double scale = weight / std::sqrt(moments.squares / moments.count + eps);
    const float centre = static_cast<float>(moments.mean);
    const double rest = static_cast<double>(centre) - moments.mean;
    return {centre, static_cast<float>(scale), static_cast<float>(bias + rest * scale)};
}

}  // namespace voxkern::norm

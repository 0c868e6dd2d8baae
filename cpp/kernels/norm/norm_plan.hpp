// SPDX-License-Identifier: Apache-2.0
// From the moments of samples to what is done to each of them.
#pragma once

#include "core/moments.hpp"
#include "kernels/norm/norm.hpp"

namespace voxkern::norm {

// y = (x - centre) * scale + shift. What a large mean loses in float32 comes back in the shift.
struct Line {
    float centre = 0.0F;
    float scale = 1.0F;
    float shift = 0.0F;
};

Line line_of(const Moments& moments, std::int64_t channel, const Channels& channels, double eps);

// The given statistics of a channel.
Moments given_moments(std::int64_t channel, const Channels& channels);

}  // namespace voxkern::norm

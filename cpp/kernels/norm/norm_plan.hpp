// SPDX-License-Identifier: Apache-2.0
// From the moments of samples to what is done to each of them.
#pragma once

#include "kernels/norm/norm.hpp"

namespace voxkern::norm {

// Of a number of samples: their mean, and the sum of squared differences from it.
struct Moments {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;
};

// Of both sets of samples (Chan, Golub and LeVeque 1979).
Moments joined(const Moments& a, const Moments& b);

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

// SPDX-License-Identifier: Apache-2.0
// The line of a channel, from arrays of the host.
#pragma once

#include "kernels/norm/norm.hpp"
#include "kernels/norm/norm_math.hpp"

namespace voxkern::norm {

Line line_of(const Moments& moments, std::int64_t channel, const Channels& channels, double eps);

// The given statistics of a channel.
Moments given_moments(std::int64_t channel, const Channels& channels);

}  // namespace voxkern::norm

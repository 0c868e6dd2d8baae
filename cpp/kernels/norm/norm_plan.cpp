// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm/norm_plan.hpp"

#include <cmath>

namespace voxkern::norm {
namespace {

double number_of(const ConstArrayView& view, std::int64_t channel, double absent) {
    if (view.data == nullptr) return absent;
    return static_cast<double>(static_cast<const float*>(view.data)[channel * view.strides[0]]);
}

}  // namespace

Line line_of(const Moments& moments, std::int64_t channel, const Channels& channels, double eps) {
    const double scale = number_of(channels.weight, channel, 1.0) / std::sqrt(moments.squares / moments.count + eps);
    const float centre = static_cast<float>(moments.mean);
    const double rest = static_cast<double>(centre) - moments.mean;
    return {centre, static_cast<float>(scale),
            static_cast<float>(number_of(channels.bias, channel, 0.0) + rest * scale)};
}

Moments given_moments(std::int64_t channel, const Channels& channels) {
    return {1.0, number_of(channels.mean, channel, 0.0), number_of(channels.variance, channel, 1.0)};
}

}  // namespace voxkern::norm

// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm/norm_plan.hpp"

namespace voxkern::norm {
namespace {

double number_of(const ConstArrayView& view, std::int64_t channel, double absent) {
    if (view.data == nullptr) return absent;
    return static_cast<double>(static_cast<const float*>(view.data)[channel * view.strides[0]]);
}

}  // namespace

Line line_of(const Moments& moments, std::int64_t channel, const Channels& channels, double eps) {
    return line_of(moments, number_of(channels.weight, channel, 1.0), number_of(channels.bias, channel, 0.0), eps);
}

Moments given_moments(std::int64_t channel, const Channels& channels) {
    return {1.0, number_of(channels.mean, channel, 0.0), number_of(channels.variance, channel, 1.0)};
}

}  // namespace voxkern::norm

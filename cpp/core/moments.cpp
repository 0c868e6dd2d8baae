// SPDX-License-Identifier: Apache-2.0
#include "core/moments.hpp"

namespace voxkern {

Moments moments_at(const ConstArrayView& view, std::int64_t image, std::int64_t channel) {
    const std::int64_t at = image * view.strides[0] + channel * view.strides[1];
    const auto number = [&](std::int64_t i) { return *static_cast<const double*>(view.at(at + i * view.strides[2])); };
    return {number(0), number(1), number(2)};
}

void set_moments(const ArrayView& view, std::int64_t image, std::int64_t channel, const Moments& moments) {
    const std::int64_t at = image * view.strides[0] + channel * view.strides[1];
    const auto number = [&](std::int64_t i) -> double& {
        return *static_cast<double*>(view.at(at + i * view.strides[2]));
    };
    number(0) = moments.count;
    number(1) = moments.mean;
    number(2) = moments.squares;
}

}  // namespace voxkern

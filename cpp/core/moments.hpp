// SPDX-License-Identifier: Apache-2.0
// Mean and variance of samples that are met part by part.
#pragma once

#include "core/view.hpp"

namespace voxkern {

// Of a number of samples: their mean, and the sum of squared differences from it.
struct Moments {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;
};

// Of both sets of samples (Chan, Golub and LeVeque 1979).
Moments joined(const Moments& a, const Moments& b);

// Those of one channel of one image, as kernels hand them on: float64 (N, C, 3).
Moments moments_at(const ConstArrayView& view, std::int64_t image, std::int64_t channel);
void set_moments(const ArrayView& view, std::int64_t image, std::int64_t channel, const Moments& moments);

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// Mean and spread of samples that are met part by part, joined in a fixed order.
#pragma once

#include "core/view.hpp"

namespace voxkern {

struct Moments {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;  // of differences from the mean
};

// Of both sets of samples (Chan, Golub and LeVeque 1979).
VOXKERN_HD VOXKERN_INLINE Moments joined(const Moments& a, const Moments& b) {
    if (a.count == 0.0) return b;
    if (b.count == 0.0) return a;
    const double count = a.count + b.count;
    const double apart = b.mean - a.mean;
    return {count, a.mean + apart * (b.count / count),
            a.squares + b.squares + apart * apart * (a.count / count * b.count)};
}

// Those of one channel of one image, as kernels hand them on: float64 (N, C, 3).
Moments moments_at(const ConstArrayView& view, std::int64_t image, std::int64_t channel);
void set_moments(const ArrayView& view, std::int64_t image, std::int64_t channel, const Moments& moments);

}  // namespace voxkern

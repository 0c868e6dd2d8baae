// SPDX-License-Identifier: Apache-2.0
// Mean and spread of samples, joined block by block in a fixed order.
#pragma once

#include "core/config.hpp"

namespace voxkern {

// Of a number of samples: their mean, and the sum of squared differences from it.
struct Moments {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;
};

// Of both sets of samples (Chan, Golub and LeVeque 1979).
VOXKERN_INLINE Moments joined(const Moments& a, const Moments& b) {
    if (a.count == 0.0) return b;
    if (b.count == 0.0) return a;
    const double count = a.count + b.count;
    const double apart = b.mean - a.mean;
    return {count, a.mean + apart * (b.count / count),
            a.squares + b.squares + apart * apart * (a.count / count * b.count)};
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// Where a quantile lies among sorted samples: NumPy's rule "linear".
#pragma once

#include <algorithm>
#include <cstdint>

namespace voxkern {

// h = (count - 1) q lies between two ranks, `fraction` of the step behind the first.
struct QuantilePlace {
    std::int64_t rank;
    std::int64_t next;
    double fraction;
};

// q is 0 to 1, and there is a sample.
inline QuantilePlace quantile_place(double q, std::int64_t count) {
    const double h = static_cast<double>(count - 1) * q;
    const std::int64_t rank = std::min(static_cast<std::int64_t>(h), count - 1);
    return {rank, std::min(rank + 1, count - 1), h - static_cast<double>(rank)};
}

}  // namespace voxkern

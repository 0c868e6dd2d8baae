// SPDX-License-Identifier: Apache-2.0
// Bins of a histogram.
#pragma once

#include <cstdint>

namespace voxkern {

// edges[i] <= x < edges[i + 1]; the last bin has both edges. They rise in equal steps but for their rounding.
struct Bins {
    const double* edges = nullptr;
    std::int64_t count = 0;
    double scale = 1.0;  // bins for a step of one
};

}  // namespace voxkern

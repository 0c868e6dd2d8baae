// SPDX-License-Identifier: Apache-2.0
// Facts about short filters (finite impulse responses) that decide how they are summed.
#pragma once

#include <cstdint>

namespace voxkern {

// Symmetric filters cost half the multiplications, and scipy orders their sums differently.
enum class FilterSymmetry : std::int8_t { none, even, odd };

inline FilterSymmetry filter_symmetry(const double* weights, std::int64_t size) {
    if (size % 2 == 0) return FilterSymmetry::none;
    const double epsilon = 2.220446049250313e-16;  // scipy's absolute tolerance
    bool even = true;
    bool odd = true;
    const std::int64_t centre = size / 2;
    for (std::int64_t k = 1; k <= centre; ++k) {
        const double difference = weights[centre + k] - weights[centre - k];
        const double sum = weights[centre + k] + weights[centre - k];
        if (difference > epsilon || difference < -epsilon) even = false;
        if (sum > epsilon || sum < -epsilon) odd = false;
    }
    return even ? FilterSymmetry::even : (odd ? FilterSymmetry::odd : FilterSymmetry::none);
}

}  // namespace voxkern

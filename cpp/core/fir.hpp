// SPDX-License-Identifier: Apache-2.0
// Short filters (finite impulse responses) and the order in which they are summed.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/config.hpp"

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

// float32 fuses; float64 keeps scipy's separate roundings, so that the bits agree.
VOXKERN_HD VOXKERN_INLINE float fir_tap(float x, float w, float sum) {
    return std::fma(x, w, sum);
}
VOXKERN_HD VOXKERN_INLINE double fir_tap(double x, double w, double sum) {
    return x * w + sum;
}

// One output sample, as the GPU computes it; `sample(t)` is the input under tap t. The rows of core/simd/fir.inl.hpp
// make the same sums a vector at a time. Symmetric filters add the centre first, then the pairs from the outermost
// inwards; others add the last tap first: scipy's orders.
template <class C, class Sample>
VOXKERN_HD VOXKERN_INLINE C fir_sample(const Sample& sample, const C* weights, std::int64_t size,
                                       FilterSymmetry symmetry) {
    if (symmetry == FilterSymmetry::none) {
        C sum = sample(size - 1) * weights[size - 1];
        for (std::int64_t t = 0; t + 1 < size; ++t) sum = fir_tap(sample(t), weights[t], sum);
        return sum;
    }
    const std::int64_t centre = size / 2;
    C sum = sample(centre) * weights[centre];
    for (std::int64_t t = 0; t < centre; ++t) {
        const C near = sample(t);
        const C far = sample(size - 1 - t);
        sum = fir_tap(symmetry == FilterSymmetry::even ? near + far : near - far, weights[t], sum);
    }
    return sum;
}

}  // namespace voxkern

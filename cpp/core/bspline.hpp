// SPDX-License-Identifier: Apache-2.0
// Cardinal B-splines of order 0 to 5: interpolation weights and the poles of their prefilter.
// M. Unser, A. Aldroubi, M. Eden, "B-spline signal processing", IEEE Trans. Signal Proc. 41 (1993).
#pragma once

#include <cmath>
#include <cstdint>

#include "core/config.hpp"

namespace voxkern {

inline constexpr int kMaxSplineOrder = 5;
inline constexpr int kMaxTaps = kMaxSplineOrder + 1;

// x / 6 with the bits of the division, which takes several times as long: a product, and a sixth of what it is short
// of (P. Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor", IBM J. Res. Dev. 34,
// 1990). For finite x that is 0 or far from the smallest numbers.
template <class C>
VOXKERN_HD VOXKERN_INLINE C sixth(C x) {
#if defined(__FMA__)
    const C product = x * (C(1) / C(6));
    if constexpr (sizeof(C) == sizeof(float)) {
        return __builtin_fmaf(__builtin_fmaf(product, C(-6), x), C(1) / C(6), product);
    } else {
        return __builtin_fma(__builtin_fma(product, C(-6), x), C(1) / C(6), product);
    }
#else
    return x / C(6);
#endif
}

// Weights of the order+1 samples from spline_start on, for y = c - anchor: [0, 1) for odd orders, [-0.5, 0.5)
// for even ones. The last one closes the sum to 1, as in scipy.
template <class C>
VOXKERN_HD VOXKERN_INLINE void spline_weights_at(C y, int order, C* w) {
    const C z = C(1) - y;
    switch (order) {
        case 0: w[0] = C(1); return;
        case 1: w[0] = z; break;
        case 2:
            w[0] = C(0.5) * (C(0.5) - y) * (C(0.5) - y);
            w[1] = C(0.75) - y * y;
            break;
        case 3:
            w[0] = sixth(z * z * z);
            w[1] = sixth(y * y * (y - C(2)) * C(3) + C(4));
            w[2] = sixth(z * z * (z - C(2)) * C(3) + C(4));
            break;
        case 4: {
            const C t = y * y;
            const C u = C(1) + y;
            const C h = (C(0.5) - y) * (C(0.5) - y);
            w[0] = h * h / C(24);
            w[1] = u * (u * (u * (C(5) - u) / C(6) - C(1.25)) + C(5.0 / 24.0)) + C(55.0 / 96.0);
            w[2] = t * (t * C(0.25) - C(0.625)) + C(115.0 / 192.0);
            w[3] = z * (z * (z * (C(5) - z) / C(6) - C(1.25)) + C(5.0 / 24.0)) + C(55.0 / 96.0);
            break;
        }
        default: {
            const C t = y * y;
            const C s = z * z;
            const C u = C(1) + y;
            const C v = C(1) + z;
            w[0] = s * s * z / C(120);
            w[1] = u * (u * (u * (u * (u / C(24) - C(0.375)) + C(1.25)) - C(1.75)) + C(0.625)) + C(0.425);
            w[2] = t * (t * (C(0.25) - y / C(12)) - C(0.5)) + C(0.55);
            w[3] = s * (s * (C(0.25) - z / C(12)) - C(0.5)) + C(0.55);
            w[4] = v * (v * (v * (v * (v / C(24) - C(0.375)) + C(1.25)) - C(1.75)) + C(0.625)) + C(0.425);
            break;
        }
    }
    C sum = C(0);
    for (int k = 0; k < order; ++k) sum += w[k];
    w[order] = C(1) - sum;
}

// Derivatives of those weights: differences of the weights of the order below, half a sample on.
template <class C>
VOXKERN_HD VOXKERN_INLINE void spline_slopes_at(C y, int order, C* w) {
    C below[kMaxTaps];
    spline_weights_at<C>((order & 1) != 0 ? y - C(0.5) : y + C(0.5), order - 1, below);
    w[0] = -below[0];
    for (int k = 1; k < order; ++k) w[k] = below[k - 1] - below[k];
    w[order] = below[order - 1];
}

VOXKERN_HD VOXKERN_INLINE double spline_anchor(double c, int order) {
    return (order & 1) != 0 ? std::floor(c) : std::floor(c + 0.5);
}

VOXKERN_HD VOXKERN_INLINE void spline_weights(double c, int order, double* w) {
    spline_weights_at(c - spline_anchor(c, order), order, w);
}

// First sample under the spline at coordinate c. Order 0 takes the nearest sample, halves up.
VOXKERN_HD VOXKERN_INLINE std::int64_t spline_start(double c, int order) {
    return static_cast<std::int64_t>(spline_anchor(c, order)) - order / 2;
}

// Poles inside the unit circle of the direct B-spline transform; returns how many.
VOXKERN_HD inline int spline_poles(int order, double poles[2]) {
    switch (order) {
        case 2: poles[0] = std::sqrt(8.0) - 3.0; return 1;
        case 3: poles[0] = std::sqrt(3.0) - 2.0; return 1;
        case 4:
            poles[0] = std::sqrt(664.0 - std::sqrt(438976.0)) + std::sqrt(304.0) - 19.0;
            poles[1] = std::sqrt(664.0 + std::sqrt(438976.0)) - std::sqrt(304.0) - 19.0;
            return 2;
        case 5:
            poles[0] = std::sqrt(67.5 - std::sqrt(4436.25)) + std::sqrt(26.25) - 6.5;
            poles[1] = std::sqrt(67.5 + std::sqrt(4436.25)) - std::sqrt(26.25) - 6.5;
            return 2;
        default: return 0;
    }
}

// Product of (1 - z)(1 - 1/z) over the poles: makes the DC gain of the prefilter one.
VOXKERN_HD inline double spline_gain(int order) {
    double poles[2];
    const int n = spline_poles(order, poles);
    double gain = 1.0;
    for (int k = 0; k < n; ++k) gain *= (1.0 - poles[k]) * (1.0 - 1.0 / poles[k]);
    return gain;
}

}  // namespace voxkern

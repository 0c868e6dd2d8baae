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

// First sample under the spline at coordinate c. Order 0 takes the nearest sample, halves up.
VOXKERN_HD inline std::int64_t spline_start(double c, int order) {
    const double anchor = (order & 1) != 0 ? std::floor(c) : std::floor(c + 0.5);
    return static_cast<std::int64_t>(anchor) - order / 2;
}

// Weights of the order+1 samples from spline_start on. The last one closes the sum to 1, as in scipy.
VOXKERN_HD inline void spline_weights(double c, int order, double* w) {
    const double anchor = (order & 1) != 0 ? std::floor(c) : std::floor(c + 0.5);
    const double y = c - anchor;  // [0, 1) for odd orders, [-0.5, 0.5) for even ones
    const double z = 1.0 - y;
    switch (order) {
        case 0: w[0] = 1.0; return;
        case 1: w[0] = z; break;
        case 2:
            w[0] = 0.5 * (0.5 - y) * (0.5 - y);
            w[1] = 0.75 - y * y;
            break;
        case 3:
            w[0] = z * z * z / 6.0;
            w[1] = (y * y * (y - 2.0) * 3.0 + 4.0) / 6.0;
            w[2] = (z * z * (z - 2.0) * 3.0 + 4.0) / 6.0;
            break;
        case 4: {
            const double t = y * y;
            const double u = 1.0 + y;
            const double h = (0.5 - y) * (0.5 - y);
            w[0] = h * h / 24.0;
            w[1] = u * (u * (u * (5.0 - u) / 6.0 - 1.25) + 5.0 / 24.0) + 55.0 / 96.0;
            w[2] = t * (t * 0.25 - 0.625) + 115.0 / 192.0;
            w[3] = z * (z * (z * (5.0 - z) / 6.0 - 1.25) + 5.0 / 24.0) + 55.0 / 96.0;
            break;
        }
        default: {
            const double t = y * y;
            const double s = z * z;
            const double u = 1.0 + y;
            const double v = 1.0 + z;
            w[0] = s * s * z / 120.0;
            w[1] = u * (u * (u * (u * (u / 24.0 - 0.375) + 1.25) - 1.75) + 0.625) + 0.425;
            w[2] = t * (t * (0.25 - y / 12.0) - 0.5) + 0.55;
            w[3] = s * (s * (0.25 - z / 12.0) - 0.5) + 0.55;
            w[4] = v * (v * (v * (v * (v / 24.0 - 0.375) + 1.25) - 1.75) + 0.625) + 0.425;
            break;
        }
    }
    double sum = 0.0;
    for (int k = 0; k < order; ++k) sum += w[k];
    w[order] = 1.0 - sum;
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

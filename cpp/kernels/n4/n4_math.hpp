// SPDX-License-Identifier: Apache-2.0
// The scalar rules of N4: where a sample lies in the spline's domain, which bin a value falls in,
// how a lattice is refined, and ITK's running mean and variance.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/bspline.hpp"
#include "core/config.hpp"

namespace voxkern::n4 {

// ITK's parametric coordinate, in spans, of sample i of `total` samples over `spans` spans, in
// float32 as there. The last sample is pulled in by a thousandth of a voxel: the domain is half open. Where float32 has
// no such number, beyond some 16,000 samples, it is the one below the end.
VOXKERN_HD VOXKERN_INLINE float parameter(double i, std::int64_t total, std::int64_t spans) {
    const auto end = static_cast<float>(spans);
    const auto last = static_cast<float>(total - 1);
    const float pulled = end - end / last * 1e-3F;
    const float limit = pulled < end ? pulled : end * (1.0F - 0x1p-24F);
    float p = end * static_cast<float>(i) / last;
    if (p < 0.0F) p = 0.0F;
    return p >= limit ? limit : p;
}

// The order+1 weights at parameter p; they belong to control points floor(p), floor(p) + 1, ...
VOXKERN_HD VOXKERN_INLINE void basis_weights(float p, int order, float* weights) {
    double w[kMaxTaps];
    spline_weights(static_cast<double>(p) + 0.5 * (order - 1), order, w);
    for (int k = 0; k <= order; ++k) weights[k] = static_cast<float>(w[k]);
}

// Control point i of the lattice with half the knot distance, from the n old ones along a line.
// B(t) = 2^-q sum over m of binomial(q + 1, m) B(2t - m), hence 2n - q new ones.
template <class Line>
VOXKERN_HD VOXKERN_INLINE double refined_point(const Line& old, std::int64_t i, std::int64_t n, int order) {
    double sum = 0.0;
    double binomial = 1.0;
    for (int m = 0; m <= order + 1; ++m) {
        const std::int64_t twice = i + order - m;  // 2 j
        if ((twice & 1) == 0 && twice >= 0 && twice / 2 < n) sum += binomial * old(twice / 2);
        binomial = binomial * (order + 1 - m) / (m + 1);
    }
    return sum / static_cast<double>(std::int64_t{1} << order);
}

// ITK's CalculateConvergenceMeasurement: state in float32, expressions in double. The mean stops
// moving once |x - mean| / count is below half an ulp, after some 1e4 to 1e5 voxels.
struct RunningStatistics {
    float count = 0.0F;
    float mean = 0.0F;
    float spread = 0.0F;  // sum of squared deviations

    VOXKERN_HD void add(float x) {
        count += 1.0F;
        const auto n = static_cast<double>(count);
        if (count > 1.0F) {
            const float d = x - mean;
            spread = static_cast<float>(static_cast<double>(spread) + static_cast<double>(d * d) * (n - 1.0) / n);
        }
        mean = static_cast<float>(static_cast<double>(mean) * (1.0 - 1.0 / n) + static_cast<double>(x / count));
    }

    // The same with each expression rounded once, and `reciprocal` = 1 / (count + 1): a tenth of the time, and but for
    // a last bit now and then the same numbers.
    VOXKERN_HD void add(float x, float reciprocal) {
        count += 1.0F;
        const float d = x - mean;
        spread = std::fma(d * d, 1.0F - reciprocal, spread);
        mean = std::fma(d, reciprocal, mean);
    }

    // A sample nearer to the mean than this cannot move it (0: any may).
    VOXKERN_HD float frozen_radius() const {
        const float half_ulp = mean < 1.0F ? 0x1p-25F : 0x1p-24F;
        return count < 1024.0F ? 0.0F : 0.9F * half_ulp * count;  // the expression itself rounds, too
    }
};

// e^-x - 1 for |x| up to kShort, within 1e-7.
VOXKERN_HD VOXKERN_INLINE float ratio_less_one(float x) {
    float p = 1.0F / 24.0F;
    p = std::fma(p, x, -1.0F / 6.0F);
    p = std::fma(p, x, 0.5F);
    return std::fma(p * x, x, -x);
}

// A corrected value, stretched from the range of the corrected image to that of the input, in its own type as NumPy
// has it.
template <class C>
VOXKERN_HD VOXKERN_INLINE C stretched(C value, double low, double high, double corrected_low, double corrected_high) {
    const double scale = corrected_high > corrected_low ? (high - low) / (corrected_high - corrected_low) : 1.0;
    return (value - static_cast<C>(corrected_high)) * static_cast<C>(scale) + static_cast<C>(high);
}

}  // namespace voxkern::n4

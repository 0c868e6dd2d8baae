// SPDX-License-Identifier: Apache-2.0
// The exponential of softmax, for both sides: e^x = 2^n e^r with x = n ln 2 + r and |r| <= ln 2 / 2.
#pragma once

namespace voxkern::dense {

// e^r = 1 + r + r^2 p(r), where p is the polynomial of degree 4 through Chebyshev's points; its error is 8e-9.
struct Exponential {
    static constexpr float kWhole = 12582912.0F;  // 1.5 * 2^23: what is added to it is rounded to whole numbers
    static constexpr float kPerLn2 = 1.44269502F;
    static constexpr float kLn2High = -0.693359375F;  // ln 2 in two parts: n times the first is exact
    static constexpr float kLn2Low = 2.12194440e-4F;
    static constexpr float kLeast = -87.33654F;  // below 2^-126 it is 0
    static constexpr float k4 = 0.00139338232F;
    static constexpr float k3 = 0.00836329535F;
    static constexpr float k2 = 0.0416664630F;
    static constexpr float k1 = 0.166665763F;
    static constexpr float k0 = 0.5F;
};

}  // namespace voxkern::dense

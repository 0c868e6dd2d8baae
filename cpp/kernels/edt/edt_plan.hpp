// SPDX-License-Identifier: Apache-2.0
// Steps as whole numbers of a unit, and which square means "no zero".
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/view.hpp"

namespace voxkern::edt {

// Stands for "no zero yet" and leaves room for a square to be added. T is int32
// where the steps are whole numbers and float64 else.
template <class T>
inline constexpr T kFar = T(1e300);
template <>
inline constexpr std::int32_t kFar<std::int32_t> = std::int32_t{1} << 30;

// The smallest square of a distance above the radius: of whole steps, or of
// any.
inline double behind(double radius, std::int32_t) {
    return std::min(std::floor(radius * radius) + 1.0, static_cast<double>(kFar<std::int32_t>));
}
inline double behind(double radius, double) {
    return std::min(std::nextafter(radius * radius, kFar<double>), kFar<double>);
}

// Steps in parts of the smallest one, where all are whole numbers of these: 0.9
// and 0.7 mm are 9 and 7 parts of 0.1 mm. Squares are whole numbers then, and
// below kFar. Returns the size of a part; 0 where there is none.
double whole_steps(const ConstArrayView& in, const std::vector<double>& sampling, std::vector<double>& steps);

}  // namespace voxkern::edt

// SPDX-License-Identifier: Apache-2.0
// Winograd's minimal filtering of one axis: sizes, points, and what it makes of weights.
#pragma once

#include <cstdint>

#include "kernels/conv3d/conv3d_task.hpp"

namespace voxkern::conv3d {

// Points of the six-point transforms beside 0 and infinity are a, -a, b, -b. These keep the error low: README.md.
inline constexpr float kPointA = 0.75F;
inline constexpr float kPointB = 1.5F;

inline constexpr std::int64_t kMostProducts = 8;  // of an axis

constexpr std::int64_t results_of(Kind kind) {
    return kind == Kind::f43 ? 4 : kind == Kind::f23 || kind == Kind::f25 ? 2 : 1;
}

// Products per tile; each takes a sample in. A plain axis has one per tap.
constexpr std::int64_t products_of(Kind kind, std::int64_t taps) {
    return results_of(kind) + taps - 1;
}

}  // namespace voxkern::conv3d

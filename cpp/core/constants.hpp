// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace voxkern {

inline constexpr double kPi = 3.14159265358979323846;

}  // namespace voxkern

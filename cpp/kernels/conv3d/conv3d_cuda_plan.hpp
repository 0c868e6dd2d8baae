// SPDX-License-Identifier: Apache-2.0
// A layer as the GPU computes it: along each axis the results fall apart into parts whose taps meet samples at even
// steps. A convolution is one part; a transposed one has a part for each remainder of the result's place by the stride.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/conv3d/conv3d.hpp"

namespace voxkern::conv3d {

// Result m of a part lies at first_result + result_step * m. Its tap j meets sample stride * m + first + step * j with
// the kernel's weight first_tap + tap_step * j, where there is one.
struct AxisPart {
    std::int64_t taps = 0;
    std::int64_t first_tap = 0;
    std::int64_t tap_step = 1;
    std::int64_t stride = 1;
    std::int64_t first = 0;
    std::int64_t step = 1;
    std::int64_t first_result = 0;
    std::int64_t result_step = 1;

    std::int64_t results(std::int64_t extent) const {
        return first_result < extent ? (extent - first_result + result_step - 1) / result_step : 0;
    }
};

using Part = std::array<AxisPart, 3>;

// Results along x that are rows of their own in the product of weights and samples: both remainders of a transposed
// convolution of stride 2 read the same samples, and are written side by side. Row r takes weight r later.
std::int64_t woven_results(const Options& options);

// Parts in a fixed order, which depends on the padding's remainder by the stride alone.
std::vector<Part> parts_of(const Options& options, const std::array<std::int64_t, 3>& size);

}  // namespace voxkern::conv3d

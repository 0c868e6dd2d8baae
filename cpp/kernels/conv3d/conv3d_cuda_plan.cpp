// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3d/conv3d_cuda_plan.hpp"

#include <algorithm>
#include <numeric>

namespace voxkern::conv3d {
namespace {

std::int64_t floor_half(std::int64_t n) {
    return n >= 0 ? n / 2 : -((1 - n) / 2);
}

// The taps of both remainders by a stride of 2, whose results are woven.
AxisPart woven_part(std::int64_t size, std::int64_t padding) {
    AxisPart part;
    part.first = -floor_half(size - 1 - padding);
    part.taps = -floor_half(-padding) - part.first + 1;
    part.first_tap = padding - 2 * part.first;
    part.tap_step = -2;
    part.result_step = 2;
    return part;
}

std::vector<AxisPart> axis_parts(const Options& options, std::int64_t size, int axis) {
    const auto a = static_cast<std::size_t>(axis);
    const std::int64_t stride = options.stride[a];
    const std::int64_t padding = options.padding[a];
    const std::int64_t dilation = options.dilation[a];
    if (!options.transposed) {
        AxisPart part;
        part.taps = size;
        part.stride = stride;
        part.first = -padding;
        part.step = dilation;
        return {part};
    }
    if (axis == 2 && woven_results(options) > 1) return {woven_part(size, padding)};
    const std::int64_t common = std::gcd(stride, dilation);
    const std::int64_t tap_step = stride / common;  // from a tap to the next that meets the same results
    std::vector<AxisPart> parts;
    for (std::int64_t remainder = 0; remainder < stride; ++remainder) {
        AxisPart part;
        part.first_result = remainder;
        part.result_step = stride;
        part.tap_step = tap_step;
        part.step = -(dilation / common);
        for (std::int64_t k = 0; k < std::min(size, tap_step) && part.taps == 0; ++k) {
            if ((remainder + padding - dilation * k) % stride != 0) continue;
            part.first_tap = k;
            part.first = (remainder + padding - dilation * k) / stride;
            part.taps = (size - 1 - k) / tap_step + 1;
        }
        parts.push_back(part);
    }
    return parts;
}

}  // namespace

std::int64_t woven_results(const Options& options) {
    return options.transposed && options.stride[2] == 2 && options.dilation[2] == 1 ? 2 : 1;
}

std::vector<Part> parts_of(const Options& options, const std::array<std::int64_t, 3>& size) {
    std::vector<Part> parts;
    for (const AxisPart& z : axis_parts(options, size[0], 0)) {
        for (const AxisPart& y : axis_parts(options, size[1], 1)) {
            for (const AxisPart& x : axis_parts(options, size[2], 2)) parts.push_back({z, y, x});
        }
    }
    return parts;
}

}  // namespace voxkern::conv3d

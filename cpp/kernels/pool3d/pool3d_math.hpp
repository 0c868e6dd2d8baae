// SPDX-License-Identifier: Apache-2.0
// Which samples a window holds along one axis.
#pragma once

#include "kernels/pool3d/pool3d.hpp"

namespace voxkern::pool3d {

struct Span {
    std::int64_t first;  // sample inside the image
    std::int64_t count;  // of samples inside
    std::int64_t size;   // factor of an average's divisor
};

// The windows along one axis: evenly spaced, or adaptive ones whose sizes differ.
struct Spacing {
    bool adaptive = false;
    bool with_padding = false;
    Window window;
    std::int64_t n_in = 1;
    std::int64_t n_out = 1;

    VOXKERN_HD VOXKERN_INLINE Span at(std::int64_t o) const {
        if (adaptive) {
            const std::int64_t first = o * n_in / n_out;
            const std::int64_t count = ((o + 1) * n_in + n_out - 1) / n_out - first;
            return {first, count, count};
        }
        const std::int64_t start = o * window.stride - window.padding;
        const std::int64_t outside = start < 0 ? (-start + window.dilation - 1) / window.dilation : 0;
        const std::int64_t first = start + outside * window.dilation;
        std::int64_t count = window.kernel - outside;
        if (first + (count - 1) * window.dilation >= n_in) {
            count = first < n_in ? (n_in - 1 - first) / window.dilation + 1 : 0;
        }
        if (count < 0) count = 0;
        const std::int64_t end = start + window.kernel;
        const std::int64_t padded = (end < n_in + window.padding ? end : n_in + window.padding) - start;
        return {count > 0 ? first : 0, count, with_padding ? padded : count};
    }
};

// Adaptive windows of one size are evenly spaced ones.
inline Spacing spacing_of(std::int64_t n_in, std::int64_t n_out, const Window& window, const Options& options) {
    if (!options.adaptive) return {false, options.count_include_pad, window, n_in, n_out};
    if (n_in % n_out != 0) return {true, false, {}, n_in, n_out};
    return {false, false, {n_in / n_out, n_in / n_out, 0, 1}, n_in, n_out};
}

}  // namespace voxkern::pool3d

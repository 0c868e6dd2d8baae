// SPDX-License-Identifier: Apache-2.0
// The largest or mean sample of windows of the last three axes; see README.md in this folder.
#pragma once

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::pool3d {

inline constexpr int kSpatial = 3;

enum class Kind { max, average };

// Windows along one axis: output o takes the input samples o * stride - padding + t * dilation, 0 <= t < kernel.
struct Window {
    std::int64_t kernel = 1;
    std::int64_t stride = 1;
    std::int64_t padding = 0;
    std::int64_t dilation = 1;
};

struct Options {
    Kind kind = Kind::max;
    Window windows[kSpatial];
    bool adaptive = false;  // instead: output o of m takes the samples floor(o n / m) to ceil((o + 1) n / m) of n
    bool count_include_pad = true;  // an average divides by the window with its padding, else by the samples inside
    double divisor = 0.0;           // an average divides by this one where it is not 0
};

}  // namespace voxkern::pool3d

namespace voxkern::cpu {

// `in` and `out` are float32 of the axes N, C, D, H, W, equal in N and C, and do not overlap. The shape of `out` says
// how many windows there are. `places` is int64 of that shape, or has no data: where the largest sample is, counted
// over D, H and W; the first of equals, the last NaN.
void pool3d(const ConstArrayView& in, const ArrayView& out, const ArrayView& places, const pool3d::Options& options,
            const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`.
void pool3d(const ConstArrayView& in, const ArrayView& out, const ArrayView& places, const pool3d::Options& options,
            const Exec& exec);

}  // namespace voxkern::cuda

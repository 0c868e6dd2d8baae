// SPDX-License-Identifier: Apache-2.0
// Positions of 32 bits, or 64 where these do not fit: a GPU divides and multiplies 64-bit integers in many steps.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include "core/boundary.hpp"
#include "core/error.hpp"
#include "core/view.hpp"

namespace voxkern::cuda {

// Whether 32 bits hold the way from any element to any other, and windows of four lengths around them.
template <class Void>
bool fits_32_bits(const BasicArrayView<Void>& view) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() / 6;
    std::int64_t reach = 1;
    for (int a = 0; a < view.rank; ++a) {
        const std::int64_t step = std::abs(view.strides[a]);
        if (view.shape[a] > 1 && step > kMost / view.shape[a]) return false;
        reach += (view.shape[a] - 1) * step;
        if (reach > kMost) return false;
    }
    return view.size() <= kMost;
}

// Throws unless 32 bits hold the positions along an axis, and those in a window beyond its ends.
inline void check_positions(std::int64_t samples, std::int64_t window) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max() / 2;
    if (samples <= kMost && window <= kMost / 4) return;
    throw Error("got an axis of " + std::to_string(samples) + " samples and a window of " + std::to_string(window) +
                ", allowed 2^30 - 1 and a quarter of it");
}

// A call: its divisions would be repeated wherever samples are loaded.
__device__ __attribute__((noinline)) inline std::int64_t fold_outside(std::int64_t i, std::int64_t n, Boundary mode) {
    return fold_index(i, n, mode);
}

// fold_index() of a narrower type; nothing is widened or called inside the line.
template <class I>
__device__ __forceinline__ I folded(I i, I n, Boundary mode) {
    return i >= 0 && i < n ? i : static_cast<I>(fold_outside(i, n, mode));
}

template <class I>
__device__ __forceinline__ I least(I a, I b) {
    return a < b ? a : b;
}

}  // namespace voxkern::cuda

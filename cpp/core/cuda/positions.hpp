// SPDX-License-Identifier: Apache-2.0
// Positions of a walk over several arrays of one shape, for kernels that take each element by itself. Axes that lie
// flush are one, so that most arrays need no division; others divide in 32 bits where the size allows it.
#pragma once

#include <cuda_runtime.h>

#include "core/axes.hpp"
#include "core/cuda/walk.hpp"

namespace voxkern::cuda {

template <int N>
struct Positions {
    struct Offsets {
        std::int64_t of[N] = {};
    };
    struct Axis {
        std::int64_t extent = 1;
        std::int64_t stride[N] = {};
    };
    int rank = 0;
    std::int64_t size = 1;
    bool narrow = true;
    Axis axis[kMaxRank];  // slowest first

    // Elements from the start of each array.
    __device__ __forceinline__ Offsets at(std::int64_t position) const {
        Offsets offsets;
#pragma unroll 1
        for (int a = rank - 1; a >= 0; --a) {
            std::int64_t i = position;
            if (a > 0 && narrow) {
                const auto extent = static_cast<std::uint32_t>(axis[a].extent);
                const auto here = static_cast<std::uint32_t>(position);
                position = here / extent;
                i = here % extent;
            } else if (a > 0) {
                i = position % axis[a].extent;
                position /= axis[a].extent;
            }
            for (int k = 0; k < N; ++k) offsets.of[k] += i * axis[a].stride[k];
        }
        return offsets;
    }
};

// `axes` are sorted and merged.
template <int N>
Positions<N> positions_of(const Axes<N>& axes) {
    Positions<N> positions;
    positions.rank = axes.rank();
    positions.size = axes.size();
    positions.narrow = positions.size <= INT32_MAX;
    for (int a = 0; a < axes.rank(); ++a) {
        positions.axis[a].extent = axes[a].extent;
        for (std::size_t k = 0; k < N; ++k) positions.axis[a].stride[k] = axes[a].strides[k];
    }
    return positions;
}

}  // namespace voxkern::cuda

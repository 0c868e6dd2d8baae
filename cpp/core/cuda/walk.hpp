// SPDX-License-Identifier: Apache-2.0
// How the threads of a grid are dealt out to the samples of an output: thread after thread along its fastest axis.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <utility>

#include "core/axes.hpp"
#include "core/cuda/launch.hpp"

namespace voxkern::cuda {

inline constexpr int kBlockThreads = 256;

// Axes of an output and of the input that a kernel reads beside it. Along `special` axes the kernel places its reads
// itself: there the walk tells the index and adds nothing to the input's offset.
template <int S>
struct Walk {
    int rank = 0;
    std::int64_t size = 1;
    std::int64_t extent[kMaxRank] = {};  // slowest first
    std::int64_t in[kMaxRank] = {};      // strides in elements
    std::int64_t out[kMaxRank] = {};
    int slot[kMaxRank] = {};  // which special axis this is, or -1

    struct Place {
        std::int64_t in = 0;
        std::int64_t out = 0;
        std::int64_t index[S > 0 ? S : 1] = {};

        // No element is named by a number known at run time alone: they stay in registers.
        template <std::size_t... s>
        __device__ __forceinline__ void put([[maybe_unused]] int where, [[maybe_unused]] std::int64_t i,
                                            std::index_sequence<s...> /*all*/) {
            ((where == static_cast<int>(s) ? static_cast<void>(index[s] = i) : static_cast<void>(0)), ...);
        }
    };

    // A division of 64-bit numbers takes a GPU several times as long. The loop is short: unrolled, its divisions would
    // be most of a kernel.
    __device__ Place at(std::int64_t position) const {
        const bool narrow = size <= 0xffffffff;
        Place place;
#pragma unroll 1
        for (int a = rank - 1; a >= 0; --a) {
            std::int64_t i;
            if (narrow) {
                const auto n = static_cast<std::uint32_t>(extent[a]);
                const auto here = static_cast<std::uint32_t>(position);
                position = here / n;
                i = here % n;
            } else {
                i = position % extent[a];
                position /= extent[a];
            }
            place.out += i * out[a];
            if (slot[a] < 0) {
                place.in += i * in[a];
            } else {
                place.put(slot[a], i, std::make_index_sequence<static_cast<std::size_t>(S)>());
            }
        }
        return place;
    }
};

// The extents of `out` count; `in` may have others along the special axes.
template <int S>
Walk<S> walk_over(const ConstArrayView& in, const ArrayView& out, const int (&special)[S > 0 ? S : 1]) {
    Walk<S> walk;
    for (const int a : slowest_first(out.rank, out.strides)) {
        int slot = -1;
        for (int s = 0; s < S; ++s) slot = special[s] == a ? s : slot;
        if (out.shape[a] == 1) continue;
        walk.extent[walk.rank] = out.shape[a];
        walk.in[walk.rank] = slot < 0 ? in.strides[a] : 0;
        walk.out[walk.rank] = out.strides[a];
        walk.slot[walk.rank++] = slot;
        walk.size *= out.shape[a];
    }
    return walk;
}

// Positions of a walk for this thread: `for (auto p = first_position(); p < n; p += position_step())`.
__device__ __forceinline__ std::int64_t first_position() {
    return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ std::int64_t position_step() {
    return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

// A thread per position, up to a million blocks.
inline cudaLaunchConfig_t config_for(std::int64_t positions, cudaStream_t stream) {
    constexpr std::int64_t kMaxBlocks = std::int64_t{1} << 20;
    return config(grid_x(ceil_div(positions, kBlockThreads), kMaxBlocks), kBlockThreads, 0, stream);
}

}  // namespace voxkern::cuda

// SPDX-License-Identifier: Apache-2.0
// How the blocks of a grid are dealt out to the samples of an array: tiles along its two fastest axes, one block each,
// so that threads read and write neighbours and a block's reads overlap. Only the number of the block is divided, in
// 32 bits; positions within the array have 64.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/axes.hpp"
#include "core/cuda/launch.hpp"

namespace voxkern::cuda {

struct Tiles {
    struct Axis {
        std::int64_t extent = 1;
        std::int64_t stride = 0;  // of the array, in elements
        std::int64_t other = 0;   // of an array beside it, where a kernel has one
        std::uint32_t below = 1;  // tiles of the faster axes
        std::uint32_t tiles = 1;  // along this axis
        std::int64_t thread = 0;  // samples of a tile go along x (1), y (2), or the tile has one (0)
    };
    int rank = 0;
    std::uint32_t blocks = 1;
    std::uint32_t width = 1;  // threads along x
    std::uint32_t height = 1;
    Axis axis[kMaxRank];  // as the array has them

    // This thread's index along axis `a`; beyond its extent the thread has no sample.
    __device__ __forceinline__ std::int64_t index(int a) const {
        const std::uint32_t tile = blockIdx.x / axis[a].below % axis[a].tiles;
        if (axis[a].thread == 1) return static_cast<std::int64_t>(tile) * width + threadIdx.x;
        if (axis[a].thread == 2) return static_cast<std::int64_t>(tile) * height + threadIdx.y;
        return tile;
    }
};

// Tiles of `view`. Its strides decide which axes are fast.
template <class View>
Tiles tiles_over(const View& view) {
    constexpr std::uint32_t kThreads = 256;
    const std::vector<int> slowest = slowest_first(view.rank, view.strides);
    std::vector<int> order;  // fastest first, those of one sample last
    for (const bool one : {false, true}) {
        for (auto a = slowest.rbegin(); a != slowest.rend(); ++a) {
            if ((view.shape[*a] == 1) == one) order.push_back(*a);
        }
    }
    Tiles tiles;
    tiles.rank = view.rank;
    const auto extent = [&](std::size_t k) { return k < order.size() ? view.shape[order[k]] : 1; };
    while (tiles.width < (extent(1) > 1 ? 32U : kThreads) && tiles.width < extent(0)) tiles.width *= 2;
    while (tiles.width * tiles.height < kThreads) (extent(1) > 1 ? tiles.height : tiles.width) *= 2;
    std::int64_t blocks = 1;
    for (std::size_t k = 0; k < order.size(); ++k) {
        Tiles::Axis& axis = tiles.axis[order[k]];
        axis.extent = view.shape[order[k]];
        axis.stride = view.strides[order[k]];
        axis.below = static_cast<std::uint32_t>(blocks);
        axis.thread = k == 0 ? 1 : (k == 1 && extent(1) > 1 ? 2 : 0);
        const std::uint32_t step = axis.thread == 1 ? tiles.width : (axis.thread == 2 ? tiles.height : 1);
        const std::int64_t count = ceil_div(axis.extent, step);
        if (count > kMaxGridX / std::max<std::int64_t>(blocks, 1))
            throw Error("got more samples than a grid has blocks");
        axis.tiles = static_cast<std::uint32_t>(std::max<std::int64_t>(count, 1));
        blocks *= count;
    }
    tiles.blocks = static_cast<std::uint32_t>(blocks);
    return tiles;
}

inline cudaLaunchConfig_t config_for(const Tiles& tiles, cudaStream_t stream) {
    return config(tiles.blocks, {tiles.width, tiles.height}, 0, stream);
}

}  // namespace voxkern::cuda

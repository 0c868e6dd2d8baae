// SPDX-License-Identifier: Apache-2.0
// What the kernels of conv3d on the GPU are given. A group's weights are a matrix: a row for each output channel (and
// woven result), a column for each channel and tap. Rows are taken in blocks.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "core/cuda/exec.hpp"
#include "core/cuda/launch.hpp"
#include "kernels/conv3d/conv3d_cuda_plan.hpp"

namespace voxkern::conv3d {

constexpr int kThreads = 128;      // of a block
constexpr int kPartsAtOnce = 8;    // of a launch
constexpr int kDeviceChain = 288;  // products that are added up in one chain, as on the CPU

// How weights lie: [part][group][block][chunk of channels][tap][channel of the chunk][row of the block], with zeros
// where a chunk or a block has more than there is.
struct Layout {
    std::int64_t rows = 0;      // of a group
    std::int64_t channels = 0;  // of a group
    int block = 1;              // rows
    int chunk = 1;              // channels

    std::int64_t blocks() const { return cuda::ceil_div(rows, block); }
    std::int64_t chunks() const { return cuda::ceil_div(channels, chunk); }
    bool product() const { return chunk > 1; }  // by tiles in shared memory, else directly
};

struct DeviceWeights {
    Options options;
    std::array<std::int64_t, 3> size;
    std::int64_t in_channels;
    std::int64_t out_channels;
    std::int64_t woven;
    Layout layout;
    std::vector<std::int64_t> first;  // number of each part
    cuda::Scratch<float> numbers;     // weights, then the bias
    const float* bias;
    cudaEvent_t written;

    ~DeviceWeights() { cudaEventDestroy(written); }
};

// A part of a call; offsets and steps count elements. Sample indices are those of AxisPart. Axis 0 is the one along
// which a thread of the direct kernel has several results.
template <class I>
struct PartArgs {
    std::int64_t weights;
    I out, residual;    // offsets of the first result
    I taps[3], tap[3];  // how many, and the distance of two in a row of weights
    I stride[3], first[3], step[3];
    I results[3];
    I out_step[3], residual_step[3];
};

template <class I>
struct LayerArgs {
    const float* in;
    const float* weights;
    const float* bias;  // null: none; so may `residual` be
    const float* residual;
    float* out;
    std::int64_t slice_size;  // of `out`, where a sum is cut into slices of channels, each in an array of its own
    I extent[3], in_step[3];
    I in_channel, in_image, out_channel, out_image, residual_channel, residual_image;
    I images, channels, rows;  // of the call; of a group
    I slice_chunks;
    I width, woven_step, residual_woven_step;  // of the output along x, where results are woven
    std::uint32_t parts, groups, blocks, tiles, slices;
    int woven;
    int vectors;  // whether results, and residuals, come in whole aligned fours
    Activation activation;
    float slope;
    PartArgs<I> part[kPartsAtOnce];
};

// Which results a block of threads makes. Blocks that read the same samples are neighbours.
struct BlockPlace {
    std::uint32_t block, part, slice, tile, group;
};

template <class I>
__device__ __forceinline__ BlockPlace block_place(const LayerArgs<I>& layer) {
    std::uint32_t number = blockIdx.x;
    BlockPlace place;
    place.block = number % layer.blocks;
    number /= layer.blocks;
    place.part = number % layer.parts;
    number /= layer.parts;
    place.slice = number % layer.slices;
    number /= layer.slices;
    place.tile = number % layer.tiles;
    place.group = number / layer.tiles;
    return place;
}

template <class I>
__device__ __forceinline__ bool within(I i, I extent) {
    using U = std::make_unsigned_t<I>;
    return static_cast<U>(i) < static_cast<U>(extent);
}

// A result from its sum. `Args` have an activation and a slope.
template <class Args>
__device__ __forceinline__ float finished(const Args& args, float sum, float bias, float residual) {
    const float value = sum + bias + residual;
    if (args.activation == Activation::none || !(value < 0.0F)) return value;
    return args.activation == Activation::relu ? 0.0F : args.slope * value;
}

template <class I>
std::int64_t blocks_of(const LayerArgs<I>& layer) {
    return std::int64_t{layer.tiles} * layer.slices * layer.groups * layer.parts * layer.blocks;
}

// A result is the sum of its slices, in their order.
template <class I>
struct JoinArgs {
    const float* slices;
    const float* bias;
    const float* residual;  // null where there is none
    float* out;
    std::int64_t slice_size, slice_count;
    I extent[5], out_step[5], residual_step[5];
    I count;
    Activation activation;
    float slope;
};

// Enqueue a launch for the parts in `layer`. The grid has to be set: layer.tiles.
template <class I>
void launch_product(const LayerArgs<I>& layer, const Layout& layout, bool long_sums, cudaStream_t stream);
template <class I>
void launch_direct(const LayerArgs<I>& layer, const Layout& layout, int run, bool depthwise, cudaStream_t stream);

template <class I>
void launch_join(const JoinArgs<I>& join, cudaStream_t stream);

// Results of a block of threads of the product, for each row; and of a thread of the direct kernel along axis 0.
constexpr int kTile = 8192;  // rows times columns
constexpr int kRun = 4;
constexpr int kDepthwiseRun = 16;

}  // namespace voxkern::conv3d

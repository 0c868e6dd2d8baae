// SPDX-License-Identifier: Apache-2.0
// Layers of few channels: a thread keeps the sums of several rows and of several results along one axis. Samples come
// from L1, where neighbours find them again; all threads read the same weights at the same time.
#include "kernels/conv3d/conv3d_cuda_task.hpp"

namespace voxkern::conv3d {
namespace {

constexpr int kMostRows = 8;

template <int N>
struct alignas(N < 4 ? 4 * N : 16) Numbers {
    float at[N];
};

// The first of a thread's results: `run` of them follow along axis 0.
template <class I>
struct Run {
    I image, at[3];
    bool inside;
};

template <class I>
__device__ __forceinline__ Run<I> run_of(const LayerArgs<I>& layer, const PartArgs<I>& part, std::uint32_t tile,
                                         I run) {
    const I runs = (part.results[0] + run - 1) / run;
    I position = static_cast<I>(tile) * kThreads + static_cast<I>(threadIdx.x);
    Run<I> place;
    place.at[2] = position % part.results[2];
    position /= part.results[2];
    place.at[1] = position % part.results[1];
    position /= part.results[1];
    place.at[0] = position % runs * run;
    place.image = position / runs;
    place.inside = place.image < layer.images;
    return place;
}

// Writes the result of a row; `row` counts within the group, `along` within the run.
template <class I>
__device__ __forceinline__ void store(const LayerArgs<I>& layer, const PartArgs<I>& part, const Run<I>& place,
                                      std::uint32_t group, I row, I along, float sum) {
    const I z = place.at[0] + along;
    I channel = static_cast<I>(group) * layer.rows + row;
    I woven = 0;
    if (layer.woven > 1) {
        woven = row % 2;
        channel = channel / 2;
        if (2 * place.at[2] + woven >= layer.width) return;
    }
    float added = 0.0F;
    if (layer.residual != nullptr) {
        added = layer.residual[part.residual + place.image * layer.residual_image + channel * layer.residual_channel +
                               z * part.residual_step[0] + place.at[1] * part.residual_step[1] +
                               place.at[2] * part.residual_step[2] + woven * layer.residual_woven_step];
    }
    layer.out[part.out + place.image * layer.out_image + channel * layer.out_channel + z * part.out_step[0] +
              place.at[1] * part.out_step[1] + place.at[2] * part.out_step[2] + woven * layer.woven_step] =
        finished(layer, channel, sum, added);
}

// R rows, V results of each.
template <int R, int V, class I>
__global__ void __launch_bounds__(kThreads, 1) sum_taps(const __grid_constant__ LayerArgs<I> layer) {
    const BlockPlace here = block_place(layer);
    const PartArgs<I>& part = layer.part[here.part];
    const Run<I> place = run_of<I>(layer, part, here.tile, V);
    if (!place.inside) return;
    const I first = part.stride[0] * place.at[0] + part.first[0];
    const I y = part.stride[1] * place.at[1] + part.first[1];
    const I x = part.stride[2] * place.at[2] + part.first[2];
    const I taps = part.taps[0] * part.taps[1] * part.taps[2];
    const float* image =
        layer.in + (place.image * layer.in_image + static_cast<I>(here.group) * layer.channels * layer.in_channel);
    const float* weights =
        layer.weights + part.weights +
        (static_cast<std::int64_t>(here.group) * layer.blocks + here.block) * layer.channels * taps * R;
    float total[R][V] = {};
    float sum[R][V] = {};
    I products = 0;
    for (I c = 0; c < layer.channels; ++c) {
        for (I j = 0; j < part.taps[0]; ++j) {
            const I z = first + part.step[0] * j;
            for (I k = 0; k < part.taps[1]; ++k) {
                const I row = y + part.step[1] * k;
                for (I l = 0; l < part.taps[2]; ++l) {
                    const I column = x + part.step[2] * l;
                    const bool inside = within(row, layer.extent[1]) && within(column, layer.extent[2]);
                    const I at = row * layer.in_step[1] + column * layer.in_step[2];
                    float sample[V];
#pragma unroll
                    for (int v = 0; v < V; ++v) {
                        const I plane = z + part.stride[0] * v;
                        sample[v] =
                            inside && within(plane, layer.extent[0]) ? image[at + plane * layer.in_step[0]] : 0.0F;
                    }
                    const auto weight = *reinterpret_cast<const Numbers<R>*>(
                        weights + (j * part.tap[0] + k * part.tap[1] + l * part.tap[2]) * R);
#pragma unroll
                    for (int r = 0; r < R; ++r) {
#pragma unroll
                        for (int v = 0; v < V; ++v) sum[r][v] = __fmaf_rn(weight.at[r], sample[v], sum[r][v]);
                    }
                }
            }
            products += part.taps[1] * part.taps[2];
            if (products < kDeviceChain) continue;
            products = 0;
#pragma unroll
            for (int r = 0; r < R; ++r) {
#pragma unroll
                for (int v = 0; v < V; ++v) {
                    total[r][v] += sum[r][v];
                    sum[r][v] = 0.0F;
                }
            }
        }
        image += layer.in_channel;
        weights += taps * R;
    }
#pragma unroll
    for (int r = 0; r < R; ++r) {
        const I row = static_cast<I>(here.block) * R + r;
#pragma unroll
        for (int v = 0; v < V; ++v) {
            if (row < layer.rows && place.at[0] + v < part.results[0])
                store(layer, part, place, here.group, row, static_cast<I>(v), total[r][v] + sum[r][v]);
        }
    }
}

// One channel in and out of a group, and three taps side by side along axis 0: each sample is loaded once for three
// results.
template <class I>
__global__ void __launch_bounds__(kThreads) sum_depthwise(const __grid_constant__ LayerArgs<I> layer) {
    constexpr int kTaps = 3;
    constexpr int V = kDepthwiseRun;
    const BlockPlace here = block_place(layer);
    const PartArgs<I>& part = layer.part[here.part];
    const Run<I> place = run_of<I>(layer, part, here.tile, V);
    if (!place.inside) return;
    const I z = place.at[0] + part.first[0];
    const I y = part.stride[1] * place.at[1] + part.first[1];
    const I x = part.stride[2] * place.at[2] + part.first[2];
    const I taps = kTaps * part.taps[1] * part.taps[2];
    const float* const image =
        layer.in + (place.image * layer.in_image + static_cast<I>(here.group) * layer.in_channel);
    const float* const weights = layer.weights + part.weights + static_cast<std::int64_t>(here.group) * taps;
    float sum[V] = {};
    for (I k = 0; k < part.taps[1]; ++k) {
        const I row = y + part.step[1] * k;
        for (I l = 0; l < part.taps[2]; ++l) {
            const I column = x + part.step[2] * l;
            const bool inside = within(row, layer.extent[1]) && within(column, layer.extent[2]);
            const I at = row * layer.in_step[1] + column * layer.in_step[2];
            float weight[kTaps];
#pragma unroll
            for (int j = 0; j < kTaps; ++j) weight[j] = weights[j * part.tap[0] + k * part.tap[1] + l * part.tap[2]];
#pragma unroll
            for (int plane = 0; plane < V + kTaps - 1; ++plane) {
                const float sample =
                    inside && within(z + plane, layer.extent[0]) ? image[at + (z + plane) * layer.in_step[0]] : 0.0F;
#pragma unroll
                for (int j = 0; j < kTaps; ++j) {
                    const int v = plane - j;
                    if (v >= 0 && v < V) sum[v] = __fmaf_rn(weight[j], sample, sum[v]);
                }
            }
        }
    }
#pragma unroll
    for (int v = 0; v < V; ++v) {
        if (place.at[0] + v < part.results[0]) store(layer, part, place, here.group, I{0}, static_cast<I>(v), sum[v]);
    }
}

template <int R, class I>
void launch_rows(const LayerArgs<I>& layer, int run, const cudaLaunchConfig_t& config) {
    cuda::launch("sum_taps", config, run > 1 ? sum_taps<R, kRun, I> : sum_taps<R, 1, I>, layer);
}

}  // namespace

template <class I>
void launch_direct(const LayerArgs<I>& layer, const Layout& layout, int run, bool depthwise, cudaStream_t stream) {
    const std::int64_t blocks = std::int64_t{layer.tiles} * layer.groups * layer.parts * layer.blocks;
    const cudaLaunchConfig_t config = cuda::config(cuda::blocks_x(blocks), kThreads, 0, stream);
    if (depthwise) {
        cuda::launch("sum_depthwise", config, sum_depthwise<I>, layer);
        return;
    }
    switch (layout.block) {
        case 1: launch_rows<1>(layer, run, config); return;
        case 4: launch_rows<4>(layer, run, config); return;
        default: launch_rows<kMostRows>(layer, run, config); return;
    }
}

template void launch_direct(const LayerArgs<std::int32_t>&, const Layout&, int, bool, cudaStream_t);
template void launch_direct(const LayerArgs<std::int64_t>&, const Layout&, int, bool, cudaStream_t);

}  // namespace voxkern::conv3d

// SPDX-License-Identifier: Apache-2.0
// Layers of few channels: a thread keeps the sums of several rows and of several results along one axis. Samples come
// from L1, where neighbours find them again; all threads read the same weights at the same time.
#include "core/cuda/index.hpp"
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

// N samples at even steps along axis 0: their offsets, and which lie inside.
template <int N, class I>
struct Planes {
    I offset[N];
    bool inside[N];

    __device__ __forceinline__ Planes(const LayerArgs<I>& layer, I first, I step) {
#pragma unroll
        for (int n = 0; n < N; ++n) {
            offset[n] = (first + step * n) * layer.in_step[0];
            inside[n] = within(first + step * n, layer.extent[0]);
        }
    }

    __device__ __forceinline__ float sample(const float* image, I at, int n) const {
        return inside[n] ? image[at + offset[n]] : 0.0F;
    }
};

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
        finished(layer, sum, layer.bias[channel], added);
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
            const Planes<V, I> planes(layer, first + part.step[0] * j, part.stride[0]);
            for (I k = 0; k < part.taps[1]; ++k) {
                const I row = y + part.step[1] * k;
                for (I l = 0; l < part.taps[2]; ++l) {
                    const I column = x + part.step[2] * l;
                    const bool inside = within(row, layer.extent[1]) && within(column, layer.extent[2]);
                    const I at = row * layer.in_step[1] + column * layer.in_step[2];
                    float sample[V];
#pragma unroll
                    for (int v = 0; v < V; ++v) sample[v] = inside ? planes.sample(image, at, v) : 0.0F;
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
    // Rolled: the place of a result takes more code than its sum. Sums are chosen, for registers have no index.
#pragma unroll 1
    for (int along = 0; along < V && place.at[0] + along < part.results[0]; ++along) {
#pragma unroll
        for (int r = 0; r < R; ++r) {
            const I row = static_cast<I>(here.block) * R + r;
            float result = total[r][0] + sum[r][0];
#pragma unroll
            for (int v = 1; v < V; ++v) result = v == along ? total[r][v] + sum[r][v] : result;
            if (row < layer.rows) store(layer, part, place, here.group, row, static_cast<I>(along), result);
        }
    }
}

// One channel in and out of a group, 3 x 3 x 3 taps, side by side along axis 0: a thread marches along it and loads
// each plane once, for three results.
template <class I>
__global__ void __launch_bounds__(kThreads) march_depthwise(const __grid_constant__ LayerArgs<I> layer) {
    constexpr int kTaps = 3;
    constexpr int kPlane = kTaps * kTaps;
    const BlockPlace here = block_place(layer);
    const PartArgs<I>& part = layer.part[here.part];
    const Run<I> place = run_of<I>(layer, part, here.tile, kDepthwiseRun);
    if (!place.inside) return;
    const float* const image =
        layer.in + (place.image * layer.in_image + static_cast<I>(here.group) * layer.in_channel);
    const float* const weights =
        layer.weights + part.weights + static_cast<std::int64_t>(here.group) * (kTaps * kPlane);
    float weight[kTaps][kPlane];
    I at[kPlane];
    unsigned inside = 0;  // a bit for each tap of a plane
#pragma unroll
    for (int k = 0; k < kPlane; ++k) {
        const I y = part.stride[1] * place.at[1] + part.first[1] + part.step[1] * (k / kTaps);
        const I x = part.stride[2] * place.at[2] + part.first[2] + part.step[2] * (k % kTaps);
        at[k] = y * layer.in_step[1] + x * layer.in_step[2];
        if (within(y, layer.extent[1]) && within(x, layer.extent[2])) inside |= 1U << k;
#pragma unroll
        for (int j = 0; j < kTaps; ++j) {
            weight[j][k] = weights[j * part.tap[0] + k / kTaps * part.tap[1] + k % kTaps * part.tap[2]];
        }
    }
    I z = place.at[0] + part.first[0];
    const float* plane = image + z * layer.in_step[0];
    const auto channel = static_cast<I>(here.group);
    const float bias = layer.bias[channel];
    float* out =
        layer.out + (part.out + place.image * layer.out_image + channel * layer.out_channel +
                     place.at[0] * part.out_step[0] + place.at[1] * part.out_step[1] + place.at[2] * part.out_step[2]);
    const float* residual = layer.residual;
    if (residual != nullptr) {
        residual += part.residual + place.image * layer.residual_image + channel * layer.residual_channel +
                    place.at[0] * part.residual_step[0] + place.at[1] * part.residual_step[1] +
                    place.at[2] * part.residual_step[2];
    }
    const I results = cuda::least(I{kDepthwiseRun}, part.results[0] - place.at[0]);
    float old = 0.0F;  // sums of the result two planes before, and of the one before
    float last = 0.0F;
#pragma unroll 1
    for (I p = 0; p < results + kTaps - 1; ++p) {
        const unsigned there = within(z, layer.extent[0]) ? inside : 0;
        float next = 0.0F;
#pragma unroll
        for (int k = 0; k < kPlane; ++k) {
            const float sample = (there >> k & 1U) != 0 ? plane[at[k]] : 0.0F;
            next = __fmaf_rn(weight[0][k], sample, next);
            last = __fmaf_rn(weight[1][k], sample, last);
            old = __fmaf_rn(weight[2][k], sample, old);
        }
        if (p >= kTaps - 1) {
            *out = finished(layer, old, bias, residual == nullptr ? 0.0F : *residual);
            out += part.out_step[0];
            residual += part.residual_step[0];
        }
        plane += layer.in_step[0];
        ++z;
        old = last;
        last = next;
    }
}

template <int R, class I>
void launch_rows(const LayerArgs<I>& layer, int run, const cudaLaunchConfig_t& config) {
    cuda::launch("sum_taps", config, run > 1 ? sum_taps<R, kRun, I> : sum_taps<R, 1, I>, layer);
}

}  // namespace

template <class I>
void launch_direct(const LayerArgs<I>& layer, const Layout& layout, int run, bool depthwise, cudaStream_t stream) {
    const cudaLaunchConfig_t config = cuda::config(cuda::blocks_x(blocks_of(layer)), kThreads, 0, stream);
    if (depthwise) {
        cuda::launch("march_depthwise", config, march_depthwise<I>, layer);
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

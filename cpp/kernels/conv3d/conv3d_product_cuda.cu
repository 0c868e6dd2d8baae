// SPDX-License-Identifier: Apache-2.0
// Layers of many channels as a product of matrices, weights times samples. The matrix of samples is never made: a block
// brings eight channels of one tap at a time to shared memory, and fetches the next ones meanwhile. A thread keeps
// eight rows by eight columns of sums.
#include "core/cuda/block.hpp"
#include "core/cuda/index.hpp"
#include "core/cuda/shared.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/conv3d/conv3d_cuda_task.hpp"

namespace voxkern::conv3d {
namespace {

constexpr int kSide = 8;   // rows, and columns, of a thread
constexpr int kChunk = 8;  // channels of a step
constexpr int kFour = 4;

struct alignas(16) Four {
    float at[kFour];
};

// Two steps: one is multiplied while the next is written.
template <int M>
struct Stage {
    static constexpr int kColumns = kTile / M;
    Four weights[2][kChunk * M / kFour];
    Four samples[2][kChunk * kColumns / kFour];
};

// A result's place, from its number among those of a part.
template <class I>
struct Column {
    I image, at[3];
    bool inside;
};

template <class I>
__device__ __forceinline__ Column<I> column_of(const LayerArgs<I>& layer, const PartArgs<I>& part, I number) {
    Column<I> column;
    column.at[2] = number % part.results[2];
    number /= part.results[2];
    column.at[1] = number % part.results[1];
    number /= part.results[1];
    column.at[0] = number % part.results[0];
    column.image = number / part.results[0];
    column.inside = column.image < layer.images;
    return column;
}

// Which channels and tap a step takes.
template <class I>
struct Step {
    I channel = 0;
    I tap[3] = {};

    __device__ __forceinline__ void advance(const PartArgs<I>& part) {
        if (++tap[2] < part.taps[2]) return;
        tap[2] = 0;
        if (++tap[1] < part.taps[1]) return;
        tap[1] = 0;
        if (++tap[0] < part.taps[0]) return;
        tap[0] = 0;
        channel += kChunk;
    }
};

// A thread's own columns of samples on their way from memory: N of them, kThreads apart.
template <int N, class I>
struct Feed {
    I at[N][3];  // sample that tap 0 meets
    I offset[N];
    float samples[N][kChunk];

    __device__ __forceinline__ void start(const LayerArgs<I>& layer, const PartArgs<I>& part, I number, I group) {
        const I last = layer.images * part.results[0] * part.results[1] * part.results[2] - 1;
#pragma unroll
        for (int n = 0; n < N; ++n) {
            // Columns behind the last one are that one again, and are not stored.
            const Column<I> column = column_of(layer, part, cuda::least(number + n * kThreads, last));
            offset[n] = column.image * layer.in_image + group * layer.channels * layer.in_channel;
#pragma unroll
            for (int a = 0; a < 3; ++a) at[n][a] = part.stride[a] * column.at[a] + part.first[a];
        }
    }

    __device__ __forceinline__ void fetch(const LayerArgs<I>& layer, const PartArgs<I>& part, const Step<I>& step) {
#pragma unroll
        for (int n = 0; n < N; ++n) {
            I from = offset[n] + step.channel * layer.in_channel;
            bool inside = true;
#pragma unroll
            for (int a = 0; a < 3; ++a) {
                const I i = at[n][a] + part.step[a] * step.tap[a];
                inside = inside && within(i, layer.extent[a]);
                from += i * layer.in_step[a];
            }
#pragma unroll
            for (int c = 0; c < kChunk; ++c) {
                samples[n][c] =
                    inside && step.channel + c < layer.channels ? layer.in[from + c * layer.in_channel] : 0.0F;
            }
        }
    }

    template <class S>
    __device__ __forceinline__ void put(S& stage, int half) const {
        auto* const to = reinterpret_cast<float*>(stage.samples[half]);
#pragma unroll
        for (int c = 0; c < kChunk; ++c) {
#pragma unroll
            for (int n = 0; n < N; ++n)
                to[c * S::kColumns + n * kThreads + static_cast<int>(threadIdx.x)] = samples[n][c];
        }
    }
};

// Rows and columns of a thread within those of its block: a warp has 4 x 8 threads, so that it reads 16 fours of
// weights and samples from different banks.
template <int M>
struct Corner {
    int row, column;

    __device__ __forceinline__ Corner() {
        constexpr int kWarpRows = M / (4 * kSide);
        const int warp = static_cast<int>(threadIdx.x) / cuda::kWarp;
        const int lane = static_cast<int>(threadIdx.x) % cuda::kWarp;
        row = (warp % kWarpRows * 4 + lane / 8) * kSide;
        column = (warp / kWarpRows * 8 + lane % 8) * kFour;  // four columns here, and four in the other half
    }
};

template <int M>
__device__ __forceinline__ void multiply_step(const Stage<M>& stage, int half, const Corner<M>& corner,
                                              float (&sum)[kSide][kSide]) {
#pragma unroll
    for (int c = 0; c < kChunk; ++c) {
        const Four* const weights = &stage.weights[half][(c * M + corner.row) / kFour];
        const Four* const samples = &stage.samples[half][(c * Stage<M>::kColumns + corner.column) / kFour];
        const Four a[2] = {weights[0], weights[1]};
        const Four b[2] = {samples[0], samples[Stage<M>::kColumns / 2 / kFour]};
#pragma unroll
        for (int i = 0; i < kSide; ++i) {
#pragma unroll
            for (int j = 0; j < kSide; ++j) {
                sum[i][j] = __fmaf_rn(a[i / kFour].at[i % kFour], b[j / kFour].at[j % kFour], sum[i][j]);
            }
        }
    }
}

template <class I>
__device__ __forceinline__ I offset_of(const Column<I>& column, I image, const I (&step)[3]) {
    return column.image * image + column.at[0] * step[0] + column.at[1] * step[1] + column.at[2] * step[2];
}

// Four results of all rows of a thread, in whole fours of memory: the next three columns follow in the same row.
template <class I>
__device__ __forceinline__ void store_fours(const LayerArgs<I>& layer, const PartArgs<I>& part, const Column<I>& column,
                                            float* out, std::uint32_t group, I row, const float (&sum)[kSide][kFour]) {
    if (!column.inside) return;
    const I to = part.out + offset_of(column, layer.out_image, part.out_step);
    const I from = part.residual + offset_of(column, layer.residual_image, part.residual_step);
    const bool woven = layer.woven > 1;
#pragma unroll
    for (int i = 0; i < kSide; ++i) {
        if (row + i >= layer.rows) break;
        // Of two woven rows the first writes the first half of their results, the second the other.
        const I channel = (static_cast<I>(group) * layer.rows + row + i) / layer.woven;
        const I shift = woven ? i % 2 * kFour : 0;
        Four value;
#pragma unroll
        for (int j = 0; j < kFour; ++j) {
            const float apart = sum[i][j];
            const int first = i / 2 * 2;
            const float together = sum[first + j % 2][i % 2 * 2 + j / 2];
            value.at[j] = woven ? together : apart;
        }
        const float bias = layer.bias == nullptr ? 0.0F : layer.bias[channel];
        Four added = {};
        if (layer.residual != nullptr) {
            added = *reinterpret_cast<const Four*>(layer.residual + from + channel * layer.residual_channel + shift);
        }
#pragma unroll
        for (int j = 0; j < kFour; ++j) value.at[j] = finished(layer, value.at[j], bias, added.at[j]);
        *reinterpret_cast<Four*>(out + to + channel * layer.out_channel + shift) = value;
    }
}

template <class I>
__device__ __forceinline__ void store_each(const LayerArgs<I>& layer, const PartArgs<I>& part, const Column<I>& column,
                                           float* out, std::uint32_t group, I row, const float (&sum)[kSide]) {
    if (!column.inside) return;
    const I to = part.out + offset_of(column, layer.out_image, part.out_step);
    const I from = part.residual + offset_of(column, layer.residual_image, part.residual_step);
#pragma unroll
    for (int i = 0; i < kSide; ++i) {
        if (row + i >= layer.rows) break;
        const I channel = (static_cast<I>(group) * layer.rows + row + i) / layer.woven;
        const I woven = layer.woven > 1 ? i % 2 : 0;
        if (layer.woven > 1 && 2 * column.at[2] + woven >= layer.width) continue;
        const float added =
            layer.residual == nullptr
                ? 0.0F
                : layer.residual[from + channel * layer.residual_channel + woven * layer.residual_woven_step];
        out[to + channel * layer.out_channel + woven * layer.woven_step] =
            finished(layer, sum[i], layer.bias == nullptr ? 0.0F : layer.bias[channel], added);
    }
}

// Blocks that a multiprocessor's registers hold.
template <bool Long, class I>
constexpr int kResident = Long || sizeof(I) == 8 ? 2 : 3;

// M rows by kTile / M columns. Long sums go in chains.
template <int M, bool Long, class I>
__global__ void __launch_bounds__(kThreads, kResident<Long, I>) multiply(const __grid_constant__ LayerArgs<I> layer) {
    constexpr int kColumns = Stage<M>::kColumns;
    constexpr int kFours = kChunk * M / kFour;  // of the weights of a step
    static_assert(kFours <= kThreads, "each thread brings one");
    Stage<M>& stage = cuda::block_shared<Stage<M>>();
    const BlockPlace here = block_place(layer);
    const PartArgs<I>& part = layer.part[here.part];
    const int thread = static_cast<int>(threadIdx.x);
    const I first = static_cast<I>(here.tile) * kColumns;
    const I taps = part.taps[0] * part.taps[1] * part.taps[2];
    const I chunks = (layer.channels + kChunk - 1) / kChunk;
    const I chunk = static_cast<I>(here.slice) * layer.slice_chunks;
    const I steps = cuda::least(layer.slice_chunks, chunks - chunk) * taps;
    const auto* next_weights = reinterpret_cast<const Four*>(
        layer.weights + part.weights +
        (((static_cast<std::int64_t>(here.group) * layer.blocks + here.block) * chunks + chunk) * taps) * (kChunk * M));
    Feed<kColumns / kThreads, I> feed;
    feed.start(layer, part, first + thread, static_cast<I>(here.group));
    const Corner<M> corner;
    Step<I> step;
    step.channel = chunk * kChunk;
    Four weights = {};
    const auto fetch = [&] {
        feed.fetch(layer, part, step);
        if (thread < kFours) weights = next_weights[thread];
        next_weights += kFours;
        step.advance(part);
    };
    const auto put = [&](int half) {
        feed.put(stage, half);
        if (thread < kFours) stage.weights[half][thread] = weights;
    };

    float total[kSide][kSide] = {};
    float sum[kSide][kSide] = {};
    int chained = 0;
    if (steps > 0) {
        fetch();
        put(0);
    }
    __syncthreads();
    for (I s = 0; s < steps; ++s) {
        const int half = static_cast<int>(s & 1);
        if (s + 1 < steps) fetch();
        multiply_step(stage, half, corner, sum);
        if (s + 1 < steps) put(1 - half);
        __syncthreads();
        if (!Long || (chained += kChunk) < kDeviceChain) continue;
        chained = 0;
#pragma unroll
        for (int i = 0; i < kSide; ++i) {
#pragma unroll
            for (int j = 0; j < kSide; ++j) {
                total[i][j] += sum[i][j];
                sum[i][j] = 0.0F;
            }
        }
    }
    if (Long) {
#pragma unroll
        for (int i = 0; i < kSide; ++i) {
#pragma unroll
            for (int j = 0; j < kSide; ++j) sum[i][j] += total[i][j];
        }
    }

    const I row = static_cast<I>(here.block) * M + corner.row;
    float* const out = layer.out + here.slice * layer.slice_size;
    // Rolled: the place of a result takes more code than its sum. Sums are chosen, for registers have no index.
#pragma unroll 1
    for (int h = 0; h < 2; ++h) {
        const I number = first + h * (kColumns / 2) + corner.column;
        Column<I> column = column_of(layer, part, number);
        float half[kSide][kFour];
#pragma unroll
        for (int i = 0; i < kSide; ++i) {
#pragma unroll
            for (int j = 0; j < kFour; ++j) half[i][j] = h == 0 ? sum[i][j] : sum[i][kFour + j];
        }
        if (layer.vectors != 0) {
            store_fours(layer, part, column, out, here.group, row, half);
            continue;
        }
#pragma unroll 1
        for (int j = 0; j < kFour; ++j) {
            float results[kSide];
#pragma unroll
            for (int i = 0; i < kSide; ++i) {
                results[i] = half[i][0];
#pragma unroll
                for (int n = 1; n < kFour; ++n) results[i] = n == j ? half[i][n] : results[i];
            }
            store_each(layer, part, column, out, here.group, row, results);
            if (++column.at[2] == part.results[2]) column = column_of(layer, part, number + j + 1);
        }
    }
}

template <class I>
__global__ void join_slices(const __grid_constant__ JoinArgs<I> join) {
    for (std::int64_t p = cuda::first_position(); p < join.count; p += cuda::position_step()) {
        auto rest = static_cast<I>(p);
        I out = 0;
        I residual = 0;
        I channel = 0;
#pragma unroll
        for (int a = 4; a >= 0; --a) {
            const I i = rest % join.extent[a];
            rest /= join.extent[a];
            out += i * join.out_step[a];
            residual += i * join.residual_step[a];
            if (a == 1) channel = i;
        }
        float sum = 0.0F;
        for (std::int64_t s = 0; s < join.slice_count; ++s) sum += join.slices[s * join.slice_size + p];
        join.out[out] =
            finished(join, sum, join.bias[channel], join.residual == nullptr ? 0.0F : join.residual[residual]);
    }
}

template <int M, class I>
void launch_rows(const LayerArgs<I>& layer, [[maybe_unused]] bool long_sums, const cudaLaunchConfig_t& config) {
    if constexpr (sizeof(I) == 8) {  // chains cost no block there
        cuda::launch("multiply", config, multiply<M, true, I>, layer);
    } else {
        cuda::launch("multiply", config, long_sums ? multiply<M, true, I> : multiply<M, false, I>, layer);
    }
}

}  // namespace

template <class I>
void launch_product(const LayerArgs<I>& layer, const Layout& layout, bool long_sums, cudaStream_t stream) {
    const cudaLaunchConfig_t config = cuda::config(cuda::blocks_x(blocks_of(layer)), kThreads, 0, stream);
    if (layout.block == 32) {
        launch_rows<32>(layer, long_sums, config);
    } else {
        launch_rows<64>(layer, long_sums, config);
    }
}

template <class I>
void launch_join(const JoinArgs<I>& join, cudaStream_t stream) {
    cuda::launch("join_slices", cuda::config_for(join.count, stream), join_slices<I>, join);
}

template void launch_join(const JoinArgs<std::int32_t>&, cudaStream_t);
template void launch_join(const JoinArgs<std::int64_t>&, cudaStream_t);
template void launch_product(const LayerArgs<std::int32_t>&, const Layout&, bool, cudaStream_t);
template void launch_product(const LayerArgs<std::int64_t>&, const Layout&, bool, cudaStream_t);

}  // namespace voxkern::conv3d

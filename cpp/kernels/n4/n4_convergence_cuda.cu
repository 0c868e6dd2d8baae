// SPDX-License-Identifier: Apache-2.0
// The end of an iteration on the GPU: how far the step went, and whether the level is done. One block; ITK's measure
// is emulated by one thread, sample by sample, as long as a sample can move the mean.
#include "kernels/n4/n4_cuda_task.hpp"
#include "kernels/n4/n4_math.hpp"

namespace voxkern::n4::gpu {
namespace {

constexpr int kPerThread = 4;
constexpr int kBatch = kPerThread * kSoloThreads;  // samples in memory order that are looked at together
// ITK's measure was never seen below 0.8 times the true one. Where the true one is as many thresholds, and nobody
// watches, the emulation would change nothing.
constexpr double kSurelyAbove = 2.0;

// Of the samples at the front of the volume, as Prefix on the CPU.
struct Front {
    RunningStatistics running;
    double frozen;  // squared deviations of samples that could not move the mean
    long long voxels;
    float ratio[kBatch];  // exp(-step) of the samples of a batch that take part
    float reciprocal[kBatch];
};

// The field of a lattice at one sample; the bits are those of the sweeps.
__device__ float step_at(const Stage& stage, std::int64_t plane, std::int64_t y, std::int64_t x) {
    const AxisTable& row = stage.row;
    const std::int64_t columns = stage.column.samples;
    const float* const line = stage.step_lines + (plane * row.controls + row.cell[y]) * columns + x;
    float value = line[0] * row.value[y * row.taps];
#pragma unroll 1
    for (std::int64_t k = 1; k < row.taps; ++k) {
        value = std::fma(line[k * columns], row.value[y * row.taps + k], value);
    }
    return value;
}

// The samples of a batch that take part, side by side; returns how many.
__device__ int take_batch(const Box& box, const Stage& stage, float reach, std::int64_t plane, std::int64_t begin,
                          Front& front) {
    float own[kPerThread];
    bool taken[kPerThread];
    int count = 0;
    for (int i = 0; i < kPerThread; ++i) {
        const std::int64_t sample = begin + threadIdx.x * kPerThread + i;
        const std::int64_t y = sample / box.columns;
        const std::int64_t x = sample % box.columns;
        const float v = y < box.rows ? box.log_image[box.at(plane, y, x)] : NAN;
        taken[i] = v == v;
        if (!taken[i]) continue;
        ++count;
        const float e = step_at(stage, plane, y, x);
        own[i] = reach <= kShort ? ratio_less_one(e) + 1.0F : std::exp(-e);
    }
    int total = 0;
    int place = cuda::block_scan(count, total);
    for (int i = 0; i < kPerThread; ++i) {
        if (!taken[i]) continue;
        front.ratio[place] = own[i];
        const float n = front.running.count + static_cast<float>(++place);
        front.reciprocal[place - 1] = 1.0F / (n < 0x1p24F ? n : 0x1p24F);
    }
    __syncthreads();
    return total;
}

__device__ void add_batch(Front& front, int count) {
    const float mean = front.running.mean;
    const float radius = front.running.frozen_radius();
    double squares = 0.0;
    int moves = 0;
#pragma unroll 1
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        const float d = front.ratio[i] - mean;
        moves |= std::fabs(d) < radius ? 0 : 1;
        squares += static_cast<double>(d) * static_cast<double>(d);
    }
    if (__syncthreads_or(moves) == 0) {
        squares = cuda::block_sum(squares);
        if (threadIdx.x == 0) {
            front.frozen += squares;
            const float n = front.running.count + static_cast<float>(count);
            front.running.count = n < 0x1p24F ? n : 0x1p24F;  // as far as ITK's counter gets
        }
    } else if (threadIdx.x == 0) {
        RunningStatistics running = front.running;
        double frozen = front.frozen;
#pragma unroll 1
        for (int i = 0; i < count; ++i) {
            const float x = front.ratio[i];
            const float d = x - running.mean;
            if (std::fabs(d) < running.frozen_radius()) {
                frozen += static_cast<double>(d) * static_cast<double>(d);
                running.count = running.count < 0x1p24F ? running.count + 1.0F : 0x1p24F;
            } else {
                running.add(x, front.reciprocal[i]);
            }
        }
        front.running = running;
        front.frozen = frozen;
    }
    if (threadIdx.x == 0) front.voxels += count;
    __syncthreads();
}

// Moments of the planes from `plane` on, for every thread.
__device__ TileMoments moments_behind(const Stage& stage, std::int64_t plane) {
    TileMoments all = {};
#pragma unroll 1
    for (std::int64_t p = plane + threadIdx.x; p < stage.plane.samples; p += blockDim.x) {
        const TileMoments& here = stage.plane_moments[p];
        all.first += here.first;
        all.second += here.second;
        all.largest = here.largest > all.largest ? here.largest : all.largest;
    }
    all.first = cuda::block_sum(all.first);
    all.second = cuda::block_sum(all.second);
    return all;
}

// Whether all samples of the planes from `plane` on leave ITK's mean where it is.
__device__ bool frozen_from(const Stage& stage, std::int64_t plane, const RunningStatistics& running) {
    double largest = 0.0;
#pragma unroll 1
    for (std::int64_t p = plane + threadIdx.x; p < stage.plane.samples; p += blockDim.x) {
        largest = stage.plane_moments[p].largest > largest ? stage.plane_moments[p].largest : largest;
    }
    const float reach = static_cast<float>(std::sqrt(largest)) * 1.0001F;
    return __syncthreads_or(reach + std::fabs(1.0F - running.mean) < running.frozen_radius() ? 0 : 1) == 0;
}

__device__ double itk_measure(const Box& box, const Stage& stage, float reach, double voxels) {
    Front& front = cuda::block_shared<Front>();
    if (threadIdx.x == 0) {
        front.running = RunningStatistics();
        front.frozen = 0.0;
        front.voxels = 0;
    }
    __syncthreads();
    std::int64_t plane = 0;
    for (; plane < box.planes && !frozen_from(stage, plane, front.running); ++plane) {
        for (std::int64_t begin = 0; begin < box.rows * box.columns; begin += kBatch) {
            add_batch(front, take_batch(box, stage, reach, plane, begin, front));
        }
    }
    const TileMoments rest = moments_behind(stage, plane);
    const auto mean = static_cast<double>(front.running.mean);
    const double off = mean - 1.0;
    const double behind = voxels - static_cast<double>(front.voxels);
    const double tail = rest.second - 2.0 * off * rest.first + behind * off * off;
    const double spread = static_cast<double>(front.running.spread) + front.frozen + (tail > 0.0 ? tail : 0.0);
    const double count = voxels < 0x1p24 ? voxels : 0x1p24;
    return std::sqrt(spread / (count - 1.0)) / mean;
}

__device__ double true_measure(const Stage& stage, double n) {
    const TileMoments all = moments_behind(stage, 0);
    const double variance = (all.second - all.first * all.first / n) / (n - 1.0);
    return std::sqrt(variance > 0.0 ? variance : 0.0) / (1.0 + all.first / n);
}

__global__ void end_iteration(Box box, Stage stage, Rules rules, State* state, Log log) {
    if (state->done != 0) return;
    double convergence = HUGE_VAL;
    if (rules.measured) {
        const std::int64_t per_plane = stage.strips * stage.across;
        for (std::int64_t p = threadIdx.x; p < stage.plane.samples; p += blockDim.x) {
            TileMoments sum = {};
            for (std::int64_t t = 0; t < per_plane; ++t) {
                const TileMoments& tile = stage.moments[p * per_plane + t];
                sum.first += tile.first;
                sum.second += tile.second;
                sum.largest = tile.largest > sum.largest ? tile.largest : sum.largest;
            }
            stage.plane_moments[p] = sum;
        }
        __syncthreads();
        const auto voxels = static_cast<double>(rules.voxels);
        convergence = true_measure(stage, voxels);
        const bool clear = !rules.watched && convergence > kSurelyAbove * rules.threshold;
        const float reach = __int_as_float(state->largest_step);
        if (rules.itk && !clear) convergence = itk_measure(box, stage, reach, voxels);
    }
    __syncthreads();  // all have read the state
    if (threadIdx.x != 0) return;
    const Reach reach(*state);
    state->drift = reach.bounds.drift;
    state->low = value_of(state->found_low);
    state->high = value_of(state->found_high);
    state->convergence = convergence;
    if (log.trace != nullptr) log.trace[state->steps] = convergence;
    ++state->steps;
    log.made[state->level] = ++state->iteration;
    state->done = convergence > rules.threshold && state->high > state->low ? 0 : 1;
}

}  // namespace

void decide(const Box& box, const Stage& stage, const Rules& rules, State* state, const Log& log, cudaStream_t stream) {
    cuda::launch("n4 end_iteration", cuda::config(1, kSoloThreads, 0, stream), end_iteration, box, stage, rules, state,
                 log);
}

}  // namespace voxkern::n4::gpu

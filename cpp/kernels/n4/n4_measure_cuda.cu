// SPDX-License-Identifier: Apache-2.0
// The sweeps after a step on the GPU: extremes of log image - field, its histogram, and how far the step went.
#include "kernels/n4/n4_cuda_task.hpp"
#include "kernels/n4/n4_math.hpp"

namespace voxkern::n4::gpu {
namespace {

// Histograms of up to this many bins are counted in shared memory.
constexpr std::int64_t kSharedBins = 4096;
// A block empties its counters before as many samples: the upper word has 20 bits for them.
constexpr std::int64_t kMostSamples = std::int64_t{1} << 20;

struct BlockKeys {
    int low;
    int high;
};

__global__ void start_level(Stage stage, int level, State* state) {
    for (std::int64_t tile = cuda::first_position(); tile < stage.tiles(); tile += cuda::position_step()) {
        stage.tile_low[tile] = -HUGE_VALF;  // not known yet
        stage.tile_high[tile] = HUGE_VALF;
    }
    if (blockIdx.x != 0 || threadIdx.x != 0) return;
    state->level = level;
    state->iteration = 0;
    state->drift = 0.0F;
    state->done = state->high > state->low ? 0 : 1;
}

// Only tiles whose bounds come near to the extremes of before are read.
template <int Taps>
__global__ void find_tile_extremes(Box box, Stage stage, State* state) {
    if (state->done != 0) return;
    BlockKeys& shared = cuda::block_shared<BlockKeys>();
    const Bounds bounds = Reach(*state).bounds;
    for (std::int64_t tile = blockIdx.x; tile < stage.tiles(); tile += gridDim.x) {
        const bool low_bound = stage.tile_low[tile] - bounds.drift <= bounds.within.low;
        const bool high_bound = stage.tile_high[tile] + bounds.drift >= bounds.within.high;
        if (!low_bound && !high_bound) continue;
        __syncthreads();  // the bounds and the keys of the tile before have been read
        if (threadIdx.x == 0) shared = {key_of(kHuge), key_of(-kHuge)};
        __syncthreads();
        const Place at(stage, tile);
        float low = kHuge;
        float high = -kHuge;
        if (at.column < box.columns) {
            const Strip strip = stage.strip[at.strip];
            const Column<Taps> field(stage.field_lines, stage.row, box.columns, at, strip.begin);
            for (std::int64_t y = strip.begin; y < strip.end; ++y) {
                const std::int64_t i = box.at(at.plane, y, at.column);
                const float u = box.log_image[i] - field.at(y);
                high = u > high ? u : high;
                low = u < low && i != box.first ? u : low;
            }
        }
        atomicMin(&shared.low, key_of(low));
        atomicMax(&shared.high, key_of(high));
        __syncthreads();
        if (threadIdx.x != 0) continue;
        stage.tile_low[tile] = value_of(shared.low) + bounds.drift;
        stage.tile_high[tile] = value_of(shared.high) - bounds.drift;
        atomicMin(&state->found_low, shared.low);
        atomicMax(&state->found_high, shared.high);
    }
}

// Counters of a block: the lower 32 bits of a bin's distances; the samples and, from bit 20 on, the carries.
struct Counters {
    unsigned* fraction;
    unsigned* count;
    std::int64_t bins;

    __device__ void empty() const {
        for (std::int64_t k = threadIdx.x; k < bins; k += blockDim.x) fraction[k] = count[k] = 0;
        __syncthreads();
    }
    __device__ void add(int bin, unsigned distance) const {
        const unsigned before = atomicAdd(&fraction[bin], distance);
        atomicAdd(&count[bin], before + distance < before ? (1u << 20) + 1u : 1u);
    }
    __device__ void flush(const Histogram& to) const {
        __syncthreads();
        for (std::int64_t k = threadIdx.x; k < bins; k += blockDim.x) {
            const unsigned samples = count[k];
            if (samples == 0) continue;
            atomicAdd(&to.count[k], static_cast<unsigned long long>(samples & ((1u << 20) - 1u)));
            atomicAdd(&to.fraction[k], (static_cast<unsigned long long>(samples >> 20) << 32) + fraction[k]);
            fraction[k] = count[k] = 0;
        }
        __syncthreads();
    }
};

// Where a value falls, in bins as fixed-point numbers.
struct Binning {
    float low;
    float high;
    float scale;
    int bits;
    int high_bin;
    int last;

    __device__ Binning(float from, float to, const Rules& rules)
        : low(from), high(to), bits(rules.fraction_bits), last((rules.bins - 1) << rules.fraction_bits) {
        const float slope = (high - low) / static_cast<float>(rules.bins - 1);
        const auto one = static_cast<float>(1 << bits);
        const auto last_bin = static_cast<float>(rules.bins - 1);
        scale = one / slope;
        // ITK drops the maximum where rounding puts it beyond the last bin.
        high_bin = static_cast<int>((rules.itk && slope > 0.0F ? (high - low) / slope : last_bin) * one);
    }
    // Outside the bins: a negative number.
    __device__ int of(float u) const {
        if (!(u >= low && u <= high)) return -1;
        const int fixed = u == high ? high_bin : static_cast<int>((u - low) * scale);
        return fixed <= last ? fixed : -1;
    }
};

struct LargestKey {
    int key;
};

// Sums over the block and the largest of all, for thread 0.
__device__ TileMoments block_moments(float first, float second, float largest) {
    LargestKey& shared = cuda::block_shared<LargestKey>();
    if (threadIdx.x == 0) shared.key = 0;
    TileMoments moments = {};
    moments.first = cuda::block_sum(static_cast<double>(first));  // has barriers
    const float of_warp = cuda::warp_reduce(largest, [](float a, float b) { return a > b ? a : b; });
    if (threadIdx.x % cuda::kWarp == 0) atomicMax(&shared.key, __float_as_int(of_warp));
    moments.second = cuda::block_sum(static_cast<double>(second));
    if (threadIdx.x == 0) moments.largest = static_cast<double>(__int_as_float(shared.key));
    return moments;
}

template <int Taps>
__global__ void measure_tiles(Box box, Stage stage, Rules rules, Histogram histogram, bool in_shared, bool stepped,
                              State* state) {
    if (state->done != 0) return;
    auto* const words = cuda::dynamic_shared<unsigned>();
    const std::int64_t own = in_shared ? rules.bins : 0;
    const Counters counters = {words, words + own, own};
    counters.empty();
    const Binning binning(value_of(state->found_low), value_of(state->found_high), rules);
    const bool binned = binning.high > binning.low;
    const float reach = __int_as_float(state->largest_step);
    std::int64_t pending = 0;
    for (std::int64_t tile = blockIdx.x; tile < stage.tiles(); tile += gridDim.x) {
        const Place at(stage, tile);
        const Strip strip = stage.strip[at.strip];
        pending += (strip.end - strip.begin) * kTileColumns;
        if (pending >= kMostSamples) {
            counters.flush(histogram);
            pending = (strip.end - strip.begin) * kTileColumns;
        }
        float first = 0.0F;
        float second = 0.0F;
        float largest = 0.0F;
        if (at.column < box.columns) {
            const Column<Taps> field(stage.field_lines, stage.row, box.columns, at, strip.begin);
            const Column<Taps> step(stepped ? stage.step_lines : stage.field_lines, stage.row, box.columns, at,
                                    strip.begin);
            for (std::int64_t y = strip.begin; y < strip.end; ++y) {
                const float v = box.log_image[box.at(at.plane, y, at.column)];
                const int fixed = binned ? binning.of(v - field.at(y)) : -1;
                if (fixed >= 0) {
                    const int bin = fixed >> binning.bits;
                    const unsigned distance = static_cast<unsigned>(fixed) & ((1u << binning.bits) - 1u);
                    if (in_shared) {
                        counters.add(bin, distance);
                    } else {
                        atomicAdd(&histogram.count[bin], 1ull);
                        atomicAdd(&histogram.fraction[bin], static_cast<unsigned long long>(distance));
                    }
                }
                if (!stepped || !(v == v)) continue;
                const float e = step.at(y);
                const float d = reach <= kShort ? ratio_less_one(e) : std::exp(-e) - 1.0F;
                const float square = d * d;
                first += d;
                second += square;
                largest = square > largest ? square : largest;
            }
        }
        if (!stepped) continue;
        const TileMoments moments = block_moments(first, second, largest);
        if (threadIdx.x == 0) stage.moments[tile] = moments;
    }
    counters.flush(histogram);
}

template <int Taps>
__global__ void total_tiles(Box box, Stage stage, double* totals) {
    for (std::int64_t tile = blockIdx.x; tile < stage.tiles(); tile += gridDim.x) {
        const Place at(stage, tile);
        float sum = 0.0F;
        if (at.column < box.columns) {
            const Strip strip = stage.strip[at.strip];
            const Column<Taps> field(stage.field_lines, stage.row, box.columns, at, strip.begin);
            for (std::int64_t y = strip.begin; y < strip.end; ++y) {
                const float v = box.log_image[box.at(at.plane, y, at.column)];
                if (v == v) sum += field.at(y);
            }
        }
        const double total = cuda::block_sum(static_cast<double>(sum));
        if (threadIdx.x == 0) totals[tile] = total;
    }
}

__global__ void mean_of_tiles(std::int64_t tiles, const double* totals, double voxels, double* mean) {
    double sum = 0.0;
    for (std::int64_t tile = threadIdx.x; tile < tiles; tile += blockDim.x) sum += totals[tile];
    sum = cuda::block_sum(sum);
    if (threadIdx.x == 0) *mean = sum / voxels;
}

__global__ void subtract(float* lattice, std::int64_t size, const double* mean) {
    for (std::int64_t p = cuda::first_position(); p < size; p += cuda::position_step()) {
        lattice[p] -= static_cast<float>(*mean);
    }
}

}  // namespace

void begin_level(const Stage& stage, int level, State* state, cudaStream_t stream) {
    cuda::launch("n4 start_level", cuda::config_for(stage.tiles(), stream), start_level, stage, level, state);
}

void find_extremes(const Box& box, const Stage& stage, State* state, cudaStream_t stream) {
    by_taps(stage.row.taps, [&](auto taps) {
        cuda::launch("n4 find_tile_extremes", config_of_tiles(box, stage, 0, stream), find_tile_extremes<taps()>, box,
                     stage, state);
    });
}

void measure(const Box& box, const Stage& stage, const Rules& rules, const Histogram& histogram, bool stepped,
             State* state, cudaStream_t stream) {
    const bool in_shared = rules.bins <= kSharedBins;
    const std::size_t bytes = in_shared ? 2 * sizeof(unsigned) * static_cast<std::size_t>(rules.bins) : 0;
    by_taps(stage.row.taps, [&](auto taps) {
        cuda::launch("n4 measure_tiles", config_of_tiles(box, stage, bytes, stream), measure_tiles<taps()>, box, stage,
                     rules, histogram, in_shared, stepped, state);
    });
}

void mean_of(const Box& box, const Stage& stage, std::int64_t voxels, double* totals, double* mean,
             cudaStream_t stream) {
    by_taps(stage.row.taps, [&](auto taps) {
        cuda::launch("n4 total_tiles", config_of_tiles(box, stage, 0, stream), total_tiles<taps()>, box, stage, totals);
    });
    cuda::launch("n4 mean_of_tiles", cuda::config(1, kSoloThreads, 0, stream), mean_of_tiles, stage.tiles(),
                 static_cast<const double*>(totals), static_cast<double>(voxels), mean);
}

void subtract_mean(const Stage& stage, const double* mean, cudaStream_t stream) {
    cuda::launch("n4 subtract", cuda::config_for(stage.size(), stream), subtract, stage.field, stage.size(), mean);
}

}  // namespace voxkern::n4::gpu

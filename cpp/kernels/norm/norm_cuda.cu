// SPDX-License-Identifier: Apache-2.0
// norm on the GPU: blocks take the moments of their shares of a volume, one block per line joins them in a fixed tree,
// then a thread changes each sample. How volumes are shared follows from the sizes alone: the same bits on any device.
#include <algorithm>
#include <optional>

#include "core/cuda/block.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/moments.hpp"
#include "core/cuda/positions.hpp"
#include "kernels/norm/norm.hpp"
#include "kernels/norm/norm_math.hpp"

namespace voxkern::norm {
namespace {

// One channel of one image is a volume.
struct Volumes {
    int shares = 1;  // blocks of a volume
    std::int64_t images = 1;
    std::int64_t channels = 1;
    std::int64_t strides[2] = {};  // N, C
    cuda::Positions<1> samples;    // within a volume
};

// Neighbouring blocks take neighbouring channels: where these lie side by side, they read the same pieces of memory.
__global__ void take_moments(const float* in, Volumes volumes, Moments* parts) {
    const std::int64_t count = volumes.images * volumes.channels;
    const std::int64_t volume = static_cast<std::int64_t>(blockIdx.x) % count;
    const std::int64_t share = static_cast<std::int64_t>(blockIdx.x) / count;
    const float* const from =
        in + volume / volumes.channels * volumes.strides[0] + volume % volumes.channels * volumes.strides[1];
    const std::int64_t step = static_cast<std::int64_t>(volumes.shares) * cuda::kBlockThreads;
    cuda::MomentSum sum;
    for (std::int64_t p = share * cuda::kBlockThreads + threadIdx.x; p < volumes.samples.size; p += step) {
        sum.take(static_cast<double>(from[volumes.samples.at(p).of[0]]));
    }
    const Moments all = cuda::block_join<cuda::kBlockThreads>(
        sum.part(), [](const Moments& a, const Moments& b) { return joined(a, b); });
    if (threadIdx.x == 0) parts[volume * volumes.shares + share] = all;
}

// A number per channel in device memory.
struct Numbers {
    const float* data = nullptr;
    std::int64_t stride = 0;

    __device__ double at(std::int64_t channel, double absent) const {
        return data == nullptr ? absent : static_cast<double>(data[channel * stride]);
    }
};

Numbers numbers_of(const ConstArrayView& view) {
    return {static_cast<const float*>(view.data), view.strides[0]};
}

// Where the lines come from: parts of the moments, moments that another kernel has taken, or given statistics.
struct LineTask {
    double eps = 0.0;
    std::int64_t channels = 1;
    Numbers weight, bias, mean, variance;
    const double* known = nullptr;
    std::int64_t known_strides[3] = {};
    const Moments* parts = nullptr;  // [image][channel][share]
    std::int64_t shares = 0;
    std::int64_t images = 1;  // whose moments a line joins
};

__device__ Moments statistics_of(const LineTask& task, std::int64_t line, std::int64_t channel) {
    if (task.known != nullptr) {
        const double* const from =
            task.known + line / task.channels * task.known_strides[0] + channel * task.known_strides[1];
        return {from[0], from[task.known_strides[2]], from[2 * task.known_strides[2]]};
    }
    return {1.0, task.mean.at(channel, 0.0), task.variance.at(channel, 1.0)};
}

// A block per line; where it joins parts, of kBlockThreads threads.
__global__ void join_lines(LineTask task, Line* lines) {
    const auto line = static_cast<std::int64_t>(blockIdx.x);
    const std::int64_t channel = line % task.channels;
    Moments moments;
    if (task.parts != nullptr) {
        const std::int64_t count = task.images * task.shares;
        for (std::int64_t k = threadIdx.x; k < count; k += blockDim.x) {
            const std::int64_t volume = line + k / task.shares * task.channels;
            moments = joined(moments, task.parts[volume * task.shares + k % task.shares]);
        }
        moments = cuda::block_join<cuda::kBlockThreads>(
            moments, [](const Moments& a, const Moments& b) { return joined(a, b); });
    }
    if (threadIdx.x != 0) return;
    if (task.parts == nullptr) moments = statistics_of(task, line, channel);
    lines[line] = line_of(moments, task.weight.at(channel, 1.0), task.bias.at(channel, 0.0), task.eps);
}

// `lines` null: `line` is that of all samples.
struct ApplyTask {
    const float* in = nullptr;
    float* out = nullptr;
    const Line* lines = nullptr;
    const float* added = nullptr;  // null: nothing
    Line line;
    float slope = 1.0F;
    cuda::Positions<4> positions;  // of the input, the result, the lines and what is added
};

__global__ void apply_lines(ApplyTask task) {
    for (std::int64_t p = cuda::first_position(); p < task.positions.size; p += cuda::position_step()) {
        const auto at = task.positions.at(p);
        const Line line = task.lines == nullptr ? task.line : task.lines[at.of[2]];
        float y = std::fma(task.in[at.of[0]] - line.centre, line.scale, line.shift);
        if (task.added != nullptr) y += task.added[at.of[3]];
        task.out[at.of[1]] = y < 0.0F ? (task.slope == 0.0F ? 0.0F : y * task.slope) : y;
    }
}

// --- host side -----------------------------------------------------------------------------------------------------

Volumes volumes_of(const ConstArrayView& in) {
    constexpr std::int64_t kEach = 16;  // samples of a thread at least, where there are enough
    constexpr std::int64_t kBlocks = 4096;
    Volumes volumes;
    volumes.images = in.shape[0];
    volumes.channels = in.shape[1];
    std::copy_n(in.strides, 2, volumes.strides);
    Axes<1> space;
    for (int a = 2; a < in.rank; ++a) {
        if (in.shape[a] != 1) space.push(in.shape[a], {in.strides[a]});
    }
    space.slowest_first(0);
    space.merge();
    volumes.samples = cuda::positions_of(space);
    const std::int64_t wanted = cuda::ceil_div(kBlocks, volumes.images * volumes.channels);
    volumes.shares =
        static_cast<int>(std::min(wanted, cuda::ceil_div(volumes.samples.size, kEach * cuda::kBlockThreads)));
    return volumes;
}

// In the order of the output's memory. `per_image`: each image has lines of its own.
cuda::Positions<4> positions_of(const ConstArrayView& in, const ArrayView& out, const ConstArrayView& added,
                                bool per_image) {
    Axes<4> axes;
    for (int a = 0; a < in.rank; ++a) {
        const std::int64_t line = a == 0 ? (per_image ? in.shape[1] : 0) : (a == 1 ? 1 : 0);
        const std::int64_t beside = added.data != nullptr ? added.strides[a] : out.strides[a];
        if (in.shape[a] != 1) axes.push(in.shape[a], {in.strides[a], out.strides[a], line, beside});
    }
    axes.slowest_first(1);
    axes.merge();
    return cuda::positions_of(axes);
}

LineTask line_task(const ConstArrayView& in, const Channels& channels, const Options& options) {
    LineTask task;
    task.eps = options.eps;
    task.channels = in.shape[1];
    task.weight = numbers_of(channels.weight);
    task.bias = numbers_of(channels.bias);
    task.mean = numbers_of(channels.mean);
    task.variance = numbers_of(channels.variance);
    if (options.statistics == Statistics::known) {
        task.known = static_cast<const double*>(channels.moments.data);
        std::copy_n(channels.moments.strides, 3, task.known_strides);
    }
    return task;
}

void apply(const ConstArrayView& in, const ArrayView& out, const ConstArrayView& added, bool per_image, ApplyTask task,
           const cuda::Exec& exec) {
    task.in = static_cast<const float*>(in.data);
    task.out = static_cast<float*>(out.data);
    task.added = static_cast<const float*>(added.data);
    task.positions = positions_of(in, out, added, per_image);
    cuda::launch("apply_lines", cuda::config_for(task.positions.size, exec.stream), apply_lines, task);
}

}  // namespace
}  // namespace voxkern::norm

namespace voxkern::cuda {

void norm(const ConstArrayView& in, const ArrayView& out, const norm::Channels& channels, const norm::Options& options,
          const Exec& exec) {
    using norm::Statistics;
    if (out.size() == 0) return;
    const Statistics statistics = options.statistics;
    const bool given = statistics == Statistics::given;
    norm::ApplyTask apply;
    apply.slope = options.slope;
    if (given && channels.weight.data == nullptr && channels.bias.data == nullptr && channels.mean.data == nullptr &&
        channels.variance.data == nullptr) {  // an activation or a sum alone: one line, known here
        apply.line = norm::line_of({1.0, 0.0, 1.0}, 1.0, 0.0, options.eps);
        return norm::apply(in, out, channels.added, false, apply, exec);
    }
    norm::LineTask task = norm::line_task(in, channels, options);
    const bool per_image = statistics == Statistics::instance || statistics == Statistics::known;
    std::optional<Scratch<Moments>> parts;
    if (!given && statistics != Statistics::known) {
        const norm::Volumes volumes = norm::volumes_of(in);
        const std::int64_t blocks = volumes.images * volumes.channels * volumes.shares;
        parts.emplace(static_cast<std::size_t>(blocks), exec);
        launch("take_moments", config(blocks_x(blocks), kBlockThreads, 0, exec.stream), norm::take_moments,
               static_cast<const float*>(in.data), volumes, parts->data());
        task.parts = parts->data();
        task.shares = volumes.shares;
        task.images = per_image ? 1 : volumes.images;
    }
    const std::int64_t count = in.shape[1] * (per_image ? in.shape[0] : 1);
    const Scratch<norm::Line> lines(static_cast<std::size_t>(count), exec);
    const int threads = parts ? kBlockThreads : kWarp;
    launch("join_lines", config(blocks_x(count), threads, 0, exec.stream), norm::join_lines, task, lines.data());
    apply.lines = lines.data();
    norm::apply(in, out, channels.added, per_image, apply, exec);
}

}  // namespace voxkern::cuda

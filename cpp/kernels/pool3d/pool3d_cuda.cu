// SPDX-License-Identifier: Apache-2.0
// pool3d on the GPU: a thread per window, its samples in the order of the CPU. A few large windows are shared by
// blocks, whose parts are joined in a fixed tree; how many follows from the sizes alone: the same bits on any device.
#include <algorithm>
#include <cmath>

#include "core/cast.hpp"
#include "core/cuda/block.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/pool3d/pool3d_math.hpp"

namespace voxkern::pool3d {
namespace {

constexpr int kAxes = 2 + kSpatial;
using Walk = cuda::Walk<kAxes>;

struct Side {
    Spacing spacing;
    std::int64_t stride = 0;  // of the input
};

struct Job {
    float divisor = 0.0F;  // of every window; 0: the product of its sizes
    int parts = 1;         // blocks that share a window
    const float* in = nullptr;
    float* out = nullptr;
    std::int64_t* places = nullptr;
    Side side[kSpatial];
    std::int64_t in_strides[2] = {};  // N, C
    std::int64_t places_strides[kAxes] = {};
    Walk walk;  // over the windows
};

// The samples of a window.
struct Samples {
    const float* start;
    Span z, y, x;
    std::int64_t step_z, step_y, step_x;

    __device__ bool none() const { return z.count * y.count * x.count == 0; }
};

__device__ __forceinline__ Samples samples_of(const Job& job, const Walk::Place& window) {
    const auto span = [&](int a) { return job.side[a].spacing.at(window.index[2 + a]); };
    const auto step = [&](int a) { return job.side[a].spacing.window.dilation * job.side[a].stride; };
    Samples s = {job.in, span(0), span(1), span(2), step(0), step(1), step(2)};
    s.start += window.index[0] * job.in_strides[0] + window.index[1] * job.in_strides[1];
    s.start += s.z.first * job.side[0].stride + s.y.first * job.side[1].stride + s.x.first * job.side[2].stride;
    return s;
}

// Where the sample in row y of plane z of a window lies, counted over D, H and W.
__device__ __forceinline__ std::int64_t place_of(const Job& job, const Samples& s, std::int64_t z, std::int64_t y,
                                                 std::int64_t x) {
    const auto at = [&](int a, std::int64_t first, std::int64_t i) {
        return first + i * job.side[a].spacing.window.dilation;
    };
    const std::int64_t row = at(0, s.z.first, z) * job.side[1].spacing.n_in + at(1, s.y.first, y);
    return row * job.side[2].spacing.n_in + at(2, s.x.first, x);
}

__device__ __forceinline__ void put_place(const Job& job, const Walk::Place& window, std::int64_t place) {
    std::int64_t at = 0;
    for (int a = 0; a < kAxes; ++a) at += window.index[a] * job.places_strides[a];
    job.places[at] = place;
}

// --- a thread per window: columns are joined along y, then z, and each other along x, as on the CPU ---------------

// The later sample wins where it is larger or NaN: torch's rule.
struct Max {
    static constexpr float kOfNothing = -HUGE_VALF;
    __device__ __forceinline__ static float join(float a, float b) {
        const float larger = b > a ? b : a;
        return b != b ? b : larger;
    }
    __device__ __forceinline__ static float result(const Job& /*job*/, const Samples& /*s*/, float value) {
        return value;
    }
};

struct Sum {
    static constexpr float kOfNothing = 0.0F;
    __device__ __forceinline__ static float join(float a, float b) { return a + b; }
    __device__ __forceinline__ static float result(const Job& job, const Samples& s, float value) {
        if (job.divisor != 0.0F) return value / job.divisor;
        return value / (static_cast<float>(s.z.size) * static_cast<float>(s.y.size) * static_cast<float>(s.x.size));
    }
};

template <class Op>
__device__ __forceinline__ float joined(const Samples& s) {
    if (s.none()) return Op::kOfNothing;
    float value = 0.0F;
    for (std::int64_t x = 0; x < s.x.count; ++x) {
        float column = 0.0F;
        for (std::int64_t z = 0; z < s.z.count; ++z) {
            const float* p = s.start + z * s.step_z + x * s.step_x;
            float part = *p;
            for (std::int64_t y = 1; y < s.y.count; ++y) {
                p += s.step_y;
                part = Op::join(part, *p);
            }
            column = z == 0 ? part : Op::join(column, part);
        }
        value = x == 0 ? column : Op::join(value, column);
    }
    return value;
}

template <class Op>
__global__ void pool_windows(Job job) {
    for (std::int64_t p = cuda::first_position(); p < job.walk.size; p += cuda::position_step()) {
        const Walk::Place window = job.walk.at(p);
        const Samples s = samples_of(job, window);
        job.out[window.out] = Op::result(job, s, joined<Op>(s));
    }
}

// The first of equals, the last NaN.
__global__ void pool_places(Job job) {
    for (std::int64_t p = cuda::first_position(); p < job.walk.size; p += cuda::position_step()) {
        const Walk::Place window = job.walk.at(p);
        const Samples s = samples_of(job, window);
        float best = s.none() ? Max::kOfNothing : *s.start;
        std::int64_t place = place_of(job, s, 0, 0, 0);
        for (std::int64_t z = 0; z < s.z.count; ++z) {
            for (std::int64_t y = 0; y < s.y.count; ++y) {
                const float* const row = s.start + z * s.step_z + y * s.step_y;
                for (std::int64_t x = 0; x < s.x.count; ++x) {
                    const float sample = row[x * s.step_x];
                    if (!(sample > best || sample != sample)) continue;
                    best = sample;
                    place = place_of(job, s, z, y, x);
                }
            }
        }
        job.out[window.out] = best;
        put_place(job, window, place);
    }
}

// --- blocks that share a window ------------------------------------------------------------------------------------

struct Total {
    using Part = double;
    __device__ static Part nothing() { return 0.0; }
    __device__ static Part of(float sample, std::int64_t /*order*/) { return static_cast<double>(sample); }
    __device__ static Part join(Part a, Part b) { return a + b; }
    __device__ static void store(const Job& job, const Samples& s, const Walk::Place& window, Part total) {
        const double size =
            static_cast<double>(s.z.size) * static_cast<double>(s.y.size) * static_cast<double>(s.x.size);
        const double divisor = job.divisor != 0.0F ? static_cast<double>(job.divisor) : size;
        job.out[window.out] = static_cast<float>(total / divisor);
    }
};

struct Best {
    float value;
    std::int64_t order;  // of the sample among those that are compared; -1: none
};

// kPlaces: samples count in the order of their places, else as the CPU joins them, which the sign of a zero shows.
template <bool kPlaces>
struct Largest {
    using Part = Best;
    __device__ static Part nothing() { return {Max::kOfNothing, -1}; }
    __device__ static Part of(float sample, std::int64_t order) { return {sample, order}; }
    __device__ static Part join(const Part& a, const Part& b) {
        if (a.order < 0) return b;
        if (b.order < 0) return a;
        const bool later = b.order > a.order;
        if (b.value != b.value) return a.value == a.value || later ? b : a;
        if (a.value != a.value) return a;
        return b.value > a.value || (b.value == a.value && !later) ? b : a;
    }
    __device__ static void store(const Job& job, const Samples& s, const Walk::Place& window, const Part& best) {
        job.out[window.out] = best.value;
        if (!kPlaces) return;
        put_place(job, window, best.order < 0 ? place_of(job, s, 0, 0, 0) : best.order);
    }
};

// What n / by and n % by are; nvcc divides 32-bit numbers in 32 bits.
struct Parted {
    std::uint64_t quotient, rest;
};
__device__ __forceinline__ Parted parted(std::uint64_t n, std::int64_t by) {
    const auto divisor = static_cast<std::uint64_t>(by);
    return {n / divisor, n % divisor};
}

template <class Gather>
__device__ typename Gather::Part gathered(const Job& job, const Samples& s, std::uint64_t first) {
    typename Gather::Part mine = Gather::nothing();
    const auto n = static_cast<std::uint64_t>(s.z.count * s.y.count * s.x.count);
    const std::uint64_t step = static_cast<std::uint64_t>(job.parts) * cuda::kBlockThreads;
#pragma unroll 1
    for (std::uint64_t i = first; i < n; i += step) {
        const Parted row = parted(i, s.x.count);
        const Parted plane = parted(row.quotient, s.y.count);
        const auto x = static_cast<std::int64_t>(row.rest);
        const auto y = static_cast<std::int64_t>(plane.rest);
        const auto z = static_cast<std::int64_t>(plane.quotient);
        const float sample = s.start[z * s.step_z + y * s.step_y + x * s.step_x];
        std::int64_t order = (x * s.z.count + z) * s.y.count + y;
        if constexpr (kSame<Gather, Largest<true>>) order = place_of(job, s, z, y, x);
        mine = Gather::join(mine, Gather::of(sample, order));
    }
    return mine;
}

template <class Gather>
__device__ typename Gather::Part join_block(const typename Gather::Part& mine) {
    using Part = typename Gather::Part;
    return cuda::block_join<cuda::kBlockThreads>(mine, [](const Part& a, const Part& b) { return Gather::join(a, b); });
}

template <class Gather>
__global__ void pool_parts(Job job, typename Gather::Part* parts) {
    const auto block = static_cast<std::int64_t>(blockIdx.x);
    const Samples s = samples_of(job, job.walk.at(block / job.parts));
    const std::int64_t first = block % job.parts * cuda::kBlockThreads + threadIdx.x;
    const typename Gather::Part mine = gathered<Gather>(job, s, static_cast<std::uint64_t>(first));
    const typename Gather::Part all = join_block<Gather>(mine);
    if (threadIdx.x == 0) parts[block] = all;
}

template <class Gather>
__global__ void pool_join(Job job, const typename Gather::Part* parts) {
    const auto block = static_cast<std::int64_t>(blockIdx.x);
    typename Gather::Part mine = Gather::nothing();
    for (int k = static_cast<int>(threadIdx.x); k < job.parts; k += cuda::kBlockThreads) {
        mine = Gather::join(mine, parts[block * job.parts + k]);
    }
    const typename Gather::Part all = join_block<Gather>(mine);
    if (threadIdx.x != 0) return;
    const Walk::Place window = job.walk.at(block);
    Gather::store(job, samples_of(job, window), window, all);
}

// --- host side -----------------------------------------------------------------------------------------------------

// Samples of the largest window.
std::int64_t samples_of_largest(const Job& job) {
    std::int64_t samples = 1;
    for (const Side& side : job.side) {
        const Spacing& s = side.spacing;
        samples *= std::min(s.adaptive ? s.n_in / s.n_out + 2 : s.window.kernel, s.n_in);
    }
    return samples;
}

template <class Gather>
void share_windows(Job job, std::int64_t samples, const cuda::Exec& exec) {
    constexpr std::int64_t kEach = 16;  // samples of a thread at least, where there are enough
    constexpr std::int64_t kBlocks = 2048;
    const std::int64_t windows = job.walk.size;
    job.parts = static_cast<int>(
        std::min(cuda::ceil_div(samples, kEach * cuda::kBlockThreads), cuda::ceil_div(kBlocks, windows)));
    const std::int64_t blocks = windows * job.parts;
    const cuda::Scratch<typename Gather::Part> parts(static_cast<std::size_t>(blocks), exec);
    const auto over = [&](std::int64_t n) {
        return cuda::config(cuda::blocks_x(n), cuda::kBlockThreads, 0, exec.stream);
    };
    cuda::launch("pool_parts", over(blocks), pool_parts<Gather>, job, parts.data());
    cuda::launch("pool_join", over(windows), pool_join<Gather>, job,
                 static_cast<const typename Gather::Part*>(parts.data()));
}

Job job_of(const ConstArrayView& in, const ArrayView& out, const ArrayView& places, const Options& options) {
    Job job;
    job.divisor = static_cast<float>(options.divisor);
    job.in = static_cast<const float*>(in.data);
    job.out = static_cast<float*>(out.data);
    job.places = static_cast<std::int64_t*>(places.data);
    for (int a = 0; a < kSpatial; ++a) {
        job.side[a] = {spacing_of(in.shape[2 + a], out.shape[2 + a], options.windows[a], options), in.strides[2 + a]};
    }
    std::copy_n(in.strides, 2, job.in_strides);
    if (job.places != nullptr) std::copy_n(places.strides, kAxes, job.places_strides);
    job.walk = cuda::walk_over<kAxes>(in, out, {0, 1, 2, 3, 4});
    return job;
}

}  // namespace
}  // namespace voxkern::pool3d

namespace voxkern::cuda {

void pool3d(const ConstArrayView& in, const ArrayView& out, const ArrayView& places, const pool3d::Options& options,
            const Exec& exec) {
    constexpr std::int64_t kLarge = 256;                  // samples of a window that a block takes
    constexpr std::int64_t kFew = std::int64_t{1} << 16;  // windows at most
    if (out.size() == 0) return;
    const pool3d::Job job = pool3d::job_of(in, out, places, options);
    const bool average = options.kind == pool3d::Kind::average;
    const std::int64_t samples = pool3d::samples_of_largest(job);
    if (samples >= kLarge && job.walk.size <= kFew) {
        if (average) return pool3d::share_windows<pool3d::Total>(job, samples, exec);
        if (places.data != nullptr) return pool3d::share_windows<pool3d::Largest<true>>(job, samples, exec);
        return pool3d::share_windows<pool3d::Largest<false>>(job, samples, exec);
    }
    const cudaLaunchConfig_t threads = config_for(job.walk.size, exec.stream);
    if (average) return launch("pool_windows", threads, pool3d::pool_windows<pool3d::Sum>, job);
    if (places.data != nullptr) return launch("pool_places", threads, pool3d::pool_places, job);
    launch("pool_windows", threads, pool3d::pool_windows<pool3d::Max>, job);
}

}  // namespace voxkern::cuda

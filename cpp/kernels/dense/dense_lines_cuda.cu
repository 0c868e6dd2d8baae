// SPDX-License-Identifier: Apache-2.0
// softmax and argmax on the GPU: a thread per line, its samples in the order of the CPU. Blocks take long lines one by
// one; what their threads find is joined in a fixed tree.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "core/cuda/block.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/positions.hpp"
#include "kernels/dense/dense.hpp"
#include "kernels/dense/dense_math.hpp"

namespace voxkern::dense {
namespace {

struct LineJob {
    const float* in = nullptr;
    void* out = nullptr;  // float32, or int64 where lines have one result
    std::int64_t n = 1;   // samples of a line
    std::int64_t in_step = 0;
    std::int64_t out_step = 0;
    cuda::Positions<2> lines;  // of in and out
};

__device__ __forceinline__ std::uint32_t bits_of(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    return bits;
}

// e^x for x of 0 and below; NaN stays. The steps of the CPU.
__device__ __forceinline__ float exp_of(float x) {
    using E = Exponential;
    const float shifted = std::fma(x, E::kPerLn2, E::kWhole);
    const float n = shifted - E::kWhole;
    float r = std::fma(n, E::kLn2High, x);
    r = std::fma(n, E::kLn2Low, r);
    float p = std::fma(r, E::k4, E::k3);
    p = std::fma(r, p, E::k2);
    p = std::fma(r, p, E::k1);
    p = std::fma(r, p, E::k0);
    const float power = std::fma(r * r, p, r) + 1.0F;
    const std::uint32_t exponent = (bits_of(shifted) - bits_of(E::kWhole) + 127U) << 23;
    float scale;
    std::memcpy(&scale, &exponent, sizeof(scale));
    return x < E::kLeast ? 0.0F : power * scale;
}

__device__ __forceinline__ float larger(float a, float b) {
    return b > a ? b : a;
}

struct Softmax {
    __device__ static void by_thread(const LineJob& job, const float* line, std::int64_t place) {
        float largest = line[0];
        for (std::int64_t i = 1; i < job.n; ++i) largest = larger(largest, line[i * job.in_step]);
        float sum = 0.0F;
        for (std::int64_t i = 0; i < job.n; ++i) sum += exp_of(line[i * job.in_step] - largest);
        const float part = 1.0F / sum;
        float* const to = static_cast<float*>(job.out) + place;
        for (std::int64_t i = 0; i < job.n; ++i) {
            to[i * job.out_step] = exp_of(line[i * job.in_step] - largest) * part;
        }
    }

    __device__ static void by_block(const LineJob& job, const float* line, std::int64_t place) {
        const auto first = static_cast<std::int64_t>(threadIdx.x);
        float largest = -HUGE_VALF;
        for (std::int64_t i = first; i < job.n; i += cuda::kBlockThreads) {
            largest = larger(largest, line[i * job.in_step]);
        }
        largest = cuda::block_join<cuda::kBlockThreads>(largest, [](float a, float b) { return larger(a, b); });
        float sum = 0.0F;
        for (std::int64_t i = first; i < job.n; i += cuda::kBlockThreads) {
            sum += exp_of(line[i * job.in_step] - largest);
        }
        const float part = 1.0F / cuda::block_sum(sum);
        float* const to = static_cast<float*>(job.out) + place;
        for (std::int64_t i = first; i < job.n; i += cuda::kBlockThreads) {
            to[i * job.out_step] = exp_of(line[i * job.in_step] - largest) * part;
        }
    }
};

struct Best {
    float value;
    std::int64_t place;  // -1: none
};

// The first of equals; NaN is the largest.
__device__ __forceinline__ Best better(const Best& a, const Best& b) {
    if (a.place < 0) return b;
    if (b.place < 0) return a;
    const bool a_nan = a.value != a.value;
    const bool b_nan = b.value != b.value;
    const bool equal = a_nan ? b_nan : a.value == b.value;
    const bool wins = equal ? b.place < a.place : b_nan || b.value > a.value;
    return wins ? b : a;
}

struct Argmax {
    __device__ static void by_thread(const LineJob& job, const float* line, std::int64_t place) {
        Best best = {line[0], 0};
        for (std::int64_t i = 1; i < job.n; ++i) {
            const float x = line[i * job.in_step];
            if (x > best.value || (x != x && best.value == best.value)) best = {x, i};
        }
        static_cast<std::int64_t*>(job.out)[place] = best.place;
    }

    __device__ static void by_block(const LineJob& job, const float* line, std::int64_t place) {
        Best best = {0.0F, -1};
        for (std::int64_t i = threadIdx.x; i < job.n; i += cuda::kBlockThreads) {
            best = better(best, {line[i * job.in_step], i});
        }
        best = cuda::block_join<cuda::kBlockThreads>(best, [](const Best& a, const Best& b) { return better(a, b); });
        if (threadIdx.x == 0) static_cast<std::int64_t*>(job.out)[place] = best.place;
    }
};

template <class Function>
__global__ void run_by_thread(LineJob job) {
    for (std::int64_t p = cuda::first_position(); p < job.lines.size; p += cuda::position_step()) {
        const auto at = job.lines.at(p);
        Function::by_thread(job, job.in + at.of[0], at.of[1]);
    }
}

template <class Function>
__global__ void run_by_block(LineJob job) {
    for (std::int64_t p = blockIdx.x; p < job.lines.size; p += gridDim.x) {
        const auto at = job.lines.at(p);
        Function::by_block(job, job.in + at.of[0], at.of[1]);
    }
}

template <class Function>
void run_lines(const ConstArrayView& in, const ArrayView& out, int axis, const cuda::Exec& exec) {
    constexpr std::int64_t kLong = 256;
    constexpr std::int64_t kFew = std::int64_t{1} << 14;
    constexpr std::int64_t kMostBlocks = std::int64_t{1} << 20;
    LineJob job;
    job.in = static_cast<const float*>(in.data);
    job.out = out.data;
    job.n = in.shape[axis];
    job.in_step = in.strides[axis];
    job.out_step = out.strides[axis];
    job.lines = cuda::positions_of(walk_of(in, out, axis));
    // Contiguous lines of neighbouring threads would not fit into L1.
    if (job.n >= kLong && (std::abs(job.in_step) == 1 || job.lines.size <= kFew)) {
        const unsigned blocks = cuda::grid_x(job.lines.size, kMostBlocks);
        cuda::launch("run_by_block", cuda::config(blocks, cuda::kBlockThreads, 0, exec.stream), run_by_block<Function>,
                     job);
        return;
    }
    cuda::launch("run_by_thread", cuda::config_for(job.lines.size, exec.stream), run_by_thread<Function>, job);
}

}  // namespace
}  // namespace voxkern::dense

namespace voxkern::cuda {

void softmax(const ConstArrayView& in, const ArrayView& out, int axis, const Exec& exec) {
    if (out.size() == 0) return;
    dense::run_lines<dense::Softmax>(in, out, axis, exec);
}

void argmax(const ConstArrayView& in, const ArrayView& out, int axis, const Exec& exec) {
    if (out.size() == 0) return;
    dense::run_lines<dense::Argmax>(in, out, axis, exec);
}

}  // namespace voxkern::cuda

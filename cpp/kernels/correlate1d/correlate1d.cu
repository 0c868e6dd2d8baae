// SPDX-License-Identifier: Apache-2.0
// correlate1d on the GPU: one thread per output sample, the maths of correlate1d_math.hpp.
#include "core/cuda/launch.hpp"
#include "kernels/correlate1d/correlate1d_cuda.hpp"
#include "kernels/correlate1d/correlate1d_math.hpp"

namespace voxkern::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 1 << 20;  // a thread strides beyond

struct StridedLine {
    const float* data;
    std::int64_t stride;
    __device__ float operator()(std::int64_t i) const { return data[i * stride]; }
};

// The array is seen as outer x n x inner, C-contiguous.
__global__ void correlate_samples(const float* in, float* out, std::int64_t outer, std::int64_t n, std::int64_t inner,
                                  const float* weights, std::int64_t size, std::int64_t origin, Boundary mode,
                                  float cval, float divisor) {
    const std::int64_t total = outer * n * inner;
    const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads;
    for (std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; at < total; at += step) {
        const std::int64_t lane = at % inner;
        const std::int64_t i = at / inner % n;
        const std::int64_t position = at / inner / n;
        const StridedLine line = {in + position * n * inner + lane, inner};
        out[at] = correlate_sample(line, n, i, weights, size, origin, mode, cval) / divisor;
    }
}

}  // namespace

void correlate1d(const float* in, float* out, std::int64_t outer, std::int64_t n, std::int64_t inner,
                 const float* weights, std::int64_t size, std::int64_t origin, Boundary mode, float cval, float divisor,
                 cudaStream_t stream) {
    const std::int64_t blocks = ceil_div(outer * n * inner, kThreads);
    launch("correlate_samples", config(grid_x(blocks, kMaxBlocks), kThreads, 0, stream), correlate_samples, in, out,
           outer, n, inner, weights, size, origin, mode, cval, divisor);
}

}  // namespace voxkern::cuda

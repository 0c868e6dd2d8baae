// SPDX-License-Identifier: Apache-2.0
// The sharpening step on the GPU: one block, so that the host never sees the histogram. The sums are the CPU's.
#include "core/fft.hpp"
#include "kernels/n4/n4_cuda_task.hpp"
#include "kernels/n4/n4_sharpen.hpp"

namespace voxkern::n4::gpu {
namespace {

// Transforms of up to this length live in shared memory, longer ones in device memory.
constexpr std::int64_t kSharedSize = 1024;

// As Fft::forward, by a block.
__device__ void forward(const SharpenTables& tables, double* re, double* im) {
    const std::int64_t n = tables.size;
    for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) {
        std::int64_t j = 0;
        for (std::int64_t bit = 1; bit < n; bit *= 2) j = 2 * j + ((i & bit) != 0 ? 1 : 0);
        if (i >= j) continue;
        const double r = re[i];
        const double s = im[i];
        re[i] = re[j];
        im[i] = im[j];
        re[j] = r;
        im[j] = s;
    }
    __syncthreads();
    for (std::int64_t half = 1; half < n; half *= 2) {
        for (std::int64_t b = threadIdx.x; b < n / 2; b += blockDim.x) {
            const std::int64_t k = b & (half - 1);
            const std::int64_t turn = k * (n / (2 * half));
            butterfly(re, im, 2 * (b - k) + k, half, tables.cos[turn], tables.sin[turn]);
        }
        __syncthreads();
    }
}

template <class F>
__device__ void for_all(std::int64_t n, const F& f) {
    for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) f(i);
    __syncthreads();
}

// Samples of a bin; one between two edges counts for both, by nearness.
__device__ double share_of(const Histogram& histogram, std::int64_t bin, const Rules& rules) {
    const long long before = bin > 0 ? static_cast<long long>(histogram.fraction[bin - 1]) : 0;
    const long long moved = before - static_cast<long long>(histogram.fraction[bin]);
    const auto one = static_cast<double>(std::int64_t{1} << rules.fraction_bits);
    return static_cast<double>(histogram.count[bin]) + static_cast<double>(moved) / one;
}

// Residuals at the edges of the bins, as the CPU rounds them.
__device__ float residual_at(const Sharpening& s, std::int64_t bin) {
    const double edge = static_cast<double>(s.bins.low) + static_cast<double>(bin) * static_cast<double>(s.bins.slope);
    return static_cast<float>(edge - static_cast<double>(s.expected(bin)));
}

__global__ void sharpen_histogram(Rules rules, SharpenTables tables, Histogram histogram, ResidualEntry* residuals,
                                  State* state) {
    if (state->done != 0) return;
    double* const memory = tables.size <= kSharedSize ? cuda::dynamic_shared<double>() : tables.memory;
    const float slope = (state->high - state->low) / static_cast<float>(rules.bins - 1);
    const Sharpening s(tables.size, rules.bins, {state->low, slope}, rules.noise, memory);
    double total = 0.0;
    for (std::int64_t k = threadIdx.x; k < rules.bins; k += blockDim.x) total += share_of(histogram, k, rules);
    total = cuda::block_sum(total);  // exact in any order
    for_all(tables.size, [&](std::int64_t i) {
        const std::int64_t bin = i - s.offset;
        const bool inside = bin >= 0 && bin < rules.bins;
        s.enter(i, inside ? share_of(histogram, bin, rules) / total : 0.0, rules.fwhm);
    });
    forward(tables, s.re, s.im);
    for_all(tables.size, [&](std::int64_t k) { s.deconvolve(k); });
    forward(tables, s.u_im, s.u_re);
    for_all(tables.size, [&](std::int64_t i) { s.take_moments(i); });
    forward(tables, s.re, s.im);
    for_all(tables.size, [&](std::int64_t k) { s.blur(k); });
    forward(tables, s.im, s.re);

    const std::int64_t last = rules.bins - 1;
    for_all(rules.bins, [&](std::int64_t k) {
        const float base = residual_at(s, k);
        residuals[k] = {base, k < last ? residual_at(s, k + 1) - base : 0.0F};
        histogram.count[k] = 0;
        histogram.fraction[k] = 0;
    });
    if (threadIdx.x != 0) return;
    const float beneath = s.bins.low - s.expected(last);  // ITK maps samples below the first bin to the last one
    residuals[last + 1] = {beneath, beneath + slope - beneath};
    state->inverse_slope = 1.0F / slope;
    state->found_low = key_of(kHuge);
    state->found_high = key_of(-kHuge);
    state->largest_step = state->largest_field = 0;
}

}  // namespace

void sharpen(const Rules& rules, const SharpenTables& tables, const Histogram& histogram, ResidualEntry* residuals,
             State* state, cudaStream_t stream) {
    const bool shared = tables.size <= kSharedSize;
    const std::int64_t bytes = shared ? Sharpening::room(tables.size) * static_cast<std::int64_t>(sizeof(double)) : 0;
    cuda::launch("n4 sharpen_histogram", cuda::config(1, kSoloThreads, static_cast<std::size_t>(bytes), stream),
                 sharpen_histogram, rules, tables, histogram, residuals, state);
}

}  // namespace voxkern::n4::gpu

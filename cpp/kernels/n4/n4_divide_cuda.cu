// SPDX-License-Identifier: Apache-2.0
// The division on the GPU, and what ANTs does after it.
#include "kernels/n4/n4_cuda_task.hpp"
#include "kernels/n4/n4_math.hpp"

namespace voxkern::n4::gpu {
namespace {

template <class C>
__global__ void divide_samples(ByAxis in, ByAxis out, ByAxis field, Extents extents, AxisTable row,
                               const float* lines) {
    const std::int64_t columns = extents.of[2];
    for (std::int64_t p = cuda::first_position(); p < extents.size(); p += cuda::position_step()) {
        const Index index = extents.index(p);
        const std::int64_t y = index.of[1];
        const float* const line = lines + (index.of[0] * row.controls + row.cell[y]) * columns + index.of[2];
        float log_field = line[0] * row.value[y * row.taps];
        for (std::int64_t k = 1; k < row.taps; ++k) {
            log_field = std::fma(line[k * columns], row.value[y * row.taps + k], log_field);
        }
        const float divisor = std::exp(log_field);
        static_cast<C*>(out.data)[out.offset(index)] = in.at<C>(index) / static_cast<C>(divisor);
        if (field.data != nullptr) static_cast<float*>(field.data)[field.offset(index)] = divisor;
    }
}

// Doubles as integers of the same order, and back.
__device__ long long wide_key(double x) {
    long long bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits >= 0 ? bits : bits ^ 0x7fffffffffffffffLL;
}
__device__ double wide_value(long long key) {
    const long long bits = key >= 0 ? key : key ^ 0x7fffffffffffffffLL;
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

// Keys of the extremes inside the mask: of the input, and of what the division made of it.
struct Ranges {
    long long low[2] = {9223372036854775807LL, 9223372036854775807LL};
    long long high[2] = {-9223372036854775807LL - 1, -9223372036854775807LL - 1};

    __device__ void include(int which, double x) {
        const long long key = wide_key(x);
        low[which] = key < low[which] ? key : low[which];
        high[which] = key > high[which] ? key : high[which];
    }
    __device__ void join(const Ranges& part) {
        for (int which = 0; which < 2; ++which) {
            atomicMin(&low[which], part.low[which]);
            atomicMax(&high[which], part.high[which]);
        }
    }
};

struct BlockRanges {
    Ranges ranges;
};

__global__ void find_ranges(ByAxis in, ByAxis out, Extents extents, Region region, Ranges* ranges) {
    Ranges& shared = cuda::block_shared<BlockRanges>().ranges;
    if (threadIdx.x == 0) shared = Ranges();
    __syncthreads();
    Ranges own;
    for (std::int64_t p = cuda::first_position(); p < extents.size(); p += cuda::position_step()) {
        const Index index = extents.index(p);
        if (!region.inside(index)) continue;
        own.include(0, in.at<double>(index));
        own.include(1, out.at<double>(index));
    }
    shared.join(own);
    __syncthreads();
    if (threadIdx.x == 0) ranges->join(shared);
}

template <class C>
__global__ void finish_samples(ByAxis in, ByAxis out, Extents extents, Region region, bool keep_outside,
                               const Ranges* ranges) {
    for (std::int64_t p = cuda::first_position(); p < extents.size(); p += cuda::position_step()) {
        const Index index = extents.index(p);
        C& value = static_cast<C*>(out.data)[out.offset(index)];
        if (!region.inside(index)) {
            if (keep_outside) value = in.at<C>(index);
        } else if (ranges != nullptr) {
            const double low = wide_value(ranges->low[0]);
            const double high = wide_value(ranges->high[0]);
            value = stretched(value, low, high, wide_value(ranges->low[1]), wide_value(ranges->high[1]));
        }
    }
}

}  // namespace

void divide(const Target& target, const MemoryOrder& order, const AxisTable& row, const float* lines,
            cudaStream_t stream) {
    const Extents extents = extents_of(target.out, order);
    const auto kernel = target.out.dtype == DType::f64 ? divide_samples<double> : divide_samples<float>;
    cuda::launch("n4 divide_samples", cuda::config_for(extents.size(), stream), kernel, by_axis(&target.in, order),
                 by_axis(&target.out, order), by_axis(target.field, order), extents, row, lines);
}

}  // namespace voxkern::n4::gpu

namespace voxkern::cuda {

void n4_finish(const ConstArrayView& in, const ArrayView& out, const n4::Finish& finish, const Exec& exec) {
    using namespace n4;
    const MemoryOrder order = memory_order(out);
    const gpu::Extents extents = gpu::extents_of(out, order);
    const gpu::ByAxis from = gpu::by_axis(&in, order);
    const gpu::ByAxis to = gpu::by_axis(&out, order);
    const gpu::Region region = gpu::region_of(finish.mask, finish.mask_label, order);
    const gpu::Ranges nothing;
    const Scratch<gpu::Ranges> ranges = upload(&nothing, finish.rescale ? 1 : 0, exec);
    if (finish.rescale) {
        const auto blocks = grid_x(ceil_div(extents.size(), kBlockThreads), gpu::kMostBlocks);
        launch("n4 find_ranges", config(blocks, kBlockThreads, 0, exec.stream), gpu::find_ranges, from, to, extents,
               region, ranges.data());
    }
    const auto kernel = out.dtype == DType::f64 ? gpu::finish_samples<double> : gpu::finish_samples<float>;
    launch("n4 finish_samples", config_for(extents.size(), exec.stream), kernel, from, to, extents, region,
           finish.keep_outside, static_cast<const gpu::Ranges*>(ranges.data()));
}

}  // namespace voxkern::cuda

// SPDX-License-Identifier: Apache-2.0
// linear on the GPU. A block multiplies a tile of rows and columns from shared memory, its terms in the order of the
// CPU. For a few rows a warp takes a column, and reads its weights once; lanes are joined in a fixed tree.
#include <algorithm>
#include <cmath>

#include "core/cuda/block.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/positions.hpp"
#include "kernels/dense/dense.hpp"
#include "kernels/dense/dense_plan.hpp"

namespace voxkern::dense {
namespace {

// out (M, N) = in (M, K) weight (N, K)^T + bias. Strides count elements.
struct Product {
    const float* in = nullptr;
    const float* weight = nullptr;
    const float* bias = nullptr;  // null: none
    float* out = nullptr;
    std::int64_t n = 0;
    std::int64_t k = 0;
    std::int64_t in_stride = 0;
    std::int64_t out_stride = 0;
    std::int64_t row_stride = 0;  // of the weight
    std::int64_t column_stride = 0;
    std::int64_t bias_stride = 0;
    std::int64_t across = 1;  // tiles of columns
    cuda::Positions<2> rows;  // of in and out

    __device__ float start(std::int64_t column) const { return bias == nullptr ? 0.0F : bias[column * bias_stride]; }
};

// --- a tile: a thread takes kEach rows by kEach columns ------------------------------------------------------------

constexpr int kTile = 64;
constexpr int kEach = 4;
constexpr int kSide = kTile / kEach;  // threads along either side
constexpr int kThreads = kSide * kSide;
constexpr int kStep = 16;                 // terms that are staged at a time
constexpr int kApart = kThreads / kStep;  // rows that a thread stages are so far apart
constexpr int kPitch = kTile + 4;         // so that a warp writes to as many banks as it can
static_assert(kDepth % kStep == 0 && kTile % kApart == 0 && kTile / kApart == kEach, "a thread stages kEach rows");

struct alignas(16) Stage {
    float rows[kStep][kPitch];
    float columns[kStep][kPitch];
};

// Where the rows and columns begin that this thread stages; null: beyond the edge.
struct Sources {
    const float* row[kEach];
    const float* column[kEach];
};

__device__ __forceinline__ Sources sources_of(const Product& p, std::int64_t row, std::int64_t column) {
    Sources from;
    const int first = static_cast<int>(threadIdx.x) / kStep;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
        const std::int64_t r = row + first + i * kApart;
        const std::int64_t c = column + first + i * kApart;
        from.row[i] = r < p.rows.size ? p.in + p.rows.at(r).of[0] : nullptr;
        from.column[i] = c < p.n ? p.weight + c * p.row_stride : nullptr;
    }
    return from;
}

__device__ __forceinline__ void stage(const Product& p, const Sources& from, std::int64_t depth, Stage& staged) {
    const int term = static_cast<int>(threadIdx.x) % kStep;
    const int first = static_cast<int>(threadIdx.x) / kStep;
    const std::int64_t t = depth + term;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
        const int place = first + i * kApart;
        staged.rows[term][place] = t < p.k && from.row[i] != nullptr ? from.row[i][t * p.in_stride] : 0.0F;
        staged.columns[term][place] = t < p.k && from.column[i] != nullptr ? from.column[i][t * p.column_stride] : 0.0F;
    }
}

// Sums of this thread's results.
struct Sums {
    float of[kEach][kEach] = {};

    __device__ __forceinline__ void add(const Sums& other) {
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
#pragma unroll
            for (int j = 0; j < kEach; ++j) of[i][j] += other.of[i][j];
        }
    }
};

__device__ __forceinline__ void multiply_staged(const Stage& staged, int row, int column, Sums& sums) {
#pragma unroll
    for (int t = 0; t < kStep; ++t) {
        const float* const rows = staged.rows[t] + row;
        const float* const columns = staged.columns[t] + column;
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
#pragma unroll
            for (int j = 0; j < kEach; ++j) sums.of[i][j] = std::fma(rows[i], columns[j], sums.of[i][j]);
        }
    }
}

__global__ void __launch_bounds__(kThreads) multiply_tiles(Product p) {
    Stage& staged = cuda::block_shared<Stage>();
    const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) / p.across * kTile;
    const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) % p.across * kTile;
    const int own_row = static_cast<int>(threadIdx.x) / kSide * kEach;
    const int own_column = static_cast<int>(threadIdx.x) % kSide * kEach;
    const Sources from = sources_of(p, row, column);
    Sums total;
#pragma unroll
    for (int j = 0; j < kEach; ++j) {
        const float start = column + own_column + j < p.n ? p.start(column + own_column + j) : 0.0F;
#pragma unroll
        for (int i = 0; i < kEach; ++i) total.of[i][j] = start;
    }
    Sums part;
    for (std::int64_t depth = 0; depth < p.k; depth += kStep) {
        __syncthreads();  // the last stage has been read
        stage(p, from, depth, staged);
        __syncthreads();
        multiply_staged(staged, own_row, own_column, part);
        if ((depth + kStep) % kDepth == 0) {  // sums restart, as on the CPU
            total.add(part);
            part = Sums();
        }
    }
    total.add(part);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
        const std::int64_t r = row + own_row + i;
        if (r >= p.rows.size) continue;
        float* const to = p.out + p.rows.at(r).of[1];
#pragma unroll
        for (int j = 0; j < kEach; ++j) {
            const std::int64_t c = column + own_column + j;
            if (c < p.n) to[c * p.out_stride] = total.of[i][j];
        }
    }
}

// --- a few rows ----------------------------------------------------------------------------------------------------

__global__ void multiply_few_rows(Product p) {
    constexpr int kMost = static_cast<int>(kFewRows);
    const std::int64_t column = cuda::first_position() / cuda::kWarp;
    const int lane = static_cast<int>(threadIdx.x) % cuda::kWarp;
    if (column >= p.n) return;  // the warp as a whole
    const int m = static_cast<int>(p.rows.size);
    const float* row[kMost];
    float sums[kMost] = {};
#pragma unroll
    for (int i = 0; i < kMost; ++i) row[i] = p.in + (i < m ? p.rows.at(i).of[0] : 0);
    const float* const weights = p.weight + column * p.row_stride;
    for (std::int64_t t = lane; t < p.k; t += cuda::kWarp) {
        const float weight = weights[t * p.column_stride];
#pragma unroll
        for (int i = 0; i < kMost; ++i) {
            if (i < m) sums[i] = std::fma(row[i][t * p.in_stride], weight, sums[i]);
        }
    }
    const float start = p.start(column);
#pragma unroll
    for (int i = 0; i < kMost; ++i) {
        if (i >= m) continue;
        const float sum = cuda::warp_sum(sums[i]);
        if (lane == 0) p.out[p.rows.at(i).of[1] + column * p.out_stride] = start + sum;
    }
}

Product product_of(const ConstArrayView& in, const ConstArrayView& weight, const ConstArrayView& bias,
                   const ArrayView& out) {
    Product p;
    p.in = static_cast<const float*>(in.data);
    p.weight = static_cast<const float*>(weight.data);
    p.bias = static_cast<const float*>(bias.data);
    p.out = static_cast<float*>(out.data);
    p.n = weight.shape[0];
    p.k = weight.shape[1];
    p.in_stride = in.strides[in.rank - 1];
    p.out_stride = out.strides[out.rank - 1];
    p.row_stride = weight.strides[0];
    p.column_stride = weight.strides[1];
    p.bias_stride = bias.strides[0];
    p.across = cuda::ceil_div(p.n, kTile);
    Axes<2> rows;
    for (int a = 0; a < in.rank - 1; ++a) {
        if (in.shape[a] != 1) rows.push(in.shape[a], {in.strides[a], out.strides[a]});
    }
    rows.merge();
    p.rows = cuda::positions_of(rows);
    return p;
}

}  // namespace
}  // namespace voxkern::dense

namespace voxkern::cuda {

void dense(const ConstArrayView& in, const ConstArrayView& weight, const ConstArrayView& bias, const ArrayView& out,
           const Exec& exec) {
    if (out.size() == 0) return;
    const dense::Product p = dense::product_of(in, weight, bias, out);
    if (p.rows.size <= dense::kFewRows) {
        launch("multiply_few_rows",
               config(blocks_x(ceil_div(p.n * kWarp, kBlockThreads)), kBlockThreads, 0, exec.stream),
               dense::multiply_few_rows, p);
        return;
    }
    const std::int64_t tiles = ceil_div(p.rows.size, dense::kTile) * p.across;
    launch("multiply_tiles", config(blocks_x(tiles), dense::kThreads, 0, exec.stream), dense::multiply_tiles, p);
}

}  // namespace voxkern::cuda

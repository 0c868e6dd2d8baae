// SPDX-License-Identifier: Apache-2.0
#include "kernels.hpp"

#include "core/cuda/block.hpp"
#include "core/cuda/launch.hpp"

namespace executor_test {
namespace {

using namespace voxkern::cuda;

constexpr int kTile = 32;
constexpr int kThreads = 128;
constexpr int kMaxBins = 64;

struct Tile {
    float v[kTile][kTile + 1];
};

template <Fault fault>
__global__ void transpose_tiles(const float* in, float* out, int rows, int columns) {
    Tile& tile = block_shared<Tile>();
    const int tx = static_cast<int>(threadIdx.x);
    const int left = static_cast<int>(blockIdx.x) * kTile;
    const int top = static_cast<int>(blockIdx.y) * kTile;
    const std::int64_t plane = static_cast<std::int64_t>(blockIdx.z) * rows * columns;
    for (int k = static_cast<int>(threadIdx.y); k < kTile; k += static_cast<int>(blockDim.y)) {
        if (left + tx < columns && top + k < rows) tile.v[k][tx] = in[plane + (top + k) * columns + left + tx];
    }
    if (fault != Fault::no_barrier) __syncthreads();
    for (int k = static_cast<int>(threadIdx.y); k < kTile; k += static_cast<int>(blockDim.y)) {
        if (top + tx < rows && left + k < columns) out[plane + (left + k) * rows + top + tx] = tile.v[tx][k];
    }
}

// A block holds its piece of a line, with the halo.
template <Fault fault>
__global__ void filter_pieces(const float* in, float* out, int n, const float* weights, int radius) {
    float* const piece = dynamic_shared<float>() + (fault == Fault::one_past ? 1 : 0);
    const std::int64_t line = static_cast<std::int64_t>(blockIdx.y) * n;
    const int first = static_cast<int>(blockIdx.x) * kThreads;
    const int tx = static_cast<int>(threadIdx.x);
    for (int k = tx; k < kThreads + 2 * radius; k += kThreads) {
        int i = first + k - radius;
        if (i >= n + radius) break;
        i = i < 0 ? -1 - i : i;
        i = i >= n ? 2 * n - 1 - i : i;
        piece[k] = in[line + i];
    }
    __syncthreads();
    if (first + tx >= n) return;
    float sum = 0.0f;
    for (int t = 0; t <= 2 * radius; ++t) sum = __fmaf_rn(weights[t], piece[tx + t], sum);
    out[line + first + tx] = sum;
}

struct Counts {
    int bin[kMaxBins];
};

template <Fault fault>
__global__ void count_and_sum(const float* in, std::int64_t n, double* sum, int* histogram, int bins) {
    int* const bin = block_shared<Counts>().bin;
    for (int b = thread_rank(); b < bins; b += kThreads) bin[b] = 0;
    __syncthreads();
    float mine = 0.0f;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + thread_rank(); i < n;
         i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
        mine = __fmaf_rn(in[i], in[i], mine);
        const int b = min(static_cast<int>(in[i] * static_cast<float>(bins)), bins - 1);
        if (fault == Fault::no_atomic) {
            bin[b] += 1;
        } else {
            atomicAdd(&bin[b], 1);
        }
    }
    if (fault == Fault::divergent) {
        if (thread_rank() < kThreads / 2) {
            __syncthreads();
        } else {
            __syncthreads();
        }
    }
    mine = block_sum(mine);
    if (thread_rank() == 0 && fault == Fault::no_atomic_between_blocks) {
        *sum += static_cast<double>(mine);
    } else if (thread_rank() == 0) {
        atomicAdd(sum, static_cast<double>(mine));
    }
    for (int b = thread_rank(); b < bins; b += kThreads) {
        if (bin[b] != 0) atomicAdd(&histogram[b], bin[b]);
    }
}

// --- union-find: a parent is never larger than its child ---------------------------------------------------
__device__ int find_root(const int* parent, int i) {
    for (int up = load_relaxed(&parent[i]); up != i; up = load_relaxed(&parent[i])) i = up;
    return i;
}

__device__ void unite(int* parent, int a, int b) {
    for (;;) {
        a = find_root(parent, a);
        b = find_root(parent, b);
        if (a == b) return;
        const int large = max(a, b);
        const int small = min(a, b);
        const int before = atomicMin(&parent[large], small);
        if (before == large) return;
        a = before;
        b = small;
    }
}

__device__ int global_index() {
    return static_cast<int>(blockIdx.x) * kThreads + thread_rank();
}

__global__ void start_labels(const unsigned char* in, int* parent, int n) {
    const int i = global_index();
    if (i < n) parent[i] = in[i] != 0 ? i : -1;
}

__global__ void merge_labels(const unsigned char* in, int* parent, int nz, int ny, int nx) {
    const int i = global_index();
    if (i >= nz * ny * nx || in[i] == 0) return;
    if (i % nx > 0 && in[i - 1] != 0) unite(parent, i, i - 1);
    if (i / nx % ny > 0 && in[i - nx] != 0) unite(parent, i, i - nx);
    if (i / nx / ny > 0 && in[i - nx * ny] != 0) unite(parent, i, i - nx * ny);
}

__global__ void flatten_labels(int* parent, int n) {
    const int i = global_index();
    if (i < n && load_relaxed(&parent[i]) >= 0) store_relaxed(&parent[i], find_root(parent, i));
}

__global__ void copy_values(Table table, float* out) {
    const int i = global_index();
    if (i < table.size) out[i] = table.values[i];
}

unsigned blocks(std::int64_t n) {
    return grid_x(ceil_div(n, kThreads));
}

}  // namespace

void transpose(const float* in, float* out, int planes, int rows, int columns, cudaStream_t stream, Fault fault) {
    const auto c = config({grid_x(ceil_div(columns, kTile)), grid_x(ceil_div(rows, kTile)), grid_x(planes)},
                          {kTile, 8, 1}, 0, stream);
    auto* const kernel = fault == Fault::no_barrier ? transpose_tiles<Fault::no_barrier> : transpose_tiles<Fault::none>;
    launch("transpose_tiles", c, kernel, in, out, rows, columns);
}

void filter_lines(const float* in, float* out, int lines, int n, const float* weights, int radius, cudaStream_t stream,
                  Fault fault) {
    const std::size_t shared = static_cast<std::size_t>(kThreads + 2 * radius) * sizeof(float);
    const auto c = config({blocks(n), grid_x(lines), 1}, kThreads, shared, stream);
    auto* const kernel = fault == Fault::one_past ? filter_pieces<Fault::one_past> : filter_pieces<Fault::none>;
    launch("filter_pieces", c, kernel, in, out, n, weights, radius);
}

void statistics(const float* in, std::int64_t n, double* sum, int* histogram, int bins, cudaStream_t stream,
                Fault fault) {
    auto* kernel = count_and_sum<Fault::none>;
    if (fault == Fault::no_atomic) kernel = count_and_sum<Fault::no_atomic>;
    if (fault == Fault::no_atomic_between_blocks) kernel = count_and_sum<Fault::no_atomic_between_blocks>;
    if (fault == Fault::divergent) kernel = count_and_sum<Fault::divergent>;
    launch("count_and_sum", config(3, kThreads, 0, stream), kernel, in, n, sum, histogram, bins);
}

void label(const unsigned char* in, int* out, int nz, int ny, int nx, cudaStream_t stream) {
    const int n = nz * ny * nx;
    const auto c = config(blocks(n), kThreads, 0, stream);
    launch("start_labels", c, start_labels, in, out, n);
    launch("merge_labels", c, merge_labels, in, out, nz, ny, nx);
    launch("flatten_labels", c, flatten_labels, out, n);
}

void copy_table(Table table, float* out, cudaStream_t stream) {
    launch("copy_values", config(blocks(table.size), kThreads, 0, stream), copy_values, table, out);
}

}  // namespace executor_test

// SPDX-License-Identifier: Apache-2.0
// Kernels that use what the executor must get right, each with faults that it must find.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace executor_test {

enum class Fault { none, no_barrier, no_atomic, no_atomic_between_blocks, one_past, divergent };

// Transposes the two last axes through a tile in shared memory. Fault: no_barrier.
void transpose(const float* in, float* out, int planes, int rows, int columns, cudaStream_t stream,
               Fault fault = Fault::none);

// Filters lines of n samples, reflected at their ends, through dynamic shared memory. Fault: one_past.
void filter_lines(const float* in, float* out, int lines, int n, const float* weights, int radius, cudaStream_t stream,
                  Fault fault = Fault::none);

// Adds the squares of `in` to *sum and its values in [0, 1) to a histogram. Faults: no_atomic,
// no_atomic_between_blocks, divergent.
void statistics(const float* in, std::int64_t n, double* sum, int* histogram, int bins, cudaStream_t stream,
                Fault fault = Fault::none);

// Labels a binary volume, 6-connected: out[i] is the smallest index of its component, or -1.
void label(const unsigned char* in, int* out, int nz, int ny, int nx, cudaStream_t stream);

struct Table {
    const float* values;
    std::int64_t size;
};
// Copies a table whose address comes inside a struct.
void copy_table(Table table, float* out, cudaStream_t stream);

// --- core/cuda/block.hpp, one block of any shape -----------------------------------------------------------
void sum_and_scan(const float* in, float* sum, const int* counts, int* before, int* total, dim3 block,
                  cudaStream_t stream);

// For each thread of one block: {ballot of odd lanes, left neighbour, right neighbour, lane ^ 1, lane 3 of its eight,
// any, all, count over the block}, eight integers.
void exchange(int* out, int threads, cudaStream_t stream);

// Lane 5 asks for a shuffle at another place than the rest of its warp.
void shuffle_apart(int* out, cudaStream_t stream);

}  // namespace executor_test

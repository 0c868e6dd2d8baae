// SPDX-License-Identifier: Apache-2.0
// What the threads of a block do together. Blocks hold whole warps; every thread of the block must call.
#pragma once

#include <cuda_runtime.h>

#include "core/cuda/shared.hpp"

namespace voxkern::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

// Number of the thread in its block, x fastest.
__device__ __forceinline__ int thread_rank() {
    return static_cast<int>((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x);
}
__device__ __forceinline__ int thread_count() {
    return static_cast<int>(blockDim.x * blockDim.y * blockDim.z);
}

// Reads and writes of memory that other threads change meanwhile. They order nothing else.
template <class T>
__device__ __forceinline__ T load_relaxed(const T* p) {
#if defined(__CUDACC__)
    return *static_cast<const volatile T*>(p);
#else
    T value;
    __atomic_load(p, &value, __ATOMIC_RELAXED);
    return value;
#endif
}
template <class T>
__device__ __forceinline__ void store_relaxed(T* p, T value) {
#if defined(__CUDACC__)
    *static_cast<volatile T*>(p) = value;
#else
    __atomic_store(p, &value, __ATOMIC_RELAXED);
#endif
}

// join over the warp, complete in lane 0. The tree is fixed: the same bits in every run.
template <class T, class Join>
__device__ T warp_reduce(T value, const Join& join) {
    for (unsigned by = kWarp / 2; by > 0; by /= 2) value = join(value, __shfl_down_sync(kAllLanes, value, by));
    return value;
}

template <class T>
__device__ T warp_sum(T value) {
    return warp_reduce(value, [](T a, T b) { return a + b; });
}

// Sum over this lane and the lanes before it.
template <class T>
__device__ T warp_scan(T value) {
    const int lane = thread_rank() % kWarp;
    for (int by = 1; by < kWarp; by *= 2) {
        const T before = __shfl_up_sync(kAllLanes, value, static_cast<unsigned>(by));
        if (lane >= by) value += before;
    }
    return value;
}

template <class T>
struct WarpParts {
    T part[kWarp];
};

// Sum over the block, for every thread; a fixed tree. Has barriers before its first and after its last write.
template <class T>
__device__ T block_sum(T value) {
    T* const part = block_shared<WarpParts<T>>().part;
    const int rank = thread_rank();
    value = warp_sum(value);
    __syncthreads();  // the last call's result has been read
    if (rank % kWarp == 0) part[rank / kWarp] = value;
    __syncthreads();
    if (rank < kWarp) {
        value = warp_sum(rank < thread_count() / kWarp ? part[rank] : T(0));
        if (rank == 0) part[0] = value;
    }
    __syncthreads();
    return part[0];
}

template <class T, int kThreads>
struct JoinParts {
    T part[kThreads];
};

// join over a block of kThreads threads, a power of two, for every thread; a fixed tree. For structs that no shuffle
// takes. Has barriers before its first and after its last write.
template <int kThreads, class T, class Join>
__device__ T block_join(const T& mine, const Join& join) {
    T* const part = block_shared<JoinParts<T, kThreads>>().part;
    const int rank = thread_rank();
    __syncthreads();  // the last call's result has been read
    part[rank] = mine;
    __syncthreads();
    for (int half = kThreads / 2; half > 0; half /= 2) {
        if (rank < half) part[rank] = join(part[rank], part[rank + half]);
        __syncthreads();
    }
    return part[0];
}

// Sum over the threads before this one; `total` becomes the sum over the block.
template <class T>
__device__ T block_scan(T value, T& total) {
    T* const part = block_shared<WarpParts<T>>().part;
    const int rank = thread_rank();
    const T scanned = warp_scan(value);
    __syncthreads();
    if (rank % kWarp == kWarp - 1) part[rank / kWarp] = scanned;
    __syncthreads();
    if (rank < kWarp) part[rank] = warp_scan(rank < thread_count() / kWarp ? part[rank] : T(0));
    __syncthreads();
    total = part[thread_count() / kWarp - 1];
    return (rank < kWarp ? T(0) : part[rank / kWarp - 1]) + (scanned - value);
}

}  // namespace voxkern::cuda

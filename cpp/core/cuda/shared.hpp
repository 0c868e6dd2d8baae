// SPDX-License-Identifier: Apache-2.0
// Shared memory of a block. Kernels ask here, never with __shared__: the executor gives each piece its own
// allocation, so that a sanitizer sees the first byte beyond it.
#pragma once

#include <cuda_runtime.h>

namespace voxkern::cuda {

// One object per type and block, without a constructor's run: give each use a type of its own.
template <class T>
__device__ __forceinline__ T& block_shared() {
#if defined(__CUDACC__)
    __shared__ __align__(alignof(T)) unsigned char memory[sizeof(T)];
    return *reinterpret_cast<T*>(memory);
#else
    static const char tag = 0;
    return *static_cast<T*>(cuda_executor::shared_memory(&tag, sizeof(T)));
#endif
}

// The bytes that the launch asked for.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
#if defined(__CUDACC__)
    extern __shared__ __align__(16) unsigned char memory[];
    return reinterpret_cast<T*>(memory);
#else
    return static_cast<T*>(cuda_executor::dynamic_shared_memory());
#endif
}

}  // namespace voxkern::cuda

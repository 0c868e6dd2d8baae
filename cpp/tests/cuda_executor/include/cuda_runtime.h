// SPDX-License-Identifier: Apache-2.0
// Stand-in for NVIDIA's header of this name: the device side of CUDA C++, run by the block scheduler (block.cpp).
#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>

#include "cuda_runtime_api.h"

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__

// One block runs at a time, so its indices are plain variables.
inline uint3 threadIdx = {0, 0, 0};
inline uint3 blockIdx = {0, 0, 0};
inline dim3 blockDim = {1, 1, 1};
inline dim3 gridDim = {1, 1, 1};
constexpr int warpSize = 32;

// --- what the headers ask of the executor ------------------------------------------------------------
namespace cuda_executor {

// A place in the source: as a default argument, the place of the call.
struct Site {
    const char* file;
    int line;
    static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
};

struct Launch {
    std::function<void()> body;  // one CUDA thread
    const void* kernel;
    dim3 grid, block;
    std::size_t shared;
};

enum class Collective { sync, shuffle, ballot };

int barrier(int value, Site site);  // returns the sum of `value` over the block
std::uint64_t warp_collective(Collective kind, unsigned mask, std::uint64_t value, int source, Site site);
int lane();
void fence();
void* shared_memory(const void* tag, std::size_t size);  // one piece per tag and block
void* dynamic_shared_memory();
cudaError_t enqueue_launch(Launch launch, cudaStream_t stream);
cudaError_t allow_shared(const void* kernel, std::size_t size);
bool is_kernel_address(const void* p);                         // device or pinned memory
bool holds_host_address(const void* bytes, std::size_t size);  // in one of its aligned words

template <class T>
T warp_exchange(unsigned mask, T value, int source, Site site) {
    static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "shuffles: 4 or 8 bytes");
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = warp_collective(Collective::shuffle, mask, bits, source, site);
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

inline int first_lane(int width) {
    return lane() & ~(width - 1);
}

template <class T, class F>
T atomic_update(T* at, F next) {
    using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    static_assert(sizeof(T) == sizeof(Bits), "atomics: 4 or 8 bytes");
    auto* const word = reinterpret_cast<Bits*>(at);
    Bits before = __atomic_load_n(word, __ATOMIC_RELAXED);
    Bits after;
    T old;
    do {
        std::memcpy(&old, &before, sizeof(T));
        const T value = next(old);
        std::memcpy(&after, &value, sizeof(T));
    } while (!__atomic_compare_exchange_n(word, &before, after, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
}

template <class T>
struct Same {
    using type = T;
};
template <class T>
using same_t = typename Same<T>::type;  // takes no part in deduction

// A GPU cannot follow a host pointer.
template <class T>
bool may_reach_kernel(const T& argument) {
    if constexpr (std::is_pointer_v<T>) {
        return argument == nullptr || is_kernel_address(reinterpret_cast<const void*>(argument));
    } else if constexpr (std::is_class_v<T>) {
        T values = argument;
#if __has_builtin(__builtin_clear_padding)
        __builtin_clear_padding(&values);  // what a caller's stack left there may look like an address
#endif
        return !holds_host_address(&values, sizeof(T));
    } else {
        return true;
    }
}

}  // namespace cuda_executor

// --- launching ---------------------------------------------------------------------------------------
template <class... P, class... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(P...), A&&... arguments) {
    static_assert((std::is_trivially_copyable_v<std::decay_t<P>> && ...), "kernel arguments are copied bit by bit");
    std::tuple<std::decay_t<P>...> values(static_cast<std::decay_t<P>>(std::forward<A>(arguments))...);
    static_assert(sizeof(values) <= 4096, "kernel arguments: 4 KiB at most");
    const auto reachable = [](const auto&... each) { return (cuda_executor::may_reach_kernel(each) && ...); };
    if (!std::apply(reachable, values)) return cudaErrorInvalidValue;
    return cuda_executor::enqueue_launch(
        {[kernel, values] { std::apply(kernel, values); }, reinterpret_cast<const void*>(kernel), config->gridDim,
         config->blockDim, config->dynamicSmemBytes},
        config->stream);
}

template <class K>
cudaError_t cudaFuncSetAttribute(K* kernel, cudaFuncAttribute, int value) {
    return cuda_executor::allow_shared(reinterpret_cast<const void*>(kernel), static_cast<std::size_t>(value));
}

// --- barriers, warps, fences -------------------------------------------------------------------------
using CudaSite = cuda_executor::Site;

inline void __syncthreads(CudaSite site = CudaSite::here()) {
    cuda_executor::barrier(0, site);
}
inline int __syncthreads_count(int p, CudaSite site = CudaSite::here()) {
    return cuda_executor::barrier(p != 0 ? 1 : 0, site);
}
inline int __syncthreads_or(int p, CudaSite site = CudaSite::here()) {
    return cuda_executor::barrier(p != 0 ? 1 : 0, site) > 0 ? 1 : 0;
}
inline int __syncthreads_and(int p, CudaSite site = CudaSite::here()) {
    return cuda_executor::barrier(p != 0 ? 0 : 1, site) == 0 ? 1 : 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, CudaSite site = CudaSite::here()) {
    cuda_executor::warp_collective(cuda_executor::Collective::sync, mask, 0, 0, site);
}
inline unsigned __ballot_sync(unsigned mask, int p, CudaSite site = CudaSite::here()) {
    return static_cast<unsigned>(
        cuda_executor::warp_collective(cuda_executor::Collective::ballot, mask, p != 0 ? 1 : 0, 0, site));
}
inline int __any_sync(unsigned mask, int p, CudaSite site = CudaSite::here()) {
    return __ballot_sync(mask, p, site) != 0 ? 1 : 0;
}
inline int __all_sync(unsigned mask, int p, CudaSite site = CudaSite::here()) {
    return __ballot_sync(mask, p == 0 ? 1 : 0, site) == 0 ? 1 : 0;
}
template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32, CudaSite site = CudaSite::here()) {
    const int source = cuda_executor::first_lane(width) + (from & (width - 1));
    return cuda_executor::warp_exchange(mask, value, source, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, CudaSite site = CudaSite::here()) {
    const int source = cuda_executor::lane() + static_cast<int>(by);
    const bool inside = source < cuda_executor::first_lane(width) + width;
    return cuda_executor::warp_exchange(mask, value, inside ? source : cuda_executor::lane(), site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, CudaSite site = CudaSite::here()) {
    const int source = cuda_executor::lane() - static_cast<int>(by);
    const bool inside = source >= cuda_executor::first_lane(width);
    return cuda_executor::warp_exchange(mask, value, inside ? source : cuda_executor::lane(), site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32, CudaSite site = CudaSite::here()) {
    const int source = cuda_executor::lane() ^ with;
    const bool inside = source < cuda_executor::first_lane(width) + width;
    return cuda_executor::warp_exchange(mask, value, inside ? source : cuda_executor::lane(), site);
}
inline void __threadfence() {
    cuda_executor::fence();
}
inline void __threadfence_block() {
    cuda_executor::fence();
}

// --- atomics -----------------------------------------------------------------------------------------
template <class T>
T atomicAdd(T* at, cuda_executor::same_t<T> v) {
    return cuda_executor::atomic_update(at, [v](T old) { return static_cast<T>(old + v); });
}
template <class T>
T atomicMin(T* at, cuda_executor::same_t<T> v) {
    return cuda_executor::atomic_update(at, [v](T old) { return v < old ? v : old; });
}
template <class T>
T atomicMax(T* at, cuda_executor::same_t<T> v) {
    return cuda_executor::atomic_update(at, [v](T old) { return old < v ? v : old; });
}
template <class T>
T atomicOr(T* at, cuda_executor::same_t<T> v) {
    return cuda_executor::atomic_update(at, [v](T old) { return static_cast<T>(old | v); });
}
template <class T>
T atomicExch(T* at, cuda_executor::same_t<T> v) {
    return cuda_executor::atomic_update(at, [v](T) { return v; });
}
template <class T>
T atomicCAS(T* at, cuda_executor::same_t<T> expected, cuda_executor::same_t<T> v) {
    return cuda_executor::atomic_update(at, [=](T old) { return old == expected ? v : old; });
}

// --- functions of one thread ---------------------------------------------------------------------------
template <class T>
T __ldg(const T* at) {
    return *at;
}
template <class T>
T min(T a, T b) {
    return b < a ? b : a;
}
template <class T>
T max(T a, T b) {
    return a < b ? b : a;
}
inline float __fmaf_rn(float a, float b, float c) {
    return std::fma(a, b, c);
}
inline double __fma_rn(double a, double b, double c) {
    return std::fma(a, b, c);
}
inline float __fadd_rn(float a, float b) {
    return a + b;
}
inline float __fmul_rn(float a, float b) {
    return a * b;
}
inline float __fdiv_rn(float a, float b) {
    return a / b;
}
inline float __fsqrt_rn(float a) {
    return std::sqrt(a);
}
inline int __popc(unsigned v) {
    return __builtin_popcount(v);
}
inline int __ffs(int v) {
    return __builtin_ffs(v);
}
inline int __clz(int v) {
    return v == 0 ? 32 : __builtin_clz(static_cast<unsigned>(v));
}
inline int __float_as_int(float v) {
    int bits;
    std::memcpy(&bits, &v, sizeof bits);
    return bits;
}
inline float __int_as_float(int bits) {
    float v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

// --- vector types, for 64-bit and 128-bit loads ----------------------------------------------------------
#define CUDA_EXECUTOR_VECTORS(T, name)                  \
    struct alignas(2 * sizeof(T)) name##2 {             \
        T x, y;                                         \
    };                                                  \
    struct alignas(4 * sizeof(T)) name##4 {             \
        T x, y, z, w;                                   \
    };                                                  \
    inline name##2 make_##name##2(T x, T y) {           \
        return {x, y};                                  \
    }                                                   \
    inline name##4 make_##name##4(T x, T y, T z, T w) { \
        return {x, y, z, w};                            \
    }
CUDA_EXECUTOR_VECTORS(signed char, char)
CUDA_EXECUTOR_VECTORS(unsigned char, uchar)
CUDA_EXECUTOR_VECTORS(short, short)
CUDA_EXECUTOR_VECTORS(unsigned short, ushort)
CUDA_EXECUTOR_VECTORS(int, int)
CUDA_EXECUTOR_VECTORS(unsigned, uint)
CUDA_EXECUTOR_VECTORS(float, float)
#undef CUDA_EXECUTOR_VECTORS
struct alignas(16) double2 {
    double x, y;
};
inline double2 make_double2(double x, double y) {
    return {x, y};
}

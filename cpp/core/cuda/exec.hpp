// SPDX-License-Identifier: Apache-2.0
// How one call runs on the device: on the caller's stream, with scratch memory from the caller's pool.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace voxkern::cuda {

struct Memory {
    void* address = nullptr;
    void* owner = nullptr;  // for the allocator: in Python, the array that holds the memory
};

// Memory may be used by work enqueued on `stream` after allocate and before release; neither call waits.
// `allocate` throws; `release` must not.
struct Allocator {
    void* context = nullptr;
    Memory (*allocate)(void* context, std::size_t bytes, cudaStream_t stream) = nullptr;
    void (*release)(void* context, Memory memory, cudaStream_t stream) = nullptr;
};

struct Exec {
    cudaStream_t stream = nullptr;
    Allocator allocator;
    std::int64_t scratch = std::int64_t{1} << 30;  // most bytes at a time, where a call can do with less
};

// The driver's own pool, for callers without one.
inline Allocator driver_pool() {
    Allocator pool;
    pool.allocate = [](void*, std::size_t bytes, cudaStream_t stream) {
        Memory memory;
        const cudaError_t status = cudaMallocAsync(&memory.address, bytes, stream);
        if (status != cudaSuccess) {
            throw Error("scratch of " + std::to_string(bytes) + " bytes: " + cudaGetErrorString(status));
        }
        return memory;
    };
    pool.release = [](void*, Memory memory, cudaStream_t stream) { cudaFreeAsync(memory.address, stream); };
    return pool;
}

// Device memory for the length of a call, freed in the order of the stream: kernels enqueued before may still use it.
template <class T>
class Scratch {
    static_assert(std::is_trivially_copyable_v<T>, "device memory holds plain values");

  public:
    Scratch(std::size_t size, const Exec& exec) : exec_(exec), size_(size) {
        if (size > 0) memory_ = exec_.allocator.allocate(exec_.allocator.context, size * sizeof(T), exec_.stream);
    }
    Scratch(Scratch&& other) noexcept
        : exec_(other.exec_), memory_(std::exchange(other.memory_, Memory())), size_(std::exchange(other.size_, 0)) {}
    Scratch& operator=(Scratch&&) = delete;
    ~Scratch() {
        if (size_ > 0) exec_.allocator.release(exec_.allocator.context, memory_, exec_.stream);
    }

    T* data() const { return static_cast<T*>(memory_.address); }
    std::size_t size() const { return size_; }

  private:
    Exec exec_;
    Memory memory_;
    std::size_t size_;
};

// A host table on the device. It may be freed when this returns: CUDA has read pageable memory by then.
template <class T>
Scratch<T> upload(const T* table, std::size_t size, const Exec& exec) {
    Scratch<T> scratch(size, exec);
    if (size == 0) return scratch;
    const cudaError_t status =
        cudaMemcpyAsync(scratch.data(), table, size * sizeof(T), cudaMemcpyHostToDevice, exec.stream);
    if (status != cudaSuccess) {
        throw Error("upload of " + std::to_string(size * sizeof(T)) + " bytes: " + cudaGetErrorString(status));
    }
    return scratch;
}

template <class T>
Scratch<T> upload(const std::vector<T>& table, const Exec& exec) {
    return upload(table.data(), table.size(), exec);
}

// A few numbers of the device, for functions whose result is one. Waits: CUDA does not promise that a copy to pageable
// memory does.
template <class T>
void fetch(T* numbers, const T* device, std::size_t size, const Exec& exec) {
    cudaError_t status = cudaMemcpyAsync(numbers, device, size * sizeof(T), cudaMemcpyDeviceToHost, exec.stream);
    if (status == cudaSuccess) status = cudaStreamSynchronize(exec.stream);
    if (status != cudaSuccess) {
        throw Error("copy of " + std::to_string(size * sizeof(T)) + " bytes: " + cudaGetErrorString(status));
    }
}

// Sets all bytes of `size` values.
template <class T>
void fill(T* data, std::size_t size, int byte, const Exec& exec) {
    if (size == 0) return;
    const cudaError_t status = cudaMemsetAsync(data, byte, size * sizeof(T), exec.stream);
    if (status != cudaSuccess) {
        throw Error("filling " + std::to_string(size * sizeof(T)) + " bytes: " + cudaGetErrorString(status));
    }
}

template <class T>
Scratch<T> filled(std::size_t size, int byte, const Exec& exec) {
    Scratch<T> scratch(size, exec);
    fill(scratch.data(), size, byte, exec);
    return scratch;
}

}  // namespace voxkern::cuda

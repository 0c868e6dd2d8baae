// SPDX-License-Identifier: Apache-2.0
// For tests of kernels on the executor: a stream with an Exec, arrays there and back, every order of execution.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "../expect.hpp"
#include "core/cuda/exec.hpp"
#include "executor.hpp"

namespace executor_test {

#if defined(__SANITIZE_THREAD__)
constexpr bool kTsan = true;
#elif defined(__has_feature)
constexpr bool kTsan = __has_feature(thread_sanitizer);
#else
constexpr bool kTsan = false;
#endif
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAsan = true;
#elif defined(__has_feature)
constexpr bool kAsan = __has_feature(address_sanitizer);
#else
constexpr bool kAsan = false;
#endif

// ThreadSanitizer needs a third of a millisecond for each CUDA thread, and has room for some ten thousand in a process:
// tests leave out their large cases, and the sort of regions.
constexpr int sized(int plain, int under_tsan) {
    return kTsan ? under_tsan : plain;
}

// A stream that waits for no other.
struct Stream {
    Stream() { cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking); }
    ~Stream() { cudaStreamDestroy(handle); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    operator cudaStream_t() const { return handle; }
    voxkern::cuda::Exec exec() const { return {handle, voxkern::cuda::driver_pool()}; }

    cudaStream_t handle = nullptr;
};

// Waits for the stream.
template <class T>
std::vector<T> download(const T* data, std::size_t n, cudaStream_t stream) {
    std::vector<T> host(n);
    EXPECT(cudaMemcpyAsync(host.data(), data, n * sizeof(T), cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    EXPECT(cudaStreamSynchronize(stream) == cudaSuccess);
    return host;
}
template <class T>
std::vector<T> download(const voxkern::cuda::Scratch<T>& data, cudaStream_t stream) {
    return download(data.data(), data.size(), stream);
}

// run(exec) in forward, reverse and two random orders, streams eager and deferred; no memory may be left over.
// ThreadSanitizer sees no streams, and finds a race in any order: one of the eight settings will do.
template <class F>
void in_every_order(F run) {
    const std::string order = cuda_executor::order();
    const std::string streams = cuda_executor::streams();
    for (const std::string one : {"forward", "1", "reverse", "2"}) {
        for (const std::string kind : {"eager", "deferred"}) {
            if (kTsan && (kind == "eager" || one != "1")) continue;
            cuda_executor::set_order(one);
            cuda_executor::set_streams(kind);
            const std::uint64_t before = cuda_executor::live_allocations();
            const int failures = voxkern::test::failures();
            {
                const Stream stream;
                run(stream.exec());
            }
            EXPECT(cuda_executor::live_allocations() == before);
            if (voxkern::test::failures() != failures)
                std::printf("  in order %s, streams %s\n", one.c_str(), kind.c_str());
        }
    }
    cuda_executor::set_order(order);
    cuda_executor::set_streams(streams);
}

// Values in [0, 1), the same on every machine.
inline std::vector<float> noise(std::size_t n) {
    std::vector<float> values(n);
    std::uint32_t state = 1;
    for (float& v : values) {
        state = state * 1664525u + 1013904223u;
        v = static_cast<float>(state >> 8) / 16777216.0f;
    }
    return values;
}

}  // namespace executor_test

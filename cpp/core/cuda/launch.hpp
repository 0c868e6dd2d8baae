// SPDX-License-Identifier: Apache-2.0
// Launching kernels without <<<>>>, so that g++ reads the same source; an error names the kernel.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <string>
#include <utility>

#include "core/error.hpp"

namespace voxkern::cuda {

// Blocks along the x axis of a grid.
constexpr std::int64_t kMaxGridX = 2147483647;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

// `n` as the x extent of a grid; beyond `limit` blocks a kernel must stride.
constexpr unsigned grid_x(std::int64_t n, std::int64_t limit = kMaxGridX) {
    return static_cast<unsigned>(n < limit ? n : limit);
}

// `n` blocks as the x extent of a grid, for a kernel that does not stride.
inline unsigned blocks_x(std::int64_t n) {
    if (n > kMaxGridX) throw Error("got " + std::to_string(n) + " blocks of threads, allowed 2^31 - 1");
    return static_cast<unsigned>(n);
}

inline void check(cudaError_t status, const std::string& what) {
    if (status != cudaSuccess) throw Error(what + ": " + cudaGetErrorString(status));
}

inline cudaLaunchConfig_t config(dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream) {
    cudaLaunchConfig_t c = {};
    c.gridDim = grid;
    c.blockDim = block;
    c.dynamicSmemBytes = shared;
    c.stream = stream;
    return c;
}

// Throws what the launch of a kernel returned. No part of launch(): it would be compiled once per kernel.
[[noreturn]] inline void throw_launch_error(const char* name, const cudaLaunchConfig_t& c, cudaError_t status) {
    const auto triple = [](dim3 d) {
        return "(" + std::to_string(d.x) + ", " + std::to_string(d.y) + ", " + std::to_string(d.z) + ")";
    };
    throw Error(std::string("kernel ") + name + ", grid " + triple(c.gridDim) + ", block " + triple(c.blockDim) + ", " +
                std::to_string(c.dynamicSmemBytes) + " bytes of shared memory: " + cudaGetErrorString(status));
}

// Runs `kernel` on the stream of `c`; a grid without blocks runs nothing.
template <class... P, class... A>
void launch(const char* name, const cudaLaunchConfig_t& c, void (*kernel)(P...), A&&... arguments) {
    if (c.gridDim.x == 0 || c.gridDim.y == 0 || c.gridDim.z == 0) return;
    const cudaError_t status = cudaLaunchKernelEx(&c, kernel, std::forward<A>(arguments)...);
    if (status != cudaSuccess) throw_launch_error(name, c, status);
}

}  // namespace voxkern::cuda

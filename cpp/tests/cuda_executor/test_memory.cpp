// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <stdexcept>
#include <vector>

#include "support.hpp"

using namespace executor_test;
using voxkern::cuda::Exec;
using voxkern::cuda::Scratch;
using voxkern::cuda::upload;

TEST(memory, new_memory_is_nan) {
    const Stream stream;
    const Scratch<float> fresh(5, stream.exec());
    for (const float v : download(fresh, stream)) EXPECT(std::isnan(v));
}

TEST(memory, copies_stay_within_their_memory) {
    const Stream stream;
    std::vector<float> host(8);
    const Scratch<float> device = upload(std::vector<float>(8), stream.exec());
    const auto copy = [&](void* to, const void* from, std::size_t n, cudaMemcpyKind kind) {
        return cudaMemcpyAsync(to, from, n * sizeof(float), kind, stream);
    };
    EXPECT(copy(device.data(), host.data(), 8, cudaMemcpyHostToDevice) == cudaSuccess);
    EXPECT(copy(device.data() + 1, host.data(), 8, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    EXPECT(copy(host.data(), device.data(), 9, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
    EXPECT(copy(host.data(), device.data(), 8, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    EXPECT(copy(device.data(), host.data(), 8, cudaMemcpyDeviceToDevice) == cudaErrorInvalidValue);
    EXPECT(copy(host.data(), device.data(), 8, cudaMemcpyDefault) == cudaSuccess);
    EXPECT(cudaGetLastError() == cudaErrorInvalidValue && cudaGetLastError() == cudaSuccess);
}

TEST(memory, freed_once) {
    void* p = nullptr;
    const auto before = cuda_executor::live_allocations();
    EXPECT(cudaMalloc(&p, 10) == cudaSuccess && cuda_executor::live_allocations() == before + 1);
    EXPECT(cudaFree(p) == cudaSuccess && cuda_executor::live_allocations() == before);
    EXPECT(cudaFree(p) == cudaErrorInvalidValue);
    EXPECT(cudaFree(nullptr) == cudaSuccess);
    EXPECT(cudaGetLastError() == cudaErrorInvalidValue);
}

TEST(memory, scratch_is_freed_in_the_order_of_its_stream) {
    cuda_executor::set_streams("deferred");
    const Stream stream;
    const auto before = cuda_executor::live_allocations();
    { const Scratch<int> scratch(10, stream.exec()); }
    EXPECT(cuda_executor::live_allocations() == before + 1);
    cudaStreamSynchronize(stream);
    EXPECT(cuda_executor::live_allocations() == before);
    cuda_executor::set_streams("eager");
}

TEST(memory, settings_are_checked) {
    EXPECT_THROWS(std::invalid_argument, cuda_executor::set_order("sideways"));
    EXPECT_THROWS(std::invalid_argument, cuda_executor::set_order(""));
    EXPECT_THROWS(std::invalid_argument, cuda_executor::set_streams("lazy"));
}

// SPDX-License-Identifier: Apache-2.0
// Streams, events, graphs and copies: when work runs, and who waits.
#include <vector>

#include "kernels.hpp"
#include "support.hpp"

using namespace executor_test;
using voxkern::cuda::Exec;
using voxkern::cuda::Scratch;
using voxkern::cuda::upload;

namespace {

constexpr int kN = 20;
constexpr std::size_t kSize = kN * kN;

std::vector<float> transposed(const std::vector<float>& in) {
    std::vector<float> out(in.size());
    for (std::size_t k = 0; k < kSize; ++k) out[k % kN * kN + k / kN] = in[k];
    return out;
}

struct Deferred {
    Deferred() { cuda_executor::set_streams("deferred"); }
    ~Deferred() { cuda_executor::set_streams("eager"); }
};

struct Event {
    Event() { cudaEventCreateWithFlags(&handle, cudaEventDisableTiming); }
    ~Event() { cudaEventDestroy(handle); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    cudaEvent_t handle = nullptr;
};

}  // namespace

TEST(streams, a_graph_is_replayed) {
    const std::vector<float> in = noise(kSize);
    in_every_order([&](const Exec& exec) {
        const Scratch<float> a = upload(in, exec);
        const Scratch<float> b(kSize, exec);
        const auto before = cuda_executor::launches();
        cudaGraph_t graph = nullptr;
        cudaGraphExec_t replay = nullptr;
        EXPECT(cudaStreamBeginCapture(exec.stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
        transpose(a.data(), b.data(), 1, kN, kN, exec.stream);
        cudaMemcpyAsync(a.data(), b.data(), kSize * sizeof(float), cudaMemcpyDeviceToDevice, exec.stream);
        EXPECT(cudaStreamSynchronize(exec.stream) == cudaErrorStreamCaptureUnsupported);
        EXPECT(cudaStreamEndCapture(exec.stream, &graph) == cudaSuccess);
        EXPECT(cudaGraphInstantiate(&replay, graph) == cudaSuccess);
        EXPECT(cuda_executor::launches() == before);
        EXPECT(download(a, exec.stream) == in);
        for (int k = 0; k < 3; ++k) EXPECT(cudaGraphLaunch(replay, exec.stream) == cudaSuccess);
        EXPECT(cuda_executor::launches() == before + 3);
        EXPECT(download(a, exec.stream) == transposed(in));
        cudaGraphExecDestroy(replay);
        cudaGraphDestroy(graph);
    });
    cudaGetLastError();
}

TEST(streams, an_event_orders_two_streams) {
    const std::vector<float> in = noise(kSize);
    in_every_order([&](const Exec& exec) {
        const Stream other;
        const Event done;
        const Scratch<float> a = upload(in, exec);
        const Scratch<float> b(kSize, exec);
        transpose(a.data(), b.data(), 1, kN, kN, exec.stream);
        EXPECT(cudaEventRecord(done.handle, exec.stream) == cudaSuccess);
        EXPECT(cudaStreamWaitEvent(other, done.handle) == cudaSuccess);
        EXPECT(download(b.data(), kSize, other) == transposed(in));
    });
}

TEST(streams, the_event_of_a_destroyed_stream_is_over) {
    const Deferred deferred;
    const Event done;
    const Stream stream;
    const Scratch<float> a = upload(noise(kSize), stream.exec());
    {
        const Stream short_lived;
        cudaMemsetAsync(a.data(), 0, kSize * sizeof(float), short_lived);
        cudaEventRecord(done.handle, short_lived);
    }
    EXPECT(cudaStreamWaitEvent(stream, done.handle) == cudaSuccess);
    EXPECT(cudaStreamSynchronize(stream) == cudaSuccess);
}

TEST(streams, the_legacy_stream_waits_for_blocking_streams) {
    const Deferred deferred;
    cudaStream_t blocking = nullptr;
    cudaStreamCreateWithFlags(&blocking, cudaStreamDefault);
    const Stream apart;
    int* value = nullptr;
    int seen[2] = {};
    cudaMalloc(reinterpret_cast<void**>(&value), 2 * sizeof(int));
    cudaMemsetAsync(value, 0, sizeof(int), blocking);
    cudaMemsetAsync(value + 1, 0, sizeof(int), apart);
    cudaMemcpyAsync(seen, value, sizeof seen, cudaMemcpyDeviceToHost, cudaStreamLegacy);
    cudaStreamSynchronize(cudaStreamLegacy);
    EXPECT(seen[0] == 0 && seen[1] == -1);
    cudaMemsetAsync(value, 1, sizeof(int), nullptr);
    Event done;
    cudaEventRecord(done.handle, nullptr);
    EXPECT(cudaEventSynchronize(done.handle) == cudaSuccess);
    cudaMemcpyAsync(seen, value, sizeof(int), cudaMemcpyDeviceToHost, apart);
    cudaStreamSynchronize(apart);
    EXPECT(seen[0] == 0x01010101);
    cudaStreamDestroy(blocking);
    cudaFree(value);
}

TEST(streams, pageable_memory_may_be_freed_after_the_call) {
    const Deferred deferred;
    const Stream stream;
    std::vector<float> in = noise(kSize);
    const std::vector<float> expected = in;
    const Scratch<float> device = upload(in, stream.exec());
    in.assign(kSize, -1.0f);
    EXPECT(download(device, stream) == expected);
}

TEST(streams, memory_of_the_host_is_written_later) {
    const Deferred deferred;
    const Stream stream;
    int* pinned = nullptr;
    cudaMallocHost(reinterpret_cast<void**>(&pinned), sizeof(int));
    *pinned = 5;
    const Scratch<int> device = upload(std::vector<int>{7}, stream.exec());
    const auto copies = cuda_executor::copies_to_host();
    const auto waits = cuda_executor::synchronisations();
    cudaMemcpyAsync(pinned, device.data(), sizeof(int), cudaMemcpyDeviceToHost, stream);
    EXPECT(*pinned == 5 && cuda_executor::synchronisations() == waits);
    cudaStreamSynchronize(stream);
    EXPECT(*pinned == 7 && cuda_executor::synchronisations() == waits + 1);
    int pageable = 5;
    cudaMemcpyAsync(&pageable, device.data(), sizeof(int), cudaMemcpyDeviceToHost, stream);
    EXPECT(pageable == 5);
    cudaStreamSynchronize(stream);
    EXPECT(pageable == 7 && cuda_executor::synchronisations() == waits + 2);
    EXPECT(cuda_executor::copies_to_host() == copies + 2);
    cudaFreeHost(pinned);
}

TEST(streams, a_handle_must_name_a_stream) {
    cudaStream_t gone = nullptr;
    cudaStreamCreateWithFlags(&gone, cudaStreamNonBlocking);
    cudaStreamDestroy(gone);
    EXPECT(cudaStreamSynchronize(gone) == cudaErrorInvalidResourceHandle);
    EXPECT(cudaMemsetAsync(nullptr, 0, 0, gone) == cudaErrorInvalidResourceHandle);
    EXPECT(cudaStreamSynchronize(cudaStreamPerThread) == cudaSuccess);
    cudaGetLastError();
}

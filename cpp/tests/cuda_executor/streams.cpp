// SPDX-License-Identifier: Apache-2.0
// Streams are queues with one clock. Eager ones run work at once, deferred ones when the host must wait for it.
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "executor.hpp"
#include "internal.hpp"

struct Work {
    std::uint64_t at;
    std::function<void()> run;
};
struct Node {
    std::function<void()> run;
    std::uint64_t* counter;  // of its kind, or none
};
struct CUgraph_st {
    std::vector<Node> nodes;
};
struct CUgraphExec_st {
    std::vector<Node> nodes;
};
struct CUstream_st {
    std::deque<Work> queue;
    bool blocking = true;  // takes part in the order of the legacy stream
    std::unique_ptr<CUgraph_st> capture;
};
struct CUevent_st {
    CUstream_st* stream = nullptr;
    std::uint64_t at = 0;
};

namespace cuda_executor {
namespace {

CUstream_st legacy;
CUstream_st per_thread;
std::vector<CUstream_st*> created;
std::uint64_t now = 0;
std::uint64_t launch_count = 0;
std::uint64_t synchronisation_count = 0;
std::uint64_t copy_to_host_count = 0;

// The stream that a handle names, or none.
CUstream_st* resolve(cudaStream_t handle) {
    if (handle == nullptr || handle == cudaStreamLegacy || handle == &legacy) return &legacy;
    if (handle == cudaStreamPerThread || handle == &per_thread) return &per_thread;
    return std::find(created.begin(), created.end(), handle) != created.end() ? handle : nullptr;
}

void drain(CUstream_st& stream, std::uint64_t until);

void drain_blocking(std::uint64_t until) {
    drain(per_thread, until);
    for (CUstream_st* other : created) {
        if (other->blocking) drain(*other, until);
    }
}

// Runs what was enqueued up to `until`, each piece after what the legacy stream's rule puts before it.
void drain(CUstream_st& stream, std::uint64_t until) {
    while (!stream.queue.empty() && stream.queue.front().at <= until) {
        const Work work = std::move(stream.queue.front());
        stream.queue.pop_front();
        if (&stream == &legacy) {
            drain_blocking(work.at);
        } else if (stream.blocking) {
            drain(legacy, work.at);
        }
        work.run();
    }
}

void drain_all() {
    drain(legacy, now);
    drain_blocking(now);
    for (CUstream_st* stream : created) drain(*stream, now);
}

cudaError_t enqueue(cudaStream_t handle, std::function<void()> run, std::uint64_t* counter = nullptr) {
    CUstream_st* const stream = resolve(handle);
    if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
    if (stream->capture != nullptr) {
        stream->capture->nodes.push_back({std::move(run), counter});
        return cudaSuccess;
    }
    if (counter != nullptr) ++*counter;
    stream->queue.push_back({++now, std::move(run)});
    if (!settings().deferred) drain(*stream, now);
    return sticky_error();
}

cudaError_t wait_for(CUstream_st* stream) {
    if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
    if (stream->capture != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
    ++synchronisation_count;
    drain(*stream, now);
    return sticky_error();
}

bool capturing(cudaStream_t handle) {
    const CUstream_st* const stream = resolve(handle);
    return stream != nullptr && stream->capture != nullptr;
}

bool within_limits(const Launch& launch) {
    const dim3 g = launch.grid;
    const dim3 b = launch.block;
    const bool grid = g.x > 0 && g.y > 0 && g.z > 0 && g.x <= 2147483647u && g.y <= 65535 && g.z <= 65535;
    const bool block = b.x > 0 && b.y > 0 && b.z > 0 && b.x <= 1024 && b.y <= 1024 && b.z <= 64 &&
                       std::uint64_t{b.x} * b.y * b.z <= 1024;
    return grid && block && launch.shared <= shared_limit(launch.kernel);
}

void run_launch(const Launch& launch) {
    static unsigned serial = 0;
    if (sticky_error() != cudaSuccess) return;
    const DeviceAccess access;
    const Settings& s = settings();
    const std::string failure = run_blocks(launch, s.order, s.seed * 7919u + ++serial);
    if (!failure.empty()) kernel_failed(failure);
}

void copy(void* to, const void* from, std::size_t bytes) {
    const DeviceAccess access;
    std::memcpy(to, from, bytes);
}

}  // namespace

cudaError_t enqueue_launch(Launch launch, cudaStream_t stream) {
    const Hold hold(state_lock());
    if (!within_limits(launch)) return remember(cudaErrorInvalidConfiguration);
    return enqueue(stream, [launch = std::move(launch)] { run_launch(launch); }, &launch_count);
}

std::uint64_t launches() {
    const Hold hold(state_lock());
    return launch_count;
}

std::uint64_t synchronisations() {
    const Hold hold(state_lock());
    return synchronisation_count;
}

std::uint64_t copies_to_host() {
    const Hold hold(state_lock());
    return copy_to_host_count;
}

}  // namespace cuda_executor

using namespace cuda_executor;

// --- memory, in the order of a stream ------------------------------------------------------------------
cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t stream) {
    const Hold hold(state_lock());
    if (resolve(stream) == nullptr) return remember(cudaErrorInvalidResourceHandle);
    if (capturing(stream)) return remember(cudaErrorStreamCaptureUnsupported);  // a replay could not repeat it
    return cudaMalloc(memory, bytes);
}

cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
    const Hold hold(state_lock());
    if (memory == nullptr) return cudaSuccess;
    if (capturing(stream)) return remember(cudaErrorStreamCaptureUnsupported);
    if (place_of(memory) != Place::device) return remember(cudaErrorInvalidValue);
    return enqueue(stream, [memory] { free_device(memory); });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    if (bytes == 0) return cudaSuccess;
    const Hold hold(state_lock());
    const bool from_device = place_of(from) == Place::device;
    const bool to_device = place_of(to) == Place::device;
    const bool kind_from = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    const bool kind_to = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    if (kind != cudaMemcpyDefault && (kind_from != from_device || kind_to != to_device)) {
        return remember(cudaErrorInvalidValue);
    }
    if ((from_device && !is_device_range(from, bytes)) || (to_device && !is_device_range(to, bytes))) {
        return remember(cudaErrorInvalidValue);
    }
    // As CUDA does outside a graph: pageable memory is read before the call returns. It may be written later.
    const bool staged = !from_device && place_of(from) == Place::pageable && !capturing(stream);
    if (staged) {
        const auto* const first = static_cast<const unsigned char*>(from);
        auto bytes_read = std::make_shared<std::vector<unsigned char>>(first, first + bytes);
        return enqueue(stream, [=] { copy(to, bytes_read->data(), bytes); });
    }
    const bool to_host = from_device && !to_device;
    return enqueue(stream, [=] { copy(to, from, bytes); }, to_host ? &copy_to_host_count : nullptr);
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    const cudaError_t status = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
    return status != cudaSuccess ? status : cudaStreamSynchronize(nullptr);
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
    const Hold hold(state_lock());
    if (bytes > 0 && !is_device_range(memory, bytes)) return remember(cudaErrorInvalidValue);
    return enqueue(stream, [=] {
        const DeviceAccess access;
        std::memset(memory, value, bytes);
    });
}

// --- streams -----------------------------------------------------------------------------------------
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    const Hold hold(state_lock());
    *stream = new CUstream_st;
    (*stream)->blocking = (flags & cudaStreamNonBlocking) == 0;
    created.push_back(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    const Hold hold(state_lock());
    const auto found = std::find(created.begin(), created.end(), stream);
    if (found == created.end()) return remember(cudaErrorInvalidResourceHandle);
    drain(*stream, now);
    created.erase(found);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    const Hold hold(state_lock());
    return wait_for(resolve(stream));
}

cudaError_t cudaDeviceSynchronize() {
    const Hold hold(state_lock());
    ++synchronisation_count;
    drain_all();
    return sticky_error();
}

// --- events ------------------------------------------------------------------------------------------
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
    *event = new CUevent_st;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    const Hold hold(state_lock());
    if (resolve(stream) == nullptr) return remember(cudaErrorInvalidResourceHandle);
    if (capturing(stream)) return remember(cudaErrorStreamCaptureUnsupported);
    *event = {resolve(stream), ++now};
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    const Hold hold(state_lock());
    if (capturing(stream)) return remember(cudaErrorStreamCaptureUnsupported);
    return enqueue(stream, [recorded = *event] {
        CUstream_st* const other = recorded.stream == nullptr ? nullptr : resolve(recorded.stream);
        if (other != nullptr) drain(*other, recorded.at);  // a destroyed stream has done its work
    });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    const Hold hold(state_lock());
    ++synchronisation_count;
    CUstream_st* const stream = event->stream == nullptr ? nullptr : resolve(event->stream);
    if (stream != nullptr) drain(*stream, event->at);
    return sticky_error();
}

// --- graphs: a captured stream's work in its order -------------------------------------------------------
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    const Hold hold(state_lock());
    CUstream_st* const named = resolve(stream);
    if (named == nullptr) return remember(cudaErrorInvalidResourceHandle);
    if (named == &legacy || named->capture != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
    named->capture = std::make_unique<CUgraph_st>();
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    const Hold hold(state_lock());
    if (!capturing(stream)) return remember(cudaErrorInvalidValue);
    *graph = resolve(stream)->capture.release();
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
    *exec = new CUgraphExec_st{graph->nodes};
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    const Hold hold(state_lock());
    for (const auto& node : exec->nodes) {
        const cudaError_t status = enqueue(stream, node.run, node.counter);
        if (status != cudaSuccess) return status;
    }
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    delete exec;
    return cudaSuccess;
}

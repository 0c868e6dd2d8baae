// SPDX-License-Identifier: Apache-2.0
// Work that is enqueued many times: captured once as a CUDA graph, replayed by one call.
#pragma once

#include "core/cuda/launch.hpp"

namespace voxkern::cuda {

class Graph {
  public:
    // enqueue(stream) launches the kernels. It runs on a stream of its own, since the default stream cannot be
    // captured.
    template <class F>
    explicit Graph(const F& enqueue) {
        const CaptureStream stream;
        check(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal), "graph");
        cudaGraph_t graph = nullptr;
        try {
            enqueue(stream.handle);
        } catch (...) {
            cudaStreamEndCapture(stream.handle, &graph);
            if (graph != nullptr) cudaGraphDestroy(graph);
            throw;
        }
        check(cudaStreamEndCapture(stream.handle, &graph), "graph");
        const cudaError_t status = cudaGraphInstantiate(&exec_, graph, 0);
        cudaGraphDestroy(graph);
        check(status, "graph");
    }
    // CUDA keeps what has been launched until it is done.
    ~Graph() { cudaGraphExecDestroy(exec_); }
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    void launch(cudaStream_t stream) const { check(cudaGraphLaunch(exec_, stream), "graph"); }

  private:
    struct CaptureStream {
        CaptureStream() { check(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "graph"); }
        ~CaptureStream() { cudaStreamDestroy(handle); }
        CaptureStream(const CaptureStream&) = delete;
        CaptureStream& operator=(const CaptureStream&) = delete;

        cudaStream_t handle = nullptr;
    };

    cudaGraphExec_t exec_ = nullptr;
};

}  // namespace voxkern::cuda

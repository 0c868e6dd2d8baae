// SPDX-License-Identifier: Apache-2.0
#include "bindings/cuda_run.hpp"

#include <cuda_runtime_api.h>

#include <vector>

#include "bindings/gil.hpp"
#include "core/error.hpp"

namespace py = pybind11;

namespace voxkern::bindings {
namespace {

thread_local std::vector<std::uintptr_t> awaited;

// Leaked on purpose: it may be needed until the interpreter is gone.
py::object& allocate_function() {
    static auto* const function = new py::object();
    return *function;
}

cuda::Memory allocate(void* /*context*/, std::size_t bytes, cudaStream_t /*stream*/) {
    const GilHeld held;
    try {
        if (!allocate_function()) throw Error("scratch: no allocator is installed");
        py::object array = allocate_function()(bytes);
        const py::dict facts = array.attr("__cuda_array_interface__");
        cuda::Memory memory;
        memory.address = reinterpret_cast<void*>(facts["data"].cast<py::tuple>()[0].cast<std::uintptr_t>());
        memory.owner = array.release().ptr();
        return memory;
    } catch (py::error_already_set& error) {
        throw Error(std::string("scratch: ") + error.what());
    }
}

// CuPy's pool gives memory out again in the order of the stream it was taken on.
void release(void* /*context*/, cuda::Memory memory, cudaStream_t /*stream*/) {
    const GilHeld held;
    Py_DECREF(static_cast<PyObject*>(memory.owner));
}

void wait_on_device(cudaStream_t waiting, cudaStream_t other) {
    cudaEvent_t event = nullptr;
    cudaError_t status = cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    if (status == cudaSuccess) status = cudaEventRecord(event, other);
    if (status == cudaSuccess) status = cudaStreamWaitEvent(waiting, event, 0);
    if (event != nullptr) cudaEventDestroy(event);
    if (status != cudaSuccess) throw Error(std::string("stream: ") + cudaGetErrorString(status));
}

}  // namespace

std::string unavailable_reason() {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess) return cudaGetErrorString(status);
    return devices > 0 ? "" : "no CUDA device";
}

void set_allocator(py::object allocate) {
    allocate_function() = std::move(allocate);
}

void wait_for_stream(std::uintptr_t stream) {
    awaited.push_back(stream);
}

void forget_streams() {
    awaited.clear();
}

cuda::Exec exec_on(std::uintptr_t stream) {
    constexpr std::uintptr_t kLegacy = 1;  // CUDA's name for stream 0 where 0 would say "none"
    const std::vector<std::uintptr_t> others = std::move(awaited);
    awaited.clear();
    cuda::Exec exec;
    exec.stream = reinterpret_cast<cudaStream_t>(stream);
    exec.allocator.allocate = allocate;
    exec.allocator.release = release;
    for (const std::uintptr_t other : others) {
        const bool same = other == stream || (other == kLegacy && stream == 0);
        if (!same) wait_on_device(exec.stream, reinterpret_cast<cudaStream_t>(other));
    }
    return exec;
}

}  // namespace voxkern::bindings

// SPDX-License-Identifier: Apache-2.0
// _cuda.executor, in the executor's build alone: device memory, streams and counters for the tests in Python.
#include "executor.hpp"

#include <cuda_runtime_api.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

namespace voxkern::bindings {
namespace {

using Address = std::uintptr_t;

void check(cudaError_t status, const char* what) {
    if (status != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
}
cudaStream_t stream_at(Address handle) {
    return reinterpret_cast<cudaStream_t>(handle);
}
cudaEvent_t event_at(Address handle) {
    return reinterpret_cast<cudaEvent_t>(handle);
}

template <class T>
Address address(T* p) {
    return reinterpret_cast<Address>(p);
}

// --- DLPack 0.8, the layout that CuPy and torch exchange ---------------------------------------------------
struct DLTensor {
    void* data;
    std::int32_t device_type, device_id;
    std::int32_t ndim;
    std::uint8_t code, bits;
    std::uint16_t lanes;
    std::int64_t* shape;
    std::int64_t* strides;
    std::uint64_t byte_offset;
};
struct DLManagedTensor {
    DLTensor tensor;
    void* context;
    void (*deleter)(DLManagedTensor*);
};
constexpr std::int32_t kCuda = 2;

struct Exported {
    DLManagedTensor managed;
    std::vector<std::int64_t> shape, strides;
    PyObject* owner;
};

void release_exported(DLManagedTensor* managed) {
    const py::gil_scoped_acquire gil;
    auto* const exported = static_cast<Exported*>(managed->context);
    Py_DECREF(exported->owner);
    delete exported;
}

void release_capsule(PyObject* capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor") == 0) return;  // the consumer has it
    auto* const managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
    managed->deleter(managed);
}

// `strides` count elements.
py::object export_dlpack(Address data, std::vector<std::int64_t> shape, std::vector<std::int64_t> strides, int code,
                         int bits, const py::object& owner) {
    auto* const e = new Exported{{}, std::move(shape), std::move(strides), owner.inc_ref().ptr()};
    e->managed = {
        {reinterpret_cast<void*>(data), kCuda, 0, static_cast<std::int32_t>(e->shape.size()),
         static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(bits), 1, e->shape.data(), e->strides.data(), 0},
        e,
        release_exported};
    return py::reinterpret_steal<py::object>(PyCapsule_New(&e->managed, "dltensor", release_capsule));
}

// (data, shape, strides or None, code, bits, owner): the memory lives as long as the owner.
py::tuple import_dlpack(const py::object& capsule) {
    auto* const managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
    if (managed == nullptr) throw py::error_already_set();
    const DLTensor& t = managed->tensor;
    if (t.device_type != kCuda) throw std::invalid_argument("capsule: got memory of the host, allowed CUDA memory");
    const auto numbers = [&](const std::int64_t* from) -> py::object {
        if (from == nullptr) return py::none();
        py::tuple all(t.ndim);
        for (std::int32_t k = 0; k < t.ndim; ++k) all[static_cast<std::size_t>(k)] = from[k];
        return std::move(all);
    };
    PyCapsule_SetName(capsule.ptr(), "used_dltensor");
    const py::capsule owner(managed, [](void* p) {
        auto* const mine = static_cast<DLManagedTensor*>(p);
        if (mine->deleter != nullptr) mine->deleter(mine);
    });
    return py::make_tuple(address(t.data) + t.byte_offset, numbers(t.shape), numbers(t.strides), t.code, t.bits, owner);
}

// --- memory and streams ------------------------------------------------------------------------------
Address allocate_device(std::size_t bytes, Address stream) {
    void* memory = nullptr;
    check(cudaMallocAsync(&memory, bytes, stream_at(stream)), "malloc");
    return address(memory);
}

void copy_in(Address to, const py::buffer& from, Address stream) {
    const py::buffer_info host = from.request();
    const py::gil_scoped_release free_gil;
    check(cudaMemcpyAsync(reinterpret_cast<void*>(to), host.ptr, static_cast<std::size_t>(host.size * host.itemsize),
                          cudaMemcpyHostToDevice, stream_at(stream)),
          "copy_in");
}

void copy_out(const py::buffer& to, Address from, Address stream) {
    const py::buffer_info host = to.request(true);
    const py::gil_scoped_release free_gil;
    check(
        cudaMemcpyAsync(host.ptr, reinterpret_cast<const void*>(from),
                        static_cast<std::size_t>(host.size * host.itemsize), cudaMemcpyDeviceToHost, stream_at(stream)),
        "copy_out");
    check(cudaStreamSynchronize(stream_at(stream)), "copy_out");
}

Address create_stream(bool non_blocking) {
    cudaStream_t stream = nullptr;
    check(cudaStreamCreateWithFlags(&stream, non_blocking ? cudaStreamNonBlocking : cudaStreamDefault), "stream");
    return address(stream);
}

Address create_event() {
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "event");
    return address(event);
}

py::dict counters() {
    py::dict all;
    all["launches"] = cuda_executor::launches();
    all["synchronisations"] = cuda_executor::synchronisations();
    all["copies_to_host"] = cuda_executor::copies_to_host();
    all["live_allocations"] = cuda_executor::live_allocations();
    return all;
}

}  // namespace

void bind_cuda_executor(py::module_& cuda) {
    py::module_ m = cuda.def_submodule("executor", "CUDA on the CPU, for tests: memory, streams, counters, settings.");
    m.def("malloc", allocate_device, py::arg("bytes"), py::arg("stream"));
    m.def(
        "free_async",
        [](Address p, Address s) { check(cudaFreeAsync(reinterpret_cast<void*>(p), stream_at(s)), "free"); },
        py::arg("address"), py::arg("stream"));
    m.def("copy_in", copy_in, py::arg("to"), py::arg("buffer"), py::arg("stream"));
    m.def("copy_out", copy_out, py::arg("buffer"), py::arg("address"), py::arg("stream"));
    m.def("create_stream", create_stream, py::arg("non_blocking"));
    m.def("destroy_stream", [](Address s) { check(cudaStreamDestroy(stream_at(s)), "stream"); }, py::arg("stream"));
    m.def(
        "synchronize", [](Address s) { check(cudaStreamSynchronize(stream_at(s)), "synchronize"); }, py::arg("stream"),
        py::call_guard<py::gil_scoped_release>());
    m.def("create_event", create_event);
    m.def("destroy_event", [](Address e) { check(cudaEventDestroy(event_at(e)), "event"); }, py::arg("event"));
    m.def(
        "record", [](Address e, Address s) { check(cudaEventRecord(event_at(e), stream_at(s)), "record"); },
        py::arg("event"), py::arg("stream"));
    m.def(
        "wait", [](Address s, Address e) { check(cudaStreamWaitEvent(stream_at(s), event_at(e)), "wait"); },
        py::arg("stream"), py::arg("event"));
    m.def(
        "synchronize_event", [](Address e) { check(cudaEventSynchronize(event_at(e)), "synchronize"); },
        py::arg("event"), py::call_guard<py::gil_scoped_release>());
    m.def("export_dlpack", export_dlpack, py::arg("data"), py::arg("shape"), py::arg("strides"), py::arg("code"),
          py::arg("bits"), py::arg("owner"));
    m.def("import_dlpack", import_dlpack, py::arg("capsule"));
    m.def("counters", counters);
    m.def("set_order", cuda_executor::set_order, py::arg("order"));
    m.def("set_streams", cuda_executor::set_streams, py::arg("streams"));
    m.def("order", cuda_executor::order);
    m.def("streams", cuda_executor::streams);
    m.def("clear_error", cuda_executor::clear_error);
}

}  // namespace voxkern::bindings

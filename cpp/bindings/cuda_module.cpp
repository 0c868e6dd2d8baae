// SPDX-License-Identifier: Apache-2.0
// The _cuda extension: loaded by Python on the first GPU array, never before.
#include <cuda_runtime_api.h>
#include <pybind11/pybind11.h>

#include <string>

namespace py = pybind11;

#define VOXKERN_BIND(name)               \
    namespace voxkern::bindings {        \
    void bind_##name(py::module_& cuda); \
    }
#include "cuda_list.inc"
#undef VOXKERN_BIND

PYBIND11_MODULE(_cuda, module, py::mod_gil_not_used()) {
    module.doc() = "GPU kernels of voxkern. Private: the public functions are in the package.";
    module.attr("__version__") = VOXKERN_VERSION;
    module.def(
        "unavailable_reason",
        []() -> std::string {
            int devices = 0;
            const cudaError_t status = cudaGetDeviceCount(&devices);
            if (status != cudaSuccess) return cudaGetErrorString(status);
            return devices > 0 ? "" : "no CUDA device";
        },
        "Why no GPU can be used here; empty where one can.");

#define VOXKERN_BIND(name) voxkern::bindings::bind_##name(module);
#include "cuda_list.inc"
#undef VOXKERN_BIND
}

// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>

#include <cstdint>

#include "kernels/correlate1d/correlate1d_cuda.hpp"

namespace py = pybind11;

namespace voxkern::bindings {

void bind_cuda_correlate1d(py::module_& cuda) {
    cuda.def(
        "correlate1d",
        [](std::uintptr_t in, std::uintptr_t out, std::int64_t outer, std::int64_t n, std::int64_t inner,
           std::uintptr_t weights, std::int64_t size, std::int64_t origin, int mode, float cval, float divisor,
           std::uintptr_t stream) {
            voxkern::cuda::correlate1d(reinterpret_cast<const float*>(in), reinterpret_cast<float*>(out), outer, n,
                                       inner, reinterpret_cast<const float*>(weights), size, origin,
                                       static_cast<Boundary>(mode), cval, divisor,
                                       reinterpret_cast<cudaStream_t>(stream));
        },
        py::arg("input"), py::arg("output"), py::arg("outer"), py::arg("n"), py::arg("inner"), py::arg("weights"),
        py::arg("size"), py::arg("origin"), py::arg("mode"), py::arg("cval"), py::arg("divisor"), py::arg("stream"),
        "Filters device memory given by addresses; see correlate1d_cuda.hpp.");
}

}  // namespace voxkern::bindings

// SPDX-License-Identifier: Apache-2.0
// The border where C++ exceptions become the classes of voxkern._runtime.errors.
#pragma once

#include <pybind11/pybind11.h>

#include "core/error.hpp"
#if defined(VOXKERN_CUDA_MODULE)
#include "bindings/cuda_run.hpp"
#endif

namespace voxkern::bindings {

inline void raise_as(const char* name, const char* what) {
    const pybind11::object type = pybind11::module_::import("voxkern._runtime.errors").attr(name);
    PyErr_SetString(type.ptr(), what);
}

inline void register_errors() {
    pybind11::register_local_exception_translator([](std::exception_ptr pointer) {
#if defined(VOXKERN_CUDA_MODULE)
        forget_streams();
#endif
        try {
            if (pointer) std::rethrow_exception(pointer);
        } catch (const InvalidArgument& error) {
            raise_as("ArgumentError", error.what());
        } catch (const Error& error) {
            raise_as("VoxkernError", error.what());
        }
    });
}

}  // namespace voxkern::bindings

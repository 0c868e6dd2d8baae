// SPDX-License-Identifier: Apache-2.0
// The single place where Python arrays become views. Never converts, never copies: a dtype, byte
// order or alignment the kernels do not read is refused (the Python layer has dealt with it).
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::bindings {

namespace py = pybind11;

inline DType dtype_of(const py::array& array, const char* name) {
    const py::dtype dtype = array.dtype();
    const char order = dtype.byteorder();
    const bool native = order == '=' || order == '|' || order == (PY_BIG_ENDIAN ? '>' : '<');
    if (native) {
        switch (dtype.kind()) {
            case 'b': return DType::u8;
            case 'u':
                switch (dtype.itemsize()) {
                    case 1: return DType::u8;
                    case 2: return DType::u16;
                    case 4: return DType::u32;
                    case 8: return DType::u64;
                    default: break;
                }
                break;
            case 'i':
                switch (dtype.itemsize()) {
                    case 1: return DType::i8;
                    case 2: return DType::i16;
                    case 4: return DType::i32;
                    case 8: return DType::i64;
                    default: break;
                }
                break;
            case 'f':
                switch (dtype.itemsize()) {
                    case 2: return DType::f16;
                    case 4: return DType::f32;
                    case 8: return DType::f64;
                    default: break;
                }
                break;
            default: break;
        }
    }
    throw InvalidArgument(std::string(name) + ": got dtype " + py::str(dtype).cast<std::string>() +
                          ", allowed bool, integers, float16, float32 and float64 in native byte order");
}

template <class View>
void describe(const py::array& array, const char* name, View& view) {
    view.dtype = dtype_of(array, name);
    if (array.ndim() > kMaxRank) {
        throw InvalidArgument(std::string(name) + ": got " + std::to_string(array.ndim()) + " axes, allowed at most " +
                              std::to_string(kMaxRank));
    }
    view.rank = static_cast<int>(array.ndim());
    const std::int64_t itemsize = array.itemsize();
    bool aligned = reinterpret_cast<std::uintptr_t>(array.data()) % static_cast<std::uintptr_t>(itemsize) == 0;
    for (int a = 0; a < view.rank; ++a) {
        view.shape[a] = array.shape(a);
        view.strides[a] = array.strides(a) / itemsize;
        if (array.strides(a) % itemsize != 0 && array.shape(a) > 1) aligned = false;
    }
    if (!aligned) throw InvalidArgument(std::string(name) + ": got misaligned data or strides, allowed whole elements");
}

inline ConstArrayView view_of(const py::array& array, const char* name) {
    ConstArrayView view;
    view.data = array.data();
    describe(array, name, view);
    return view;
}

inline ArrayView writable_view_of(py::array& array, const char* name) {
    if (!array.writeable()) throw InvalidArgument(std::string(name) + ": got a read-only array, allowed writable");
    ArrayView view;
    view.data = array.mutable_data();
    describe(array, name, view);
    for (int a = 0; a < view.rank; ++a) {
        if (view.strides[a] == 0 && view.shape[a] > 1 && view.size() > 0) {
            throw InvalidArgument(std::string(name) + ": got a broadcast array, allowed distinct elements");
        }
    }
    return view;
}

inline bool same_shape(const ConstArrayView& a, const ArrayView& b) {
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; ++i) {
        if (a.shape[i] != b.shape[i]) return false;
    }
    return true;
}

// Runs f(exec) without the GIL; Ctrl-C is looked for on the calling thread while it runs.
template <class F>
void run_without_gil(int threads, F&& f) {
    const auto interrupted = [](void*) {
        const PyGILState_STATE state = PyGILState_Ensure();
        const bool yes = PyErr_CheckSignals() != 0;
        PyGILState_Release(state);
        return yes;
    };
    Cancellation cancellation(interrupted, nullptr);
    Exec exec;
    exec.threads = threads > 0 ? threads : default_threads();
    exec.cancellation = &cancellation;
    try {
        const py::gil_scoped_release released;
        f(exec);
    } catch (const Cancelled&) {
        throw py::error_already_set();
    }
}

}  // namespace voxkern::bindings

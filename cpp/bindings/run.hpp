// SPDX-License-Identifier: Apache-2.0
// How a bound call runs: without the GIL, on `threads` threads (_core) or on a CUDA stream (_cuda). One
// <name>_bind.cpp serves both modules: `run(where, [&](const auto& exec) { backend::name(in, out, exec); })`.
#pragma once

#include <pybind11/pybind11.h>

#include "bindings/gil.hpp"
#if defined(VOXKERN_CUDA_MODULE)
#include "bindings/cuda_run.hpp"
#else
#include <atomic>

#include "core/parallel.hpp"
#endif

namespace voxkern::cpu {}
namespace voxkern::cuda {}

namespace voxkern::bindings {

namespace py = pybind11;

#if defined(VOXKERN_CUDA_MODULE)

namespace backend = voxkern::cuda;

// The address of a stream; 0 is the default stream.
using Where = std::uintptr_t;
inline py::arg where() {
    return py::arg("stream");
}

template <class F>
void run(Where stream, F&& f) {
    const cuda::Exec exec = exec_on(stream);
    const GilReleased released;
    f(exec);
}

#else

namespace backend = voxkern::cpu;

// Threads that share the call; 0: the default number.
using Where = int;
inline py::arg where() {
    return py::arg("threads");
}

// Python's name of its main thread; set at import, and in a forked child.
inline std::atomic<unsigned long> main_thread{0};

// Ctrl-C is looked for while f runs, on the main thread alone: Python answers signals nowhere else, and taking the GIL
// from a busy thread costs a switch interval each time.
template <class F>
void run(Where threads, F&& f) {
    const auto interrupted = [](void*) {
        const GilHeld held;
        return PyErr_CheckSignals() != 0;
    };
    Cancellation cancellation(interrupted, nullptr);
    Exec exec;
    exec.threads = threads > 0 ? threads : default_threads();
    if (PyThread_get_thread_ident() == main_thread.load()) exec.cancellation = &cancellation;
    try {
        const GilReleased released;
        f(exec);
    } catch (const Cancelled&) {
        throw py::error_already_set();
    }
}

#endif

}  // namespace voxkern::bindings

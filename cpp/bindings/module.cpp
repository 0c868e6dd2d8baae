// SPDX-License-Identifier: Apache-2.0
// The extension modules, compiled twice: _core for the CPU, _cuda (VOXKERN_CUDA_MODULE) for GPU arrays, which Python
// loads on the first of them. Run-time facts are here, every kernel is in its own <name>_bind.cpp.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/errors.hpp"
#if defined(VOXKERN_CUDA_MODULE)
#include "bindings/cuda_run.hpp"
#else
#include "bindings/results.hpp"
#include "bindings/run.hpp"
#include "core/cpu.hpp"
#include "core/fork_safe.hpp"
#include "core/parallel.hpp"
#endif

namespace py = pybind11;

namespace voxkern::bindings {
void bind_types(py::module_& module);
void bind_mapping(py::module_& module);
}  // namespace voxkern::bindings
#define VOXKERN_BIND(name)                 \
    namespace voxkern::bindings {          \
    void bind_##name(py::module_& module); \
    }
#include VOXKERN_KERNEL_LIST
#undef VOXKERN_BIND

namespace {

void bind_kernels(py::module_& module) {
    module.doc() = "Compiled kernels of voxkern. Private: the public functions are in the package.";
    module.attr("__version__") = VOXKERN_VERSION;
    voxkern::bindings::register_errors();
    voxkern::bindings::bind_types(module);
#define VOXKERN_BIND(name) voxkern::bindings::bind_##name(module);
#include VOXKERN_KERNEL_LIST
#undef VOXKERN_BIND
}

}  // namespace

#if defined(VOXKERN_CUDA_MODULE)

PYBIND11_MODULE(_cuda, module, py::mod_gil_not_used()) {
    bind_kernels(module);
    module.def("unavailable_reason", &voxkern::bindings::unavailable_reason,
               "Why no GPU can be used here; empty where one can.");
    module.def("set_allocator", &voxkern::bindings::set_allocator, py::arg("allocate"),
               "`allocate(bytes)` returns an array of that many bytes on the current stream: scratch memory.");
}

#else

// The thread that forks is the main one of the child, as Python has it.
static const int fork_handler =
    voxkern::after_fork_in_child([] { voxkern::bindings::main_thread = PyThread_get_thread_ident(); });

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    using namespace voxkern;
    bindings::main_thread = py::module_::import("threading").attr("main_thread")().attr("ident").cast<unsigned long>();
    active_level();  // an impossible VOXKERN_CPU_LEVEL is refused at import, not in the first call
    bind_kernels(module);
    bindings::bind_mapping(module);
    module.def(
        "cpu_levels",
        [] {
            std::vector<std::string> names;
            for (const CpuLevel level : usable_levels()) names.emplace_back(to_string(level));
            return names;
        },
        "ISA levels this build carries and this processor runs, lowest first.");
    module.def("active_cpu_level", [] { return to_string(active_level()); }, "The ISA level calls run at.");
    module.def("set_cpu_level", &set_active_level, py::arg("level"), "Forces an ISA level (for tests).");
    module.def("available_threads", &available_threads, "CPUs this process may use.");
    module.def("default_threads", &default_threads, py::arg("worker"),
               "Threads of a call that asks for none; `worker`: in one of several processes that share the work.");
    module.def("set_default_threads", &set_default_threads, py::arg("n"), "0 returns to the environment's number.");
    module.def("empty", &bindings::empty, py::arg("shape"), py::arg("dtype"), py::arg("threads"),
               "A new array in C order. Its memory is kept for the next one when it is freed.");
    module.def("cached_bytes", &cached_bytes, "Memory kept for the next call.");
    module.def("cache_limit", &cache_limit, "Most bytes that are kept.");
    module.def("set_cache_limit", &set_cache_limit, py::arg("bytes"), "Keeps at most so many bytes.");
    module.def("release_memory", &release_memory, "Frees the memory kept for the next call.");
}

#endif

// SPDX-License-Identifier: Apache-2.0
// The _core extension: run-time facts here, every kernel in its own <name>_bind.cpp.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/errors.hpp"
#include "core/cpu.hpp"
#include "core/parallel.hpp"
#include "core/workspace.hpp"

namespace py = pybind11;

namespace voxkern::bindings {
void bind_types(py::module_& core);
}
#define VOXKERN_BIND(name)               \
    namespace voxkern::bindings {        \
    void bind_##name(py::module_& core); \
    }
#include "core_list.inc"
#undef VOXKERN_BIND

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    using namespace voxkern;
    module.doc() = "Compiled kernels of voxkern. Private: the public functions are in the package.";
    module.attr("__version__") = VOXKERN_VERSION;
    bindings::register_errors();
    active_level();  // an impossible VOXKERN_CPU_LEVEL is refused at import, not in the first call

    bindings::bind_types(module);
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
    module.def("default_threads", &default_threads, "Threads of a call that asks for none.");
    module.def("set_default_threads", &set_default_threads, py::arg("n"), "0 returns to the environment's number.");
    module.def("cached_workspace_bytes", &cached_workspace_bytes, "Temporary memory kept for the next call.");
    module.def("release_workspace", &release_workspace, "Frees the temporary memory kept for the next call.");

#define VOXKERN_BIND(name) voxkern::bindings::bind_##name(module);
#include "core_list.inc"
#undef VOXKERN_BIND
}

// SPDX-License-Identifier: Apache-2.0
// What the bindings of all kernels share: small argument types and checks.
#pragma once

#include <optional>
#include <vector>

#include "bindings/arrays.hpp"

namespace voxkern::bindings {

// A list or table of numbers: anything NumPy makes float64 of, or None.
using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;

inline std::vector<double> numbers(const Numbers& values) {
    return {values.data(), values.data() + values.size()};
}
inline std::vector<double> numbers(const std::optional<Numbers>& values) {
    return values ? numbers(*values) : std::vector<double>{};
}

// Message: "argument: got or allowed".
inline void expect(bool condition, const char* message) {
    if (!condition) throw InvalidArgument(message);
}

// Option classes and enums are defined in _core. _cuda takes them over from there, so that both modules
// accept the same objects: `if (!taken_over(module, "Name")) py::class_<...>(module, "Name") ...`.
inline bool taken_over([[maybe_unused]] py::module_& module, [[maybe_unused]] const char* name) {
#if defined(VOXKERN_CUDA_MODULE)
    module.attr(name) = py::module_::import("voxkern._core").attr(name);
    return true;
#else
    return false;
#endif
}

}  // namespace voxkern::bindings

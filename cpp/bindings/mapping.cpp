// SPDX-License-Identifier: Apache-2.0
// Compiled mappings, as scipy.ndimage.geometric_transform takes them: C functions in capsules. Part of _core alone.
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

// Writes where the grid point `index` looks the image up. It returns 0 where it failed, and may set a Python exception:
// it is called with the GIL held.
using Mapping = int (*)(std::intptr_t* index, double* coordinates, int grid_axes, int image_axes, void* user_data);

struct CompiledMapping {
    Mapping function;
    void* user_data;
    py::object capsule;
};

CompiledMapping open_capsule(const py::object& capsule, const std::optional<std::string>& name) {
    const char* const wanted = name ? name->c_str() : nullptr;
    expect(PyCapsule_IsValid(capsule.ptr(), wanted) != 0,
           "mapping: allowed a function, a LowLevelCallable or a capsule without a name");
    return {reinterpret_cast<Mapping>(PyCapsule_GetPointer(capsule.ptr(), wanted)), PyCapsule_GetContext(capsule.ptr()),
            capsule};
}

// Between two calls: other threads get a turn, and Ctrl-C is looked for.
bool interrupted(void* /*context*/) {
    { const GilReleased others_run; }
    return PyErr_CheckSignals() != 0;
}

void find_points(const CompiledMapping& mapping, const Array& output, Where /*one: a mapping needs the GIL*/) {
    constexpr std::int64_t kCalls = 4096;  // between two looks at the clock
    const ArrayView points = writable_view_of(output, "output");
    expect(points.dtype == DType::f64 && points.rank > 0 && (output.flags() & py::array::c_style) != 0,
           "output: allowed float64 in C order");
    const int grid_axes = points.rank - 1;
    const std::int64_t image_axes = points.shape[grid_axes];
    const std::int64_t count = points.size() / std::max<std::int64_t>(image_axes, 1);
    std::intptr_t index[kMaxRank] = {};
    double* point = static_cast<double*>(points.data);
    Cancellation cancellation(interrupted, nullptr);
    for (std::int64_t i = 0; i < count; ++i, point += image_axes) {
        std::fill_n(point, image_axes, 0.0);
        if (mapping.function(index, point, grid_axes, static_cast<int>(image_axes), mapping.user_data) == 0) {
            if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_RuntimeError, "mapping: reported failure");
            throw py::error_already_set();
        }
        for (int a = grid_axes - 1; a >= 0 && ++index[a] >= points.shape[a]; --a) index[a] = 0;
        const bool pauses = (i + 1) % kCalls == 0 || i + 1 == count;
        if (pauses && (PyErr_Occurred() != nullptr || cancellation.requested())) throw py::error_already_set();
    }
}

}  // namespace

void bind_mapping(py::module_& module) {
    py::class_<CompiledMapping>(module, "CompiledMapping", "A C function in a capsule of this name.")
        .def(py::init(&open_capsule), py::arg("capsule"), py::arg("name") = py::none());
    module.def("mapped_points", &find_points, py::arg("mapping"), py::arg("output"), where(),
               "Writes into `output`, (grid..., image axes), what the mapping says of every grid point.");
}

}  // namespace voxkern::bindings

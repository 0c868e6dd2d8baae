// SPDX-License-Identifier: Apache-2.0
#include "kernels/spline_filter/spline_filter.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {

void bind_spline_filter(py::module_& module) {
    using spline_filter::Options;
    if (!taken_over(module, "SplineFilterOptions")) {
        py::class_<Options>(module, "SplineFilterOptions", "Axes, order and mode of spline_filter.")
            .def(py::init([](std::vector<int> axes, int order, Boundary mode, bool float64) {
                     expect(order >= 0 && order <= 5, "order: allowed 0 to 5");
                     return Options{std::move(axes), order, mode, float64};
                 }),
                 py::kw_only(), py::arg("axes"), py::arg("order"), py::arg("mode"), py::arg("float64") = false);
    }
    module.def(
        "spline_filter",
        [](const Array& input, const Array& output, const Options& options, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            for (const int axis : options.axes) expect(axis >= 0 && axis < in.rank, "axes: out of range");
            run(where, [&](const auto& exec) { backend::spline_filter(in, out, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("options"), where(),
        "Samples to B-spline coefficients; `output` may be `input` itself.");
}

}  // namespace voxkern::bindings

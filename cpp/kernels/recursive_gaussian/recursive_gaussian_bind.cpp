// SPDX-License-Identifier: Apache-2.0
#include "kernels/recursive_gaussian/recursive_gaussian.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {

void bind_recursive_gaussian(py::module_& module) {
    using recursive_gaussian::Options;
    if (!taken_over(module, "RecursiveGaussianOptions")) {
        py::class_<Options>(module, "RecursiveGaussianOptions", "Axes, widths and mode of recursive_gaussian.")
            .def(py::init([](std::vector<int> axes, std::vector<double> sigma, Boundary mode, double cval) {
                     expect(axes.size() == sigma.size(), "sigma: allowed one per axis");
                     for (const double s : sigma) expect(s > 0.0 && s < 1e9, "sigma: allowed positive numbers");
                     return Options{std::move(axes), std::move(sigma), mode, cval};
                 }),
                 py::kw_only(), py::arg("axes"), py::arg("sigma"), py::arg("mode"), py::arg("cval") = 0.0);
    }
    module.def(
        "recursive_gaussian",
        [](const Array& input, const Array& output, const Options& options, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            for (const int axis : options.axes) expect(axis >= 0 && axis < in.rank, "axes: out of range");
            expect(!options.axes.empty(), "axes: allowed one or more");
            run(where, [&](const auto& exec) { backend::recursive_gaussian(in, out, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("options"), where(),
        "Smooths along axes at a cost that does not grow with sigma; `output` may be `input` itself.");
}

}  // namespace voxkern::bindings

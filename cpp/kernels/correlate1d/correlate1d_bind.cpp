// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate1d/correlate1d.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using correlate1d::AxisFilter;

void bind_axis_filter(py::module_& module) {
    py::class_<AxisFilter>(module, "AxisFilter", "One pass of correlate1d: a filter along one axis.")
        .def(py::init([](int axis, std::vector<double> weights, Boundary mode, std::int64_t origin, std::int64_t box) {
                 return AxisFilter{axis, std::move(weights), mode, 0.0, origin, box};
             }),
             py::kw_only(), py::arg("axis"), py::arg("weights"), py::arg("mode"), py::arg("origin") = 0,
             py::arg("box") = 0)
        .def_readonly("mode", &AxisFilter::mode);
}

void check(const AxisFilter& filter, const ConstArrayView& in) {
    expect(filter.axis >= 0 && filter.axis < in.rank, "axis: out of range");
    expect(filter.box == 0 || filter.weights.empty(), "box: got weights as well");
    expect(filter.before() >= 0 && filter.before() < filter.size(), "origin: outside the filter");
}

}  // namespace

void bind_correlate1d(py::module_& module) {
    if (!taken_over(module, "AxisFilter")) bind_axis_filter(module);
    module.def(
        "correlate1d",
        [](const Array& input, const Array& output, std::vector<AxisFilter> filters, double cval, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            for (AxisFilter& filter : filters) {
                check(filter, in);
                filter.cval = cval;
            }
            run(where, [&](const auto& exec) { backend::correlate1d(in, out, filters, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("filters"), py::arg("cval"), where(),
        "Applies the filters in order; `output` may be `input` itself.");
}

}  // namespace voxkern::bindings

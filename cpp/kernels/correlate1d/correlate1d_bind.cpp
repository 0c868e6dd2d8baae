// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate1d/correlate1d.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {

void bind_correlate1d(py::module_& core) {
    py::class_<AxisFilter>(core, "AxisFilter", "One pass of correlate1d: a filter along one axis.")
        .def(py::init([](int axis, std::vector<double> weights, Boundary mode, double cval, std::int64_t origin,
                         double divisor) { return AxisFilter{axis, std::move(weights), mode, cval, origin, divisor}; }),
             py::arg("axis"), py::arg("weights"), py::arg("mode"), py::arg("cval"), py::arg("origin"),
             py::arg("divisor"));
    core.def(
        "correlate1d",
        [](const py::array& input, const py::array& output, const std::vector<AxisFilter>& filters, int threads) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            if (!same_shape(in, out)) throw InvalidArgument("output: its shape differs from the input's");
            for (const AxisFilter& filter : filters) {
                const auto size = static_cast<std::int64_t>(filter.weights.size());
                const std::int64_t before = size / 2 + filter.origin;
                if (filter.axis < 0 || filter.axis >= in.rank) throw InvalidArgument("axis: out of range");
                if (before < 0 || before >= size) throw InvalidArgument("origin: outside the filter");
            }
            run(threads, [&](const Exec& exec) { correlate1d(in, out, filters, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("filters"), py::arg("threads"),
        "Applies the filters in order; `output` may be `input` itself. threads=0: the default number.");
}

}  // namespace voxkern::bindings

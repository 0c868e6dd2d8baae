// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate/correlate.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

correlate::Filter filter_of(const Numbers& weights, std::vector<std::int64_t> origins, Boundary mode) {
    correlate::Filter filter;
    filter.shape.assign(weights.shape(), weights.shape() + weights.ndim());
    filter.weights = numbers(weights);
    filter.origins = std::move(origins);
    filter.mode = mode;
    expect(filter.origins.size() == filter.shape.size(), "origins: allowed one for each axis of the weights");
    for (std::size_t a = 0; a < filter.shape.size(); ++a) {
        const std::int64_t before = filter.shape[a] / 2 + filter.origins[a];
        expect(before >= 0 && before < filter.shape[a], "origins: outside the weights");
    }
    return filter;
}

}  // namespace

void bind_correlate(py::module_& module) {
    if (!taken_over(module, "CorrelateFilter")) {
        py::class_<correlate::Filter>(module, "CorrelateFilter",
                                      "Weights of correlate, one axis for each of the array's.")
            .def(py::init(&filter_of), py::kw_only(), py::arg("weights"), py::arg("origins"), py::arg("mode"))
            .def_readonly("mode", &correlate::Filter::mode);
    }
    module.def(
        "correlate",
        [](const Array& input, const Array& output, correlate::Filter filter, double cval, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            // Behind the last axis of the weights the array may have more: channels, or parts of complex numbers.
            expect(static_cast<std::size_t>(in.rank) >= filter.shape.size(), "input: got fewer axes than the weights");
            filter.shape.resize(static_cast<std::size_t>(in.rank), 1);
            filter.origins.resize(static_cast<std::size_t>(in.rank), 0);
            filter.cval = cval;
            run(where, [&](const auto& exec) { backend::correlate(in, out, filter, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("filter"), py::arg("cval"), where(),
        "Correlates an array with weights; `output` shares no memory with `input`.");
}

}  // namespace voxkern::bindings

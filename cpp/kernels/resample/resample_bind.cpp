// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using resample::AxisSampling;
using resample::Options;

void bind_resample_types(py::module_& module) {
    if (!taken_over(module, "AxisSampling")) {
        py::class_<AxisSampling>(module, "AxisSampling", "Where the output samples of an axis lie, in input indices.")
            .def(py::init([](const Numbers& coordinates, double antialias_sigma) {
                     expect(coordinates.ndim() == 1, "coordinates: allowed a list of numbers");
                     return AxisSampling{numbers(coordinates), antialias_sigma};
                 }),
                 py::arg("coordinates"), py::arg("antialias_sigma") = 0.0);
    }
    if (!taken_over(module, "ResampleOptions")) {
        py::class_<Options>(module, "ResampleOptions", "How resample interpolates.")
            .def(py::init([](const Interpolator& kernel, Boundary mode, double cval, bool prefilter, bool clip,
                             bool float64) { return Options{kernel, mode, cval, prefilter, clip, float64}; }),
                 py::kw_only(), py::arg("kernel"), py::arg("mode"), py::arg("cval") = 0.0, py::arg("prefilter") = true,
                 py::arg("clip") = false, py::arg("float64") = false);
    }
}

void check(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes) {
    expect(in.rank == out.rank && static_cast<int>(axes.size()) == in.rank,
           "axes: input, output and samplings need the same number of axes");
    for (int a = 0; a < in.rank; ++a) {
        const auto samples = static_cast<std::int64_t>(axes[static_cast<std::size_t>(a)].coordinates.size());
        expect(samples == out.shape[a], "output: its shape differs from the samplings");
        expect(in.shape[a] != 0 || out.shape[a] == 0, "input: got an empty axis");
    }
}

}  // namespace

void bind_resample(py::module_& module) {
    bind_resample_types(module);
    module.def(
        "resample",
        [](const Array& input, const Array& output, const std::vector<AxisSampling>& axes, const Options& options,
           Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check(in, out, axes);
            run(where, [&](const auto& exec) { backend::resample(in, out, axes, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axes"), py::arg("options"), where(),
        "Interpolates `input` at the grid of `axes` into `output`.");
}

}  // namespace voxkern::bindings

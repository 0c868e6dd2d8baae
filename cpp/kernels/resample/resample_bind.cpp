// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {

void bind_resample(py::module_& core) {
    py::class_<AxisSampling>(core, "AxisSampling", "Where the output samples of one axis lie, in input indices.")
        .def(py::init([](const py::array_t<double>& coordinates, double antialias_sigma, bool coefficients) {
                 const auto c = coordinates.unchecked<1>();
                 AxisSampling axis;
                 axis.antialias_sigma = antialias_sigma;
                 axis.coefficients = coefficients;
                 for (py::ssize_t i = 0; i < c.shape(0); ++i) axis.coordinates.push_back(c(i));
                 return axis;
             }),
             py::arg("coordinates"), py::arg("antialias_sigma") = 0.0, py::arg("coefficients") = false);
    core.def(
        "resample",
        [](const py::array& input, const py::array& output, std::vector<AxisSampling> axes, const Interpolator& kernel,
           Boundary mode, double cval, bool prefilter, bool clip, int threads, bool float64) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            if (in.rank != out.rank || static_cast<int>(axes.size()) != in.rank) {
                throw InvalidArgument("axes: input, output and samplings need the same number of axes");
            }
            for (int a = 0; a < in.rank; ++a) {
                if (static_cast<std::int64_t>(axes[static_cast<std::size_t>(a)].coordinates.size()) != out.shape[a]) {
                    throw InvalidArgument("output: its shape differs from the samplings");
                }
                const AxisSampling& axis = axes[static_cast<std::size_t>(a)];
                if (axis.coefficients && in.shape[a] != out.shape[a]) {
                    throw InvalidArgument("output: coefficients have the shape of the input");
                }
                if (in.shape[a] == 0 && out.shape[a] != 0) throw InvalidArgument("input: got an empty axis");
            }
            ResampleParams params;
            params.axes = std::move(axes);
            params.kernel = kernel;
            params.mode = mode;
            params.cval = cval;
            params.prefilter = prefilter;
            params.clip = clip;
            params.float64 = float64;
            run(threads, [&](const Exec& exec) { resample(in, out, params, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axes"), py::arg("kernel"), py::arg("mode"), py::arg("cval"),
        py::arg("prefilter"), py::arg("clip"), py::arg("threads"), py::arg("float64") = false,
        "Interpolates `input` at the grid of `axes` into `output`. threads=0: the default number.");
}

}  // namespace voxkern::bindings

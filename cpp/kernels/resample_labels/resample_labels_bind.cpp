// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample_labels/resample_labels.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using resample_labels::Coordinates;
using resample_labels::Rule;

void check_labels(const ConstArrayView& in, const ArrayView& out, const resample_labels::Options& options) {
    expect(in.rank >= 1 && in.rank <= resample_labels::kMaxAxes && in.rank == out.rank,
           "input: allowed 1 to 8 axes, as the output");
    expect(!is_float(in.dtype) && in.dtype == out.dtype, "output: allowed integers of the input's dtype");
    expect(options.rule != Rule::gaussian || options.sigma.size() == static_cast<std::size_t>(in.rank),
           "sigma: allowed one number per axis");
    for (const double s : options.sigma) expect(s > 0.0, "sigma: allowed numbers above zero");
    for (int a = 0; a < in.rank; ++a) expect(in.shape[a] > 0 || out.shape[a] == 0, "input: got an empty axis");
}

Coordinates coordinates_of(const std::vector<Numbers>& axes, const ArrayView& out) {
    expect(static_cast<int>(axes.size()) == out.rank, "axes: allowed one list of coordinates per axis");
    Coordinates all;
    for (int a = 0; a < out.rank; ++a) {
        all.push_back(numbers(axes[static_cast<std::size_t>(a)]));
        expect(static_cast<std::int64_t>(all.back().size()) == out.shape[a], "output: its shape differs from the axes");
    }
    return all;
}

void bind_label_options(py::module_& module) {
    if (!taken_over(module, "LabelRule")) {
        py::native_enum<Rule>(module, "LabelRule", "enum.Enum", "Which label an output voxel takes.")
            .value("nearest", Rule::nearest)
            .value("argmax", Rule::argmax)
            .value("half", Rule::half)
            .value("gaussian", Rule::gaussian)
            .finalize();
    }
    if (!taken_over(module, "LabelOptions")) {
        py::class_<resample_labels::Options>(module, "LabelOptions", "How labels are brought onto another grid.")
            .def(py::init([](Rule rule, Boundary mode, std::int64_t cval, std::vector<double> sigma, double alpha) {
                     return resample_labels::Options{rule, mode, cval, std::move(sigma), alpha};
                 }),
                 py::kw_only(), py::arg("rule"), py::arg("mode"), py::arg("cval") = 0,
                 py::arg("sigma") = std::vector<double>(), py::arg("alpha") = 1.0);
    }
}

}  // namespace

void bind_resample_labels(py::module_& module) {
    bind_label_options(module);
    module.def(
        "resample_labels",
        [](const Array& input, const Array& output, const std::vector<Numbers>& axes,
           const resample_labels::Options& options, Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check_labels(in, out, options);
            const Coordinates coordinates = coordinates_of(axes, out);
            run(where_, [&](const auto& exec) { backend::resample_labels(in, out, coordinates, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axes"), py::arg("options"), where(),
        "A label map onto the grid of `axes`.");
    module.def(
        "warp_labels",
        [](const Array& input, const Array& output, const Numbers& offset, const Numbers& matrix,
           const resample_labels::Options& options, Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check_labels(in, out, options);
            const auto n = static_cast<py::ssize_t>(in.rank);
            expect(offset.size() == n && matrix.size() == n * n, "offset, matrix: allowed n and n x n numbers");
            const std::vector<double> origin = numbers(offset);
            const std::vector<double> steps = numbers(matrix);
            run(where_, [&](const auto& exec) { backend::warp_labels(in, out, origin, steps, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("offset"), py::arg("matrix"), py::arg("options"), where(),
        "A label map onto the grid whose point o lies at offset + matrix o.");
    module.def(
        "resample_argmax",
        [](const Array& input, const Array& output, const std::vector<Numbers>& axes, Boundary mode, Where where_) {
            const ConstArrayView scores = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(out.rank >= 1 && out.rank <= 3 && scores.rank == out.rank + 1,
                   "input: allowed (classes, 1 to 3 axes)");
            for (int a = 0; a < scores.rank; ++a) expect(scores.shape[a] > 0, "input: got an empty axis");
            expect(!is_float(out.dtype), "output: allowed integers");
            const Coordinates coordinates = coordinates_of(axes, out);
            run(where_, [&](const auto& exec) { backend::resample_argmax(scores, out, coordinates, mode, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axes"), py::arg("mode"), where(),
        "The class with the highest score, interpolated linearly at the grid of `axes`.");
}

}  // namespace voxkern::bindings

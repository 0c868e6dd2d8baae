// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample_labels/resample_labels.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

bool is_integer(DType dtype) {
    return dtype != DType::f16 && dtype != DType::f32 && dtype != DType::f64;
}

void check_labels(const ConstArrayView& in, const ArrayView& out, const LabelParams& params) {
    expect(in.rank >= 1 && in.rank <= kMaxLabelAxes && in.rank == out.rank,
           "input: allowed 1 to 8 axes, as the output");
    expect(is_integer(in.dtype) && in.dtype == out.dtype, "output: allowed integers of the input's dtype");
    expect(params.rule != LabelRule::gaussian || params.sigma.size() == static_cast<std::size_t>(in.rank),
           "sigma: allowed one number per axis");
    for (const double s : params.sigma) expect(s > 0.0, "sigma: allowed numbers above zero");
    for (int a = 0; a < in.rank; ++a) expect(in.shape[a] > 0 || out.shape[a] == 0, "input: got an empty axis");
}

std::vector<std::vector<double>> grid_of(const std::vector<Numbers>& axes, const ArrayView& out) {
    expect(static_cast<int>(axes.size()) == out.rank, "axes: allowed one list of coordinates per axis");
    std::vector<std::vector<double>> grid;
    for (int a = 0; a < out.rank; ++a) {
        grid.push_back(numbers(axes[static_cast<std::size_t>(a)]));
        expect(static_cast<std::int64_t>(grid.back().size()) == out.shape[a],
               "output: its shape differs from the axes");
    }
    return grid;
}

}  // namespace

void bind_resample_labels(py::module_& core) {
    py::native_enum<LabelRule>(core, "LabelRule", "enum.Enum", "Which label an output voxel takes.")
        .value("nearest", LabelRule::nearest)
        .value("argmax", LabelRule::argmax)
        .value("half", LabelRule::half)
        .value("gaussian", LabelRule::gaussian)
        .finalize();
    core.def(
        "resample_labels",
        [](const py::array& input, const py::array& output, const std::vector<Numbers>& axes, LabelRule rule,
           Boundary mode, std::int64_t cval, const Numbers& sigma, double alpha, int threads) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            const LabelParams params = {rule, mode, cval, numbers(sigma), alpha};
            check_labels(in, out, params);
            const std::vector<std::vector<double>> grid = grid_of(axes, out);
            run(threads, [&](const Exec& exec) { resample_labels(in, out, grid, params, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axes"), py::arg("rule"), py::arg("mode"), py::arg("cval"),
        py::arg("sigma"), py::arg("alpha"), py::arg("threads"), "A label map onto the grid of `axes`.");
    core.def(
        "warp_labels",
        [](const py::array& input, const py::array& output, const Numbers& offset, const Numbers& matrix,
           LabelRule rule, Boundary mode, std::int64_t cval, const Numbers& sigma, double alpha, int threads) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            const LabelParams params = {rule, mode, cval, numbers(sigma), alpha};
            check_labels(in, out, params);
            const auto n = static_cast<py::ssize_t>(in.rank);
            expect(offset.size() == n && matrix.size() == n * n, "offset, matrix: allowed n and n x n numbers");
            run(threads,
                [&](const Exec& exec) { warp_labels(in, out, numbers(offset), numbers(matrix), params, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("offset"), py::arg("matrix"), py::arg("rule"), py::arg("mode"),
        py::arg("cval"), py::arg("sigma"), py::arg("alpha"), py::arg("threads"),
        "A label map onto the grid whose point o lies at offset + matrix o.");
    core.def(
        "resample_argmax",
        [](const py::array& input, const py::array& output, const std::vector<Numbers>& axes, Boundary mode,
           int threads) {
            const ConstArrayView scores = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(out.rank >= 1 && out.rank <= 3 && scores.rank == out.rank + 1,
                   "input: allowed (classes, 1 to 3 axes)");
            for (int a = 0; a < scores.rank; ++a) expect(scores.shape[a] > 0, "input: got an empty axis");
            expect(is_integer(out.dtype), "output: allowed integers");
            const std::vector<std::vector<double>> grid = grid_of(axes, out);
            run(threads, [&](const Exec& exec) { resample_argmax(scores, out, grid, mode, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axes"), py::arg("mode"), py::arg("threads"),
        "The class with the highest score, interpolated linearly at the grid of `axes`.");
}

}  // namespace voxkern::bindings

// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample_plan.hpp"

#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using resample::AxisSampling;

using Places = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

AxisSampling sampling_of_weights(const Places& samples, const Numbers& weights) {
    expect(samples.ndim() == 2 && weights.ndim() == 2 && samples.shape(0) == weights.shape(0) &&
               samples.shape(1) == weights.shape(1) && samples.size() > 0,
           "samples, weights: allowed two tables of one shape");
    AxisSampling axis;
    axis.coordinates.resize(static_cast<std::size_t>(samples.shape(0)));
    axis.samples.assign(samples.data(), samples.data() + samples.size());
    axis.weights = numbers(weights);
    return axis;
}

void bind_resample_types(py::module_& module) {
    if (!taken_over(module, "AxisSampling")) {
        py::class_<AxisSampling>(module, "AxisSampling", "Where the output samples of an axis lie, in input indices.")
            .def(py::init([](const Numbers& coordinates, double antialias_sigma, double cell) {
                     expect(coordinates.ndim() == 1, "coordinates: allowed a list of numbers");
                     expect(cell >= 0.0 && cell < 1e15, "cell: allowed 0 (a point) or the width of a cell");
                     return AxisSampling{numbers(coordinates), antialias_sigma, cell};
                 }),
                 py::arg("coordinates"), py::arg("antialias_sigma") = 0.0, py::arg("cell") = 0.0)
            .def_static("of_weights", &sampling_of_weights, py::arg("samples"), py::arg("weights"),
                        "Output samples as weighted sums of input samples, a row each.");
    }
    if (!taken_over(module, "ResampleOptions")) {
        py::class_<resample::Options>(module, "ResampleOptions", "How resample interpolates.")
            .def(py::init([](const Interpolator& kernel, Boundary mode, double cval, bool prefilter, bool clip,
                             bool float64, std::vector<int> clip_axes) {
                     return resample::Options{kernel, mode, cval, prefilter, clip, float64, std::move(clip_axes)};
                 }),
                 py::kw_only(), py::arg("kernel"), py::arg("mode"), py::arg("cval") = 0.0, py::arg("prefilter") = true,
                 py::arg("clip") = false, py::arg("float64") = false, py::arg("clip_axes") = std::vector<int>{});
    }
}

void check(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
           const resample::Options& options) {
    expect(in.rank > 0, "input: got no axes, allowed at least one");
    expect(in.rank == out.rank && static_cast<int>(axes.size()) == in.rank,
           "axes: input, output and samplings need the same number of axes");
    const bool plain = options.kernel.taps() == 1 && std::all_of(axes.begin(), axes.end(), [](const auto& axis) {
                           return axis.antialias_sigma == 0.0;
                       });
    for (int a = 0; a < in.rank; ++a) {
        const auto samples = static_cast<std::int64_t>(axes[static_cast<std::size_t>(a)].coordinates.size());
        expect(samples == out.shape[a], "output: its shape differs from the samplings");
        expect(in.shape[a] != 0 || out.shape[a] == 0, "input: got an empty axis");
        const AxisSampling& axis = axes[static_cast<std::size_t>(a)];
        expect(!axis.sums() || plain, "axes: cells and weights are allowed for order 0 without antialiasing");
        const auto inside = [&](std::int64_t i) { return i >= 0 && i < in.shape[a]; };
        expect(std::all_of(axis.samples.begin(), axis.samples.end(), inside), "samples: allowed those of the axis");
    }
    const std::vector<int> changed = resample::changed_axes(in, axes, options);
    for (const int a : options.clip_axes) {
        const bool stays = std::find(changed.begin(), changed.end(), a) == changed.end();
        expect(a >= 0 && a < in.rank && stays, "clip_axes: allowed axes that are not resampled");
    }
}

}  // namespace

void bind_resample(py::module_& module) {
    bind_resample_types(module);
    module.def(
        "resample",
        [](const Array& input, const Array& output, const std::vector<AxisSampling>& axes, resample::Options options,
           Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check(in, out, axes, options);
            if (layout_of(output, "output").kind == 'b') {  // splines leave the range of zeros and ones
                options.boolean = options.kernel.taps() > 1 || layout_of(input, "input").kind != 'b';
                options.cval = std::clamp(options.cval, 0.0, 1.0);
            }
            run(where, [&](const auto& exec) { backend::resample(in, out, axes, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axes"), py::arg("options"), where(),
        "Interpolates `input` at the grid of `axes` into `output`.");
}

}  // namespace voxkern::bindings

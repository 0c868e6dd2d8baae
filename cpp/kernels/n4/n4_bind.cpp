// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4.hpp"

#include <pybind11/functional.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <optional>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using AxisList = std::vector<std::tuple<double, double, std::int64_t>>;  // first, step, total per axis
using Callback = py::typing::Callable<void(std::int64_t, std::int64_t, double)>;

std::vector<n4::Axis> axes_of(const AxisList& list) {
    std::vector<n4::Axis> axes;
    for (const auto& [first, step, total] : list) axes.push_back({first, step, total});
    return axes;
}

std::optional<ConstArrayView> view_like(const std::optional<Array>& array, const ConstArrayView& in, const char* name) {
    if (!array) return std::nullopt;
    const ConstArrayView view = view_of(*array, name);
    for (int a = 0; a < in.rank; ++a) {
        if (view.rank != in.rank || view.shape[a] != in.shape[a]) {
            throw InvalidArgument(std::string(name) + ": its shape differs from the image's");
        }
    }
    return view;
}

const ConstArrayView* pointer(const std::optional<ConstArrayView>& view) {
    return view ? &*view : nullptr;
}

void bind_options(py::module_& module) {
    if (taken_over(module, "N4Options")) return;
    py::class_<n4::Options>(module, "N4Options", "How n4 fits; see vk.n4_bias_field_correction.")
        .def(py::init([](std::vector<std::int64_t> iterations, double threshold, bool watched,
                         std::vector<std::int64_t> controls, int spline_order, std::int64_t bins, double fwhm,
                         double noise, bool itk, const AxisList& axes, const AxisList& voxel_axes,
                         std::optional<double> mask_label, bool mean_preserving) {
                 expect(axes.size() == controls.size(), "control_points: got another number of axes");
                 expect(axes.size() == voxel_axes.size(), "voxel_axes: got another number of axes");
                 return n4::Options{std::move(iterations),
                                    threshold,
                                    watched,
                                    std::move(controls),
                                    spline_order,
                                    bins,
                                    fwhm,
                                    noise,
                                    itk,
                                    axes_of(axes),
                                    mask_label,
                                    axes_of(voxel_axes),
                                    mean_preserving};
             }),
             py::kw_only(), py::arg("iterations"), py::arg("convergence_threshold"), py::arg("watched"),
             py::arg("control_points"), py::arg("spline_order"), py::arg("bins"), py::arg("fwhm"), py::arg("noise"),
             py::arg("itk"), py::arg("axes"), py::arg("voxel_axes"), py::arg("mask_label") = py::none(),
             py::arg("mean_preserving") = false);
}

void bind_fit(py::module_& module) {
    if (taken_over(module, "N4Fit")) return;
    py::class_<n4::Fit>(module, "N4Fit", "What n4 found.")
        .def_property_readonly("lattice",
                               [](const n4::Fit& fit) {
                                   py::array_t<float> lattice(fit.lattice.shape);
                                   std::copy(fit.lattice.coefficients.begin(), fit.lattice.coefficients.end(),
                                             lattice.mutable_data());
                                   return lattice;
                               })
        .def_property_readonly("trace",
                               [](const n4::Fit& fit) {
                                   std::vector<std::tuple<std::int64_t, std::int64_t, double>> trace;
                                   for (const n4::Step& s : fit.trace) {
                                       trace.emplace_back(s.level, s.iteration, s.convergence);
                                   }
                                   return trace;
                               })
        .def_readonly("voxels", &n4::Fit::voxels)
        .def_readonly("not_positive", &n4::Fit::not_positive)
        .def_readonly("mean_log_field", &n4::Fit::mean_log_field);
}

n4::Fit correct(const Array& samples, const std::optional<Array>& mask, const std::optional<Array>& weights,
                const Array& input, const Array& output, const std::optional<Array>& field, const n4::Options& options,
                const std::optional<Callback>& callback, Where where_) {
    const ConstArrayView image = view_of(samples, "x");
    expect(image.rank >= 1 && image.rank <= 3, "x: allowed 1 to 3 axes");
    expect(image.size() > 0, "x: got no voxel, allowed at least two");
    expect(static_cast<int>(options.axes.size()) == image.rank, "axes: got another number of axes");
    const auto inside = view_like(mask, image, "mask");
    const auto weight = view_like(weights, image, "weights");
    n4::Target target{view_of(input, "x"), writable_view_of(output, "output")};
    expect(target.in.rank == image.rank && same_shape(target.in, target.out), "output: its shape differs");
    ArrayView divisor;
    if (field) {
        divisor = writable_view_of(*field, "field");
        expect(same_shape(target.in, divisor), "field: its shape differs from the image's");
        target.field = &divisor;
    }
    n4::Observer observer;
    if (callback) {
        observer = [&callback](const n4::Step& step) {
            const GilHeld held;
            const auto call = [&] {
                return PyObject_CallFunction(callback->ptr(), "LLd", static_cast<long long>(step.level),
                                             static_cast<long long>(step.iteration), step.convergence);
            };
            PyObject* const result = call_python(call);
            if (result == nullptr) throw py::error_already_set();
            Py_DECREF(result);
        };
    }
    n4::Fit found;
    run(where_, [&](const auto& exec) {
        found = backend::n4_correct({image, pointer(inside), pointer(weight)}, target, options, observer, exec);
    });
    return found;
}

void finish(const Array& input, const Array& output, const std::optional<Array>& mask, std::optional<double> mask_label,
            bool keep_outside, bool rescale, Where where_) {
    const ConstArrayView in = view_of(input, "x");
    const ArrayView out = writable_view_of(output, "output");
    expect(same_shape(in, out), "output: its shape differs from the image's");
    const auto inside = view_like(mask, in, "mask");
    const n4::Finish how{pointer(inside), mask_label, keep_outside, rescale};
    run(where_, [&](const auto& exec) { backend::n4_finish(in, out, how, exec); });
}

}  // namespace

void bind_n4(py::module_& module) {
    bind_options(module);
    bind_fit(module);
    module.def("n4", &correct, py::arg("samples"), py::arg("mask"), py::arg("weights"), py::arg("input"),
               py::arg("output"), py::arg("field"), py::arg("options"), py::arg("callback"), where(),
               "Fits the log field of 1 to 3 axes to the samples; output = input / field, both written to. threads=0: "
               "the default number.");
    module.def("n4_finish", &finish, py::arg("input"), py::arg("output"), py::arg("mask"), py::arg("mask_label"),
               py::arg("keep_outside"), py::arg("rescale"), where(),
               "Stretches the output inside the mask to the range of the input; keeps the input outside. threads=0: "
               "the default number.");
}

}  // namespace voxkern::bindings

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

using Domain = std::vector<std::tuple<double, double, std::int64_t>>;  // first, step, total per axis

std::vector<N4Axis> axes_of(const Domain& domain, int rank) {
    if (static_cast<int>(domain.size()) != rank) throw InvalidArgument("domain: got another number of axes");
    std::vector<N4Axis> axes;
    for (const auto& [first, step, total] : domain) axes.push_back({first, step, total});
    return axes;
}

std::optional<ConstArrayView> view_like(const std::optional<py::array>& array, const ConstArrayView& image,
                                        const char* name) {
    if (!array) return std::nullopt;
    const ConstArrayView view = view_of(*array, name);
    for (int a = 0; a < image.rank; ++a) {
        if (view.rank != image.rank || view.shape[a] != image.shape[a]) {
            throw InvalidArgument(std::string(name) + ": its shape differs from the image's");
        }
    }
    return view;
}

}  // namespace

void bind_n4(py::module_& core) {
    py::class_<N4Settings>(core, "N4Settings", "How n4 fits; see vk.n4_bias_field_correction.")
        .def(py::init([](std::vector<std::int64_t> iterations, double threshold, bool watched,
                         std::vector<std::int64_t> controls, int spline_order, std::int64_t bins, double fwhm,
                         double noise, bool itk) {
                 return N4Settings{std::move(iterations),
                                   threshold,
                                   watched,
                                   std::move(controls),
                                   spline_order,
                                   bins,
                                   fwhm,
                                   noise,
                                   itk,
                                   {}};
             }),
             py::arg("iterations"), py::arg("convergence_threshold"), py::arg("watched"), py::arg("control_points"),
             py::arg("spline_order"), py::arg("bins"), py::arg("fwhm"), py::arg("noise"), py::arg("itk"));
    py::class_<N4Fit>(core, "N4Fit", "What n4 found.")
        .def_property_readonly("lattice",
                               [](const N4Fit& fit) {
                                   py::array_t<float> lattice(fit.lattice.shape);
                                   std::copy(fit.lattice.coefficients.begin(), fit.lattice.coefficients.end(),
                                             lattice.mutable_data());
                                   return lattice;
                               })
        .def_property_readonly("trace",
                               [](const N4Fit& fit) {
                                   std::vector<std::tuple<std::int64_t, std::int64_t, double>> trace;
                                   for (const N4Step& s : fit.trace) {
                                       trace.emplace_back(s.level, s.iteration, s.convergence);
                                   }
                                   return trace;
                               })
        .def_readonly("voxels", &N4Fit::voxels)
        .def_readonly("not_positive", &N4Fit::not_positive)
        .def_readonly("mean_log_field", &N4Fit::mean_log_field);
    core.def(
        "n4",
        [](const py::array& image, const std::optional<py::array>& mask, std::optional<double> label,
           const std::optional<py::array>& weights, N4Settings settings, const Domain& domain, py::array scratch,
           const std::optional<py::typing::Callable<void(std::int64_t, std::int64_t, double)>>& callback, int threads) {
            const ConstArrayView in = view_of(image, "x");
            if (in.rank < 1 || in.rank > 3) throw InvalidArgument("x: allowed 1 to 3 axes");
            if (in.size() == 0) throw InvalidArgument("x: got no voxel, allowed at least two");
            const auto inside = view_like(mask, in, "mask");
            const auto weight = view_like(weights, in, "weights");
            settings.axes = axes_of(domain, in.rank);
            if (static_cast<int>(settings.control_points.size()) != in.rank) {
                throw InvalidArgument("control_points: got another number of axes");
            }
            const ArrayView lent = writable_view_of(scratch, "scratch");
            const bool dense = (scratch.flags() & (py::array::c_style | py::array::f_style)) != 0;
            const std::int64_t floats = dense ? lent.size() * size_of(lent.dtype) / 4 : 0;
            N4Observer observer;
            if (callback) {
                observer = [&callback](const N4Step& step) {
                    const py::gil_scoped_acquire held;
                    (*callback)(step.level, step.iteration, step.convergence);
                };
            }
            N4Fit fit;
            run(threads, [&](const Exec& exec) {
                fit = n4(in, inside ? &*inside : nullptr, label ? &*label : nullptr, weight ? &*weight : nullptr,
                         settings, static_cast<float*>(lent.data), floats, observer, exec);
            });
            return fit;
        },
        py::arg("image"), py::arg("mask"), py::arg("label"), py::arg("weights"), py::arg("settings"), py::arg("domain"),
        py::arg("scratch"), py::arg("callback"), py::arg("threads"),
        "Fits the log field of 1 to 3 axes. `scratch`, an array, is overwritten. threads=0: the default number.");
    core.def(
        "n4_divide",
        [](const py::array& image, const py::array_t<float, py::array::c_style | py::array::forcecast>& lattice,
           int spline_order, const Domain& domain, const py::array& corrected, const std::optional<py::array>& field,
           int threads) {
            const ConstArrayView in = view_of(image, "x");
            const ArrayView out = writable_view_of(corrected, "corrected");
            N4Lattice coefficients;
            coefficients.shape.assign(lattice.shape(), lattice.shape() + lattice.ndim());
            coefficients.coefficients.assign(lattice.data(), lattice.data() + lattice.size());
            coefficients.spline_order = spline_order;
            if (!same_shape(in, out) || static_cast<int>(coefficients.shape.size()) != in.rank) {
                throw InvalidArgument("corrected: its shape differs from the image's");
            }
            if (in.size() == 0) return;
            for (const std::int64_t n : coefficients.shape) {
                if (n != 1 && n <= spline_order) throw InvalidArgument("lattice: too few control points");
            }
            const std::vector<N4Axis> axes = axes_of(domain, in.rank);
            ArrayView view;
            if (field) {
                view = writable_view_of(*field, "field");
                if (!same_shape(in, view)) throw InvalidArgument("field: its shape differs from the image's");
            }
            run(threads,
                [&](const Exec& exec) { n4_divide(in, coefficients, axes, out, field ? &view : nullptr, exec); });
        },
        py::arg("image"), py::arg("lattice"), py::arg("spline_order"), py::arg("domain"), py::arg("corrected"),
        py::arg("field"), py::arg("threads"),
        "corrected = image / exp(spline), field = exp(spline), both written to. threads=0: the default number.");
}

}  // namespace voxkern::bindings

// SPDX-License-Identifier: Apache-2.0
#include "kernels/normalise/normalise.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {

void bind_normalise(py::module_& module) {
    using normalise::Options;
    if (!taken_over(module, "NormaliseOptions")) {
        py::class_<Options>(module, "NormaliseOptions",
                            "(x - centre) * scale + shift, limited to low .. high; outside where a mask is zero.")
            .def(py::init([](double centre, double scale, double shift, double low, double high, double outside) {
                     return Options{centre, scale, shift, low, high, outside};
                 }),
                 py::kw_only(), py::arg("centre") = 0.0, py::arg("scale") = 1.0, py::arg("shift") = 0.0,
                 py::arg("low") = Options{}.low, py::arg("high") = Options{}.high, py::arg("outside") = 0.0);
    }
    module.def(
        "normalise",
        [](const Array& input, const std::optional<Array>& mask, const Array& output, const Options& options,
           Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            std::optional<ConstArrayView> inside;
            if (mask) inside = view_of(*mask, "mask");
            expect(!mask || same_shape(*inside, out), "mask: its shape differs from the input's");
            run(where_, [&](const auto& exec) { backend::normalise(in, inside, out, options, exec); });
        },
        py::arg("input"), py::arg("mask").none(true), py::arg("output"), py::arg("options"), where(),
        "A line and limits for every voxel. threads=0: the default number.");
#if defined(VOXKERN_CUDA_MODULE)
    module.def(
        "normalise_by",
        [](const Array& input, const std::optional<Array>& mask, const Array& output, const std::optional<Array>& line,
           const std::optional<Array>& limits, Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            std::optional<ConstArrayView> inside;
            if (mask) inside = view_of(*mask, "mask");
            expect(!mask || same_shape(*inside, out), "mask: its shape differs from the input's");
            const auto two = [](const std::optional<Array>& array, const char* name) -> const double* {
                if (!array) return nullptr;
                const ConstArrayView view = view_of(*array, name);
                expect(view.dtype == DType::f64 && view.rank == 1 && view.shape[0] == 2 && view.strides[0] == 1,
                       "line, limits: allowed two numbers of float64");
                return static_cast<const double*>(view.data);
            };
            const double* const centre_scale = two(line, "line");
            const double* const low_high = two(limits, "limits");
            run(where_,
                [&](const auto& exec) { backend::normalise_by(in, inside, out, centre_scale, low_high, exec); });
        },
        py::arg("input"), py::arg("mask").none(true), py::arg("output"), py::arg("line").none(true),
        py::arg("limits").none(true), where(),
        "With centre and scale, or low and high, from the memory of the device.");
#endif
}

}  // namespace voxkern::bindings

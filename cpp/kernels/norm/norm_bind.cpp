// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm/norm.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using norm::Statistics;

ConstArrayView channel_view(const std::optional<Array>& array, const char* name, std::int64_t channels) {
    if (!array) return {};
    const ConstArrayView view = view_of(*array, name);
    expect(view.dtype == DType::f32 && view.rank == 1 && view.shape[0] == channels,
           "weight, bias, mean, variance: allowed a float32 number per channel");
    return view;
}

void check(const ConstArrayView& in, const ArrayView& out) {
    expect(in.dtype == DType::f32 && out.dtype == DType::f32, "input, output: allowed float32");
    expect(in.rank >= 2 && same_shape(in, out), "output: its shape differs from the input's, allowed (N, C, ...)");
}

}  // namespace

void bind_norm(py::module_& module) {
    if (!taken_over(module, "NormStatistics")) {
        py::native_enum<Statistics>(module, "NormStatistics", "enum.Enum", "Whose mean and variance.")
            .value("instance", Statistics::instance)
            .value("batch", Statistics::batch)
            .value("given", Statistics::given)
            .value("known", Statistics::known)
            .finalize();
    }
    if (!taken_over(module, "NormOptions")) {
        py::class_<norm::Options>(module, "NormOptions", "How channels are normalised and activated.")
            .def(py::init([](Statistics statistics, double eps, double slope) {
                     return norm::Options{statistics, eps, static_cast<float>(slope)};
                 }),
                 py::kw_only(), py::arg("statistics"), py::arg("eps") = 1e-5, py::arg("slope") = 1.0);
    }
    module.def(
        "norm",
        [](const Array& input, const Array& output, const std::optional<Array>& weight,
           const std::optional<Array>& bias, const std::optional<Array>& mean, const std::optional<Array>& variance,
           const std::optional<Array>& moments, const std::optional<Array>& added, const norm::Options& options,
           Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check(in, out);
            const std::int64_t n = in.shape[1];
            const ConstArrayView known = moments ? view_of(*moments, "moments") : ConstArrayView{};
            expect((options.statistics == Statistics::known) == moments.has_value(), "moments: allowed where known");
            expect(!moments || (known.dtype == DType::f64 && known.rank == 3 && known.shape[0] == in.shape[0] &&
                                known.shape[1] == n && known.shape[2] == 3),
                   "moments: allowed float64 (N, C, 3)");
            const ConstArrayView beside = added ? view_of(*added, "added") : ConstArrayView{};
            expect(!added || (beside.dtype == DType::f32 && same_shape(beside, out)),
                   "added: allowed float32 of the input's shape");
            const norm::Channels channels = {channel_view(weight, "weight", n),
                                             channel_view(bias, "bias", n),
                                             channel_view(mean, "mean", n),
                                             channel_view(variance, "variance", n),
                                             known,
                                             beside};
            run(where_, [&](const auto& exec) { backend::norm(in, out, channels, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("weight"), py::arg("bias"), py::arg("mean"), py::arg("variance"),
        py::arg("moments"), py::arg("added"), py::arg("options"), where(),
        "Normalises float32 (N, C, ...); `added`, where given, is added in front of the activation. threads=0: the "
        "default number.");
}

}  // namespace voxkern::bindings

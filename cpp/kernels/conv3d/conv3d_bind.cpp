// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3d/conv3d.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include <optional>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using conv3d::Activation;
using conv3d::Algorithm;
using PerAxis = std::array<std::int64_t, 3>;

// Each module has its own: it holds weights where the module computes.
#if defined(VOXKERN_CUDA_MODULE)
using Filter = cuda::ConvFilter;
#else
using conv3d::Filter;
#endif

void bind_enums(py::module_& module) {
    if (!taken_over(module, "ConvAlgorithm")) {
        py::native_enum<Algorithm>(module, "ConvAlgorithm", "enum.Enum", "How products are saved.")
            .value("automatic", Algorithm::automatic)
            .value("direct", Algorithm::direct)
            .value("fast", Algorithm::fast)
            .finalize();
    }
    if (!taken_over(module, "ConvActivation")) {
        py::native_enum<Activation>(module, "ConvActivation", "enum.Enum", "What a layer does to its sums.")
            .value("none", Activation::none)
            .value("relu", Activation::relu)
            .value("leaky_relu", Activation::leaky_relu)
            .finalize();
    }
}

#if !defined(VOXKERN_CUDA_MODULE)

std::pair<py::array_t<float>, py::array_t<float>> weights_of(const Filter& filter) {
    const auto array = [](const std::vector<float>& values) {
        return py::array_t<float>(static_cast<py::ssize_t>(values.size()), values.data());
    };
    return {array(filter.weights()), array(filter.bias())};
}

void bind_filter(py::module_& module) {
    py::class_<Filter>(module, "ConvFilter", "Weights and options of a convolution.")
        .def(py::init([](const Array& weight, const std::optional<std::vector<float>>& bias, PerAxis stride,
                         PerAxis padding, PerAxis dilation, std::int64_t groups, bool transposed, Algorithm algorithm,
                         Activation activation, float slope) {
                 const conv3d::Options options = {stride,     padding,   dilation,   groups,
                                                  transposed, algorithm, activation, slope};
                 return std::make_unique<Filter>(view_of(weight, "weight"), bias.value_or(std::vector<float>()),
                                                 options);
             }),
             py::arg("weight"), py::arg("bias"), py::kw_only(), py::arg("stride"), py::arg("padding"),
             py::arg("dilation"), py::arg("groups"), py::arg("transposed"), py::arg("algorithm"), py::arg("activation"),
             py::arg("slope"))
        .def("weights", &weights_of, "The weight as it was given, in one row, and the bias.");
}

#else

// Its memory goes back as that of a call does: without the GIL.
struct Freed {
    void operator()(Filter* filter) const {
        const GilReleased released;
        delete filter;
    }
};
using FilterHolder = std::unique_ptr<Filter, Freed>;

void bind_filter(py::module_& module) {
    py::class_<Filter, FilterHolder>(module, "ConvFilter", "Weights and options of a convolution, on the GPU.")
        .def(py::init([](const Array& weight, const std::optional<Array>& bias, PerAxis stride, PerAxis padding,
                         PerAxis dilation, std::int64_t groups, bool transposed, Algorithm algorithm,
                         Activation activation, float slope, Where where) {
                 const conv3d::Options options = {stride,     padding,   dilation,   groups,
                                                  transposed, algorithm, activation, slope};
                 const ConstArrayView weights = view_of(weight, "weight");
                 const ConstArrayView biases = bias ? view_of(*bias, "bias") : ConstArrayView{};
                 FilterHolder filter;
                 run(where, [&](const auto& exec) { filter.reset(new Filter(weights, biases, options, exec)); });
                 return filter;
             }),
             py::arg("weight"), py::arg("bias"), py::kw_only(), py::arg("stride"), py::arg("padding"),
             py::arg("dilation"), py::arg("groups"), py::arg("transposed"), py::arg("algorithm"), py::arg("activation"),
             py::arg("slope"), where());
}

#endif

void check(const ConstArrayView& in, const ArrayView& out, const Filter& filter) {
    expect(in.rank == 5 && in.dtype == DType::f32, "input: allowed float32 of five axes");
    expect(out.rank == 5 && out.dtype == DType::f32, "output: allowed float32 of five axes");
    expect(in.shape[1] == filter.in_channels(), "input: its channels differ from the filter's");
    expect(out.shape[1] == filter.out_channels(), "output: its channels differ from the filter's");
    expect(in.shape[0] == out.shape[0], "output: its first axis differs from the input's");
}

}  // namespace

void bind_conv3d(py::module_& module) {
    bind_enums(module);
    bind_filter(module);
    module.def(
        "conv3d",
        [](const Array& input, const Array& output, const Filter& filter, const std::optional<Array>& residual,
           const std::optional<Array>& moments, const std::optional<std::int64_t>& padding, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check(in, out, filter);
            conv3d::Extras extras;
            extras.padding = padding;
            if (residual) {
                extras.residual = view_of(*residual, "residual");
                expect(extras.residual.dtype == DType::f32 && same_shape(extras.residual, out),
                       "residual: allowed what the output is");
            }
            if (moments) {
                const ArrayView to = extras.moments = writable_view_of(*moments, "moments");
                expect(to.dtype == DType::f64 && to.rank == 3 && to.shape[0] == out.shape[0] &&
                           to.shape[1] == out.shape[1] && to.shape[2] == 3,
                       "moments: allowed float64 (N, out channels, 3)");
            }
            run(where, [&](const auto& exec) { backend::conv3d(in, out, filter, extras, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("filter"), py::arg("residual"), py::arg("moments"),
        py::arg("padding"), where(),
        "Convolves `input` with the filter; `residual`, where given, is added before the activation. The moments of "
        "the result are joined to `moments`; `padding` is that of a part of an image along D.");
}

}  // namespace voxkern::bindings

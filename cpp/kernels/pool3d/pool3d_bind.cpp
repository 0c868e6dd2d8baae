// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool3d/pool3d.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include <array>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using PerAxis = std::array<std::int64_t, pool3d::kSpatial>;

pool3d::Options pool_options(pool3d::Kind kind, const PerAxis& kernel, const PerAxis& stride, const PerAxis& padding,
                             const PerAxis& dilation, bool adaptive, bool count_include_pad, double divisor) {
    pool3d::Options options;
    for (std::size_t a = 0; a < kernel.size(); ++a) {
        expect(kernel[a] >= 1 && stride[a] >= 1 && dilation[a] >= 1, "kernel, stride, dilation: allowed 1 or more");
        expect(padding[a] >= 0, "padding: allowed 0 or more");
        options.windows[a] = {kernel[a], stride[a], padding[a], dilation[a]};
    }
    options.kind = kind;
    options.adaptive = adaptive;
    options.count_include_pad = count_include_pad;
    options.divisor = divisor;
    return options;
}

void check_pooled(const ConstArrayView& in, const ArrayView& out) {
    expect(in.dtype == DType::f32 && out.dtype == DType::f32, "input, output: allowed float32");
    expect(in.rank == 2 + pool3d::kSpatial && out.rank == in.rank, "input, output: allowed the axes N, C, D, H, W");
    expect(in.shape[0] == out.shape[0] && in.shape[1] == out.shape[1], "output: its N or C differ from the input's");
    expect(in.size() > 0 || out.size() == 0, "input: got an empty axis");
}

}  // namespace

void bind_pool3d(py::module_& module) {
    if (!taken_over(module, "PoolKind")) {
        py::native_enum<pool3d::Kind>(module, "PoolKind", "enum.Enum", "What becomes of the samples of a window.")
            .value("max", pool3d::Kind::max)
            .value("average", pool3d::Kind::average)
            .finalize();
    }
    if (!taken_over(module, "PoolOptions")) {
        const PerAxis ones = {1, 1, 1};
        const PerAxis zeros = {0, 0, 0};
        py::class_<pool3d::Options>(module, "PoolOptions", "Windows of pool3d, and what becomes of their samples.")
            .def(py::init(&pool_options), py::kw_only(), py::arg("kind"), py::arg("kernel") = ones,
                 py::arg("stride") = ones, py::arg("padding") = zeros, py::arg("dilation") = ones,
                 py::arg("adaptive") = false, py::arg("count_include_pad") = true, py::arg("divisor") = 0.0);
    }
    module.def(
        "pool3d",
        [](const Array& input, const Array& output, const std::optional<Array>& places, const pool3d::Options& options,
           Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check_pooled(in, out);
            ArrayView indices;
            if (places) {
                indices = writable_view_of(*places, "places");
                expect(options.kind == pool3d::Kind::max && indices.dtype == DType::i64 &&
                           same_shape(as_const(indices), out),
                       "places: allowed int64 of the output's shape, for a maximum");
            }
            run(where_, [&](const auto& exec) { backend::pool3d(in, out, indices, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("places"), py::arg("options"), where(),
        "Pools float32 (N, C, D, H, W); `places`, where given, gets the places of largest samples. threads=0: the "
        "default number.");
}

}  // namespace voxkern::bindings

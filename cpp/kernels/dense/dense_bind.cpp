// SPDX-License-Identifier: Apache-2.0
#include "kernels/dense/dense.hpp"

#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

void check(const ConstArrayView& in, const ConstArrayView& weight, const ConstArrayView& bias, const ArrayView& out) {
    const auto is_f32 = [](const auto& view) { return view.dtype == DType::f32; };
    expect(is_f32(in) && is_f32(weight) && is_f32(bias) && is_f32(out), "input, output: allowed float32");
    expect(in.rank >= 1 && weight.rank == 2 && in.shape[in.rank - 1] == weight.shape[1],
           "weight: allowed (N, K) for an input of (..., K)");
    expect(bias.data == nullptr || (bias.rank == 1 && bias.shape[0] == weight.shape[0]), "bias: allowed (N,)");
    bool fits = out.rank == in.rank && out.shape[out.rank - 1] == weight.shape[0];
    for (int a = 0; fits && a < in.rank - 1; ++a) fits = in.shape[a] == out.shape[a];
    expect(fits, "output: allowed (..., N) for an input of (..., K)");
}

void check_axis(const ConstArrayView& in, const ArrayView& out, int axis, std::int64_t n_out) {
    expect(axis >= 0 && axis < in.rank && in.rank == out.rank, "axis: allowed one of the input's");
    for (int a = 0; a < in.rank; ++a) {
        expect(out.shape[a] == (a == axis ? n_out : in.shape[a]), "output: its shape differs from the input's");
    }
}

}  // namespace

void bind_dense(py::module_& module) {
    module.def(
        "dense",
        [](const Array& input, const Array& weight, const std::optional<Array>& bias, const Array& output,
           Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ConstArrayView weights = view_of(weight, "weight");
            const ConstArrayView start = bias ? view_of(*bias, "bias") : ConstArrayView{};
            const ArrayView out = writable_view_of(output, "output");
            check(in, weights, start, out);
            run(where_, [&](const auto& exec) { backend::dense(in, weights, start, out, exec); });
        },
        py::arg("input"), py::arg("weight"), py::arg("bias"), py::arg("output"), where(),
        "output = input weight^T + bias. threads=0: the default number.");
#if !defined(VOXKERN_CUDA_MODULE)
    module.def("fma_loop", &cpu::fma_loop, py::arg("steps"), py::call_guard<py::gil_scoped_release>(),
               "Multiplies and adds in registers, on this thread; returns how often. For benchmarks.");
#endif
    module.def(
        "softmax",
        [](const Array& input, const Array& output, int axis, Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(in.dtype == DType::f32 && out.dtype == DType::f32, "input, output: allowed float32");
            expect(axis >= 0 && axis < in.rank, "axis: allowed one of the input's");
            check_axis(in, out, axis, in.shape[axis]);
            run(where_, [&](const auto& exec) { backend::softmax(in, out, axis, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axis"), where(), "exp(input) over its sum along an axis.");
    module.def(
        "argmax",
        [](const Array& input, const Array& output, int axis, Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(in.dtype == DType::f32 && out.dtype == DType::i64, "input: allowed float32; output: int64");
            check_axis(in, out, axis, 1);
            expect(in.shape[axis] > 0, "input: got an empty axis");
            run(where_, [&](const auto& exec) { backend::argmax(in, out, axis, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("axis"), where(),
        "Where the largest sample along an axis is. `output` has one sample along it.");
}

}  // namespace voxkern::bindings

// SPDX-License-Identifier: Apache-2.0
#include "kernels/edt/edt.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/args.hpp"
#include "bindings/indices.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

void check_sampling(const ConstArrayView& in, const std::vector<double>& sampling) {
    expect(static_cast<int>(sampling.size()) == in.rank, "sampling: allowed one step for each axis");
    for (const double step : sampling) expect(step > 0.0, "sampling: allowed steps above 0");
}

#if defined(VOXKERN_CUDA_MODULE)
void bind_signed(py::module_& module) {
    module.def(
        "signed_edt",
        [](const Array& input, const Array& output, const std::vector<double>& sampling, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(in.rank >= 1, "input: allowed one axis or more");
            expect(out.dtype == DType::f64 && same_shape(in, out), "output: allowed float64 of its shape");
            check_sampling(in, sampling);
            run(where, [&](const auto& exec) { backend::signed_edt(in, out, sampling, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("sampling"), where(),
        "Distances to what is not zero, minus those to zeros.");
}
#endif

}  // namespace

void bind_edt(py::module_& module) {
#if defined(VOXKERN_CUDA_MODULE)
    bind_signed(module);
#endif
    module.def(
        "edt",
        [](const Array& input, const std::optional<Array>& distances, const std::optional<Array>& indices,
           const std::vector<double>& sampling, bool zeros, Where where) {
            const ConstArrayView in = view_of(input, "input");
            std::optional<ArrayView> out;
            std::optional<ArrayView> nearest;
            if (distances) out = writable_view_of(*distances, "distances");
            if (indices) nearest = writable_view_of(*indices, "indices");
            expect(in.rank >= 1, "input: allowed one axis or more");
            expect(!out || (out->dtype == DType::f64 && same_shape(in, *out)),
                   "distances: allowed float64 of its shape");
            expect(!nearest || has_indices_of(in, *nearest),
                   "indices: allowed int32, an index along each axis of the input, in C order");
            check_sampling(in, sampling);
            run(where, [&](const auto& exec) {
                backend::edt(in, out ? &*out : nullptr, nearest ? &*nearest : nullptr, sampling, zeros, exec);
            });
        },
        py::arg("input"), py::arg("distances"), py::arg("indices"), py::arg("sampling"), py::arg("zeros"), where(),
        "Euclidean distances to the nearest zero, or to what is not, and where that is. threads=0: the default "
        "number.");
    module.def(
        "within_distance",
        [](const Array& input, const Array& output, const std::vector<double>& sampling, double radius, bool zeros,
           Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(in.rank >= 1, "input: allowed one axis or more");
            expect(out.dtype == DType::u8 && same_shape(in, out), "output: allowed bool or uint8 of its shape");
            check_sampling(in, sampling);
            expect(radius >= 0.0, "radius: allowed 0 or more");
            run(where, [&](const auto& exec) { backend::within_distance(in, out, sampling, radius, zeros, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("sampling"), py::arg("radius"), py::arg("zeros"), where(),
        "Samples no further than a radius from what is not zero, or further from all zeros. threads=0: the default "
        "number.");
}

}  // namespace voxkern::bindings

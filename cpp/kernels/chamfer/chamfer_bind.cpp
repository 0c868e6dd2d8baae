// SPDX-License-Identifier: Apache-2.0
#include "kernels/chamfer/chamfer.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/args.hpp"
#include "bindings/indices.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
void bind_chamfer(py::module_& module) {
    module.def(
        "chamfer",
        [](const Array& input, const Array& steps, const std::optional<Array>& indices,
           const std::vector<bool>& structure, bool last_zero, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(steps, "steps");
            std::optional<ArrayView> nearest;
            if (indices) nearest = writable_view_of(*indices, "indices");
            expect(in.rank >= 1, "input: allowed one axis or more");
            expect(out.dtype == DType::i32 && same_shape(in, out) && in_c_order(out),
                   "steps: allowed int32 of its shape, in C order");
            expect(!nearest || has_indices_of(in, *nearest),
                   "indices: allowed int32, an index along each axis of the input, in C order");
            std::size_t size = 1;
            for (int a = 0; a < in.rank; ++a) size *= 3;
            expect(structure.size() == size, "structure: allowed 3 samples along each axis");
            run(where, [&](const auto& exec) {
                backend::chamfer(in, out, nearest ? &*nearest : nullptr, {structure, last_zero}, exec);
            });
        },
        py::arg("input"), py::arg("steps"), py::arg("indices"), py::arg("structure"), py::arg("last_zero"), where(),
        "Steps to the nearest zero, and where that is. threads=0: the default number.");
}

}  // namespace voxkern::bindings

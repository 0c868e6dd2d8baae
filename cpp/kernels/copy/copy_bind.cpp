// SPDX-License-Identifier: Apache-2.0
#include "kernels/copy/copy.hpp"

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {

void bind_copy(py::module_& module) {
    module.def(
        "copy",
        [](const Array& input, const Array& output, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            run(where, [&](const auto& exec) { backend::copy(in, out, exec); });
        },
        py::arg("input"), py::arg("output"), where(),
        "Copies `input` into `output`, whatever their dtypes and strides.");
}

}  // namespace voxkern::bindings

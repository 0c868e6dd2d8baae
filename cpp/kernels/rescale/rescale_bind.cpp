// SPDX-License-Identifier: Apache-2.0
#include "kernels/rescale/rescale.hpp"

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {

void bind_rescale(py::module_& core) {
    core.def(
        "rescale",
        [](const py::array& stored, const py::array& values, double slope, double intercept, bool swap_bytes,
           int unused_high, int unused_low, int threads) {
            const ConstArrayView in = view_of(stored, "stored");
            const ArrayView out = writable_view_of(values, "values");
            if (!same_shape(in, out)) throw InvalidArgument("values: its shape differs from that of stored");
            const bool plain = !swap_bytes && unused_high == 0 && unused_low == 0;
            if (!plain && (in.dtype == DType::f32 || in.dtype == DType::f64)) {
                throw InvalidArgument("stored: got floats with bits to move, allowed integers");
            }
            const auto bits = static_cast<int>(8 * size_of(in.dtype));
            if (unused_high < 0 || unused_low < 0 || unused_high + unused_low >= bits) {
                throw InvalidArgument("unused_high, unused_low: they leave no bit");
            }
            const Rescale how{slope, intercept, swap_bytes, unused_high, unused_low};
            run(threads, [&](const Exec& exec) { rescale(in, out, how, exec); });
        },
        py::arg("stored"), py::arg("values"), py::arg("slope"), py::arg("intercept"), py::arg("swap_bytes"),
        py::arg("unused_high"), py::arg("unused_low"), py::arg("threads"),
        "values = slope * stored bits + intercept. threads=0: the default number.");
}

}  // namespace voxkern::bindings

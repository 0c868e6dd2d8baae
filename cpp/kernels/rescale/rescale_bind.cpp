// SPDX-License-Identifier: Apache-2.0
#include "kernels/rescale/rescale.hpp"

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

void check(const ConstArrayView& in, const ArrayView& out, const rescale::Options& options) {
    expect(same_shape(in, out), "output: its shape differs from the input's");
    const bool as_stored = !options.swap_bytes && options.unused_high == 0 && options.unused_low == 0;
    expect(as_stored || (in.dtype != DType::f32 && in.dtype != DType::f64),
           "input: got floats with bits to move, allowed integers");
    const auto bits = static_cast<int>(8 * size_of(in.dtype));
    expect(options.unused_high >= 0 && options.unused_low >= 0 && options.unused_high + options.unused_low < bits,
           "unused_high, unused_low: they leave no bit");
}

}  // namespace

void bind_rescale(py::module_& module) {
    if (!taken_over(module, "RescaleOptions")) {
        py::class_<rescale::Options>(module, "RescaleOptions", "value = slope * stored bits + intercept.")
            .def(py::init([](double slope, double intercept, bool swap_bytes, int unused_high, int unused_low) {
                     return rescale::Options{slope, intercept, swap_bytes, unused_high, unused_low};
                 }),
                 py::kw_only(), py::arg("slope") = 1.0, py::arg("intercept") = 0.0, py::arg("swap_bytes") = false,
                 py::arg("unused_high") = 0, py::arg("unused_low") = 0);
    }
    module.def(
        "rescale",
        [](const Array& input, const Array& output, const rescale::Options& options, Where where_) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            check(in, out, options);
            run(where_, [&](const auto& exec) { backend::rescale(in, out, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("options"), where(),
        "Stored words to values. threads=0: the default number.");
}

}  // namespace voxkern::bindings

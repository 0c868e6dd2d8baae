// SPDX-License-Identifier: Apache-2.0
#include "kernels/extrema1d/extrema1d.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using extrema1d::Footprint;
using extrema1d::Kind;
using extrema1d::Window;
using Flags = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;

void check(const Window& window, const ConstArrayView& in) {
    expect(window.axis >= 0 && window.axis < in.rank, "axis: out of range");
    expect(window.size >= 1, "size: allowed 1 or more");
    expect(window.before() >= 0 && window.before() < window.size, "origin: outside the window");
}

Footprint footprint_of(const Flags& flags, const std::vector<Window>& windows, const ConstArrayView& in) {
    expect(flags.ndim() == in.rank && windows.size() == static_cast<std::size_t>(in.rank),
           "footprint, windows: allowed one axis for each of the input's");
    bool any = false;
    for (int a = 0; a < in.rank; ++a) {
        const Window& window = windows[static_cast<std::size_t>(a)];
        check(window, in);
        expect(window.axis == a && window.size == flags.shape(a), "windows: allowed the footprint's sizes in order");
    }
    for (py::ssize_t i = 0; i < flags.size(); ++i) any = any || flags.data()[i] != 0;
    expect(any, "footprint: allowed one in which something is set");
    return {{flags.data(), flags.data() + flags.size()}, windows};
}

}  // namespace

void bind_extrema1d(py::module_& module) {
    if (!taken_over(module, "ExtremumKind")) {
        py::native_enum<Kind>(module, "ExtremumKind", "enum.Enum", "What is kept of a window.")
            .value("minimum", Kind::minimum)
            .value("maximum", Kind::maximum)
            .finalize();
    }
    if (!taken_over(module, "ExtremumWindow")) {
        py::class_<Window>(module, "ExtremumWindow", "Where a window lies along an axis.")
            .def(py::init([](int axis, std::int64_t size, std::int64_t origin, Boundary mode) {
                     return Window{axis, size, origin, mode};
                 }),
                 py::kw_only(), py::arg("axis"), py::arg("size"), py::arg("origin"), py::arg("mode"));
    }
    module.def(
        "extrema1d",
        [](const Array& input, const Array& output, Kind kind, const std::vector<Window>& windows,
           const std::optional<Flags>& footprint, double cval, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            if (footprint) {
                const Footprint shape = footprint_of(*footprint, windows, in);
                run(where, [&](const auto& exec) { backend::extrema1d(in, out, kind, shape, cval, exec); });
                return;
            }
            for (const Window& window : windows) check(window, in);
            run(where, [&](const auto& exec) { backend::extrema1d(in, out, kind, windows, cval, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("kind"), py::arg("windows"), py::arg("footprint"), py::arg("cval"),
        where(), "Minima or maxima of boxes, pass by pass, or of a footprint.");
}

}  // namespace voxkern::bindings

// SPDX-License-Identifier: Apache-2.0
#include "kernels/extrema1d/extrema1d.hpp"

#include <pybind11/native_enum.h>
#include <pybind11/stl.h>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

using extrema1d::Footprint;
using extrema1d::Residue;
using ResidueKind = extrema1d::Residue::Kind;
using extrema1d::Window;
using Bytes = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;

void check(const Window& window, const ConstArrayView& in) {
    expect(window.axis >= 0 && window.axis < in.rank, "axis: out of range");
    expect(window.size >= 1, "size: allowed 1 or more");
    expect(window.before() >= 0 && window.before() < window.size, "origin: outside the window");
}

Footprint footprint_of(const Bytes& flags, const std::optional<Numbers>& heights, const std::vector<Window>& windows,
                       const ConstArrayView& in) {
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
    expect(!heights || heights->size() == flags.size(), "heights: allowed one for each sample of the footprint");
    return {{flags.data(), flags.data() + flags.size()}, windows, numbers(heights)};
}

// The data of an array that lies in memory as the output does.
const void* beside(const std::optional<Array>& array, const ArrayView& out, bool wanted) {
    expect(wanted == array.has_value(), "a, b: allowed where the residue has them");
    if (!array) return nullptr;
    const ConstArrayView view = view_of(*array, "a, b");
    expect(view.dtype == out.dtype && same_shape(view, out), "a, b: allowed the output's dtype and shape");
    for (int i = 0; i < out.rank; ++i) {
        expect(out.shape[i] == 1 || view.strides[i] == out.strides[i], "a, b: allowed the output's strides");
    }
    return view.data;
}

Residue residue_of(ResidueKind kind, const std::optional<Array>& a, const std::optional<Array>& b,
                   const ArrayView& out) {
    return {kind, beside(a, out, kind != ResidueKind::none), beside(b, out, kind == ResidueKind::laplace)};
}

}  // namespace

void bind_extrema1d(py::module_& module) {
    if (!taken_over(module, "ExtremumKind")) {
        py::native_enum<extrema1d::Kind>(module, "ExtremumKind", "enum.Enum", "What is kept of a window.")
            .value("minimum", extrema1d::Kind::minimum)
            .value("maximum", extrema1d::Kind::maximum)
            .finalize();
    }
    if (!taken_over(module, "ExtremumResidue")) {
        py::native_enum<ResidueKind>(module, "ExtremumResidue", "enum.Enum", "What is written for an extremum.")
            .value("none", ResidueKind::none)
            .value("above", ResidueKind::above)
            .value("below", ResidueKind::below)
            .value("laplace", ResidueKind::laplace)
            .value("differing", ResidueKind::differing)
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
        [](const Array& input, const Array& output, extrema1d::Kind kind, const std::vector<Window>& windows,
           const std::optional<Bytes>& footprint, const std::optional<Numbers>& heights, double cval,
           ResidueKind residue_kind, const std::optional<Array>& a, const std::optional<Array>& b, Where where) {
            const ConstArrayView in = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            expect(same_shape(in, out), "output: its shape differs from the input's");
            const Residue residue = residue_of(residue_kind, a, b, out);
            if (footprint) {
                const Footprint shape = footprint_of(*footprint, heights, windows, in);
                run(where, [&](const auto& exec) { backend::extrema1d(in, out, kind, shape, cval, residue, exec); });
                return;
            }
            expect(!heights, "heights: allowed with a footprint");
            expect(!windows.empty() || residue.kind == ResidueKind::none, "residue: allowed with windows");
            for (const Window& window : windows) check(window, in);
            run(where, [&](const auto& exec) { backend::extrema1d(in, out, kind, windows, cval, residue, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("kind"), py::arg("windows"), py::arg("footprint"),
        py::arg("heights"), py::arg("cval"), py::arg("residue"), py::arg("a"), py::arg("b"), where(),
        "Minima or maxima of boxes, pass by pass, or of a footprint; or residues of these.");
}

}  // namespace voxkern::bindings

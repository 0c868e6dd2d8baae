// SPDX-License-Identifier: Apache-2.0
// Enums and option classes that several kernels take. Bound before any kernel: default arguments need them.
#include <pybind11/native_enum.h>

#include "bindings/args.hpp"
#include "core/boundary.hpp"
#include "core/interpolator.hpp"

namespace voxkern::bindings {

void bind_types(py::module_& module) {
    if (!taken_over(module, "Boundary")) {
        py::native_enum<Boundary>(module, "Boundary", "enum.Enum", "Boundary modes, as in scipy.ndimage.")
            .value("constant", Boundary::constant)
            .value("grid_constant", Boundary::grid_constant)
            .value("nearest", Boundary::nearest)
            .value("reflect", Boundary::reflect)
            .value("mirror", Boundary::mirror)
            .value("wrap", Boundary::wrap)
            .value("grid_wrap", Boundary::grid_wrap)
            .value("fov", Boundary::fov)
            .finalize();
    }
    if (!taken_over(module, "SincWindow")) {
        py::native_enum<SincWindow>(module, "SincWindow", "enum.Enum",
                                    "Windows of a sinc, as ITK has them; cubic: a cubic convolution.")
            .value("none", SincWindow::none)
            .value("hamming", SincWindow::hamming)
            .value("cosine", SincWindow::cosine)
            .value("welch", SincWindow::welch)
            .value("lanczos", SincWindow::lanczos)
            .value("blackman", SincWindow::blackman)
            .value("cubic", SincWindow::cubic)
            .finalize();
    }
    if (!taken_over(module, "Interpolator")) {
        py::class_<Interpolator>(module, "Interpolator", "A B-spline of an order, or a windowed sinc of a radius.")
            .def(py::init([](int order, SincWindow window, int radius) {
                     expect(order >= 0 && order <= kMaxSplineOrder, "order: allowed 0 to 5");
                     expect(radius >= 0 && radius <= kMaxRadius && (radius == 0) == (window == SincWindow::none),
                            "radius: allowed 1 to 5 with a window, 0 without");
                     expect(window != SincWindow::cubic || radius == 2, "radius: allowed 2 with cubic");
                     return Interpolator{order, window, radius};
                 }),
                 py::arg("order"), py::arg("window") = SincWindow::none, py::arg("radius") = 0);
        py::implicitly_convertible<py::int_, Interpolator>();
    }
}

}  // namespace voxkern::bindings

// SPDX-License-Identifier: Apache-2.0
#include "kernels/warp/warp.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/args.hpp"
#include "bindings/run.hpp"

namespace voxkern::bindings {
namespace {

// `image` and `grid` are what is interpolated and what has a value per grid point.
template <class Image, class Grid>
WarpParams params_of(const Image& image, const Grid& grid, int image_axes, const std::optional<Numbers>& offset,
                     const std::optional<Numbers>& matrix, const std::optional<py::array>& field,
                     const std::optional<Numbers>& field_matrix, const Interpolator& kernel, Boundary mode, double cval,
                     bool prefilter, bool float64) {
    WarpParams params;
    CoordinateMap& map = params.map;
    map.image_axes = image_axes;
    map.grid_axes = grid.rank - (image.rank - image_axes);
    expect(image_axes >= 1 && image_axes <= image.rank && image_axes <= kMaxWarpAxes && map.grid_axes >= 1 &&
               map.grid_axes <= kMaxWarpAxes,
           "image_axes: allowed 1 to 8 axes of image and grid");
    for (int b = image_axes; b < image.rank; ++b) {
        expect(image.shape[b] == grid.shape[b - image_axes + map.grid_axes], "output: its batch axes differ");
    }
    for (int a = 0; a < image_axes; ++a) expect(image.shape[a] > 0, "input: got an empty axis");
    map.offset = numbers(offset);
    map.matrix = numbers(matrix);
    const auto n = static_cast<std::size_t>(image_axes);
    expect(map.offset.empty() || map.offset.size() == n, "offset: allowed one number per image axis");
    expect(map.matrix.empty() || map.matrix.size() == n * static_cast<std::size_t>(map.grid_axes),
           "matrix: allowed image axes x grid axes");
    std::size_t components = 0;
    if (field) {
        map.field = view_of(*field, "field");
        expect(map.field.rank == map.grid_axes + 1 && map.field.shape[0] <= kMaxWarpAxes,
               "field: allowed (components, grid...)");
        for (int j = 0; j < map.grid_axes; ++j) {
            expect(map.field.shape[j + 1] == grid.shape[j], "field: its grid differs from the output's");
        }
        components = static_cast<std::size_t>(map.field.shape[0]);
        map.field_matrix = numbers(field_matrix);
        expect(map.field_matrix.empty() ? components == n : map.field_matrix.size() == n * components,
               "field_matrix: allowed image axes x components");
    }
    params.kernel = kernel;
    params.mode = mode;
    params.cval = cval;
    params.prefilter = prefilter;
    params.float64 = float64;
    return params;
}

}  // namespace

void bind_warp(py::module_& core) {
    core.def(
        "warp",
        [](const py::array& input, const py::array& output, int image_axes, const std::optional<Numbers>& offset,
           const std::optional<Numbers>& matrix, const std::optional<py::array>& field,
           const std::optional<Numbers>& field_matrix, const Interpolator& kernel, Boundary mode, double cval,
           bool prefilter, int threads, bool float64, int slope_axis) {
            const ConstArrayView image = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            WarpParams params = params_of(image, out, image_axes, offset, matrix, field, field_matrix, kernel, mode,
                                          cval, prefilter, float64);
            expect(slope_axis < image_axes && (slope_axis < 0 || (kernel.radius == 0 && kernel.order > 0)),
                   "slope_axis: allowed an image axis, with a spline of order 1 to 5");
            params.slope_axis = slope_axis;
            run(threads, [&](const Exec& exec) { warp(image, out, params, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("image_axes"), py::arg("offset"), py::arg("matrix"),
        py::arg("field"), py::arg("field_matrix"), py::arg("kernel"), py::arg("mode"), py::arg("cval"),
        py::arg("prefilter"), py::arg("threads"), py::arg("float64") = false, py::arg("slope_axis") = -1,
        "Interpolates `input` at offset + matrix o + field_matrix field(o) for every point o of `output`.");
    core.def(
        "push",
        [](const py::array& input, const py::array& output, int image_axes, const std::optional<Numbers>& offset,
           const std::optional<Numbers>& matrix, const std::optional<py::array>& field,
           const std::optional<Numbers>& field_matrix, const Interpolator& kernel, Boundary mode, bool prefilter,
           int threads, bool float64) {
            const ConstArrayView values = view_of(input, "input");
            const ArrayView image = writable_view_of(output, "output");
            const WarpParams params = params_of(image, values, image_axes, offset, matrix, field, field_matrix, kernel,
                                                mode, 0.0, prefilter, float64);
            run(threads, [&](const Exec& exec) { push(values, image, params, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("image_axes"), py::arg("offset"), py::arg("matrix"),
        py::arg("field"), py::arg("field_matrix"), py::arg("kernel"), py::arg("mode"), py::arg("prefilter"),
        py::arg("threads"), py::arg("float64") = false, "The adjoint of `warp`: grid values onto the image's samples.");
}

}  // namespace voxkern::bindings

// SPDX-License-Identifier: Apache-2.0
#include "kernels/warp/warp.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/args.hpp"
#include "bindings/run.hpp"
#include "kernels/warp/warp_math.hpp"

namespace voxkern::bindings {

// A CoordinateMap whose field is a Python array, kept alive by it.
struct MapArgument {
    warp::CoordinateMap map;
    std::optional<py::object> field;
};

namespace {

MapArgument make_map(int axes, const std::optional<Numbers>& offset, const std::optional<Numbers>& matrix,
                     const std::optional<py::object>& field, const std::optional<Numbers>& field_matrix) {
    expect(axes >= 1 && axes <= warp::kMaxAxes, "axes: allowed 1 to 8 axes of the image");
    MapArgument argument;
    warp::CoordinateMap& map = argument.map;
    map.image_axes = axes;
    map.offset = numbers(offset);
    map.matrix = numbers(matrix);
    map.field_matrix = numbers(field_matrix);
    argument.field = field;
    expect(map.offset.empty() || map.offset.size() == static_cast<std::size_t>(axes),
           "offset: allowed one number per image axis");
    expect(field || map.field_matrix.empty(), "field_matrix: allowed with a field");
    return argument;
}

// The map onto a grid; `image` and `grid` are the array that is interpolated and the one with a value per grid point.
template <class Image, class Grid>
warp::CoordinateMap map_between(const Image& image, const Grid& grid, const MapArgument& argument) {
    warp::CoordinateMap map = argument.map;
    const int axes = map.image_axes;
    map.grid_axes = grid.rank - (image.rank - axes);
    expect(axes <= image.rank && map.grid_axes >= 1 && map.grid_axes <= warp::kMaxAxes,
           "map: allowed 1 to 8 axes of image and grid");
    for (int b = axes; b < image.rank; ++b) {
        expect(image.shape[b] == grid.shape[b - axes + map.grid_axes], "output: its batch axes differ");
    }
    for (int a = 0; a < axes; ++a) expect(image.shape[a] > 0, "input: got an empty axis");
    const auto n = static_cast<std::size_t>(axes);
    expect(map.matrix.empty() || map.matrix.size() == n * static_cast<std::size_t>(map.grid_axes),
           "matrix: allowed image axes x grid axes");
    if (argument.field) {
        expect(py::isinstance<Array>(*argument.field), "field: allowed an array");
        map.field = view_of(py::reinterpret_borrow<Array>(*argument.field), "field");
        expect(map.field.rank == map.grid_axes + 1 && map.field.shape[0] <= warp::kMaxAxes,
               "field: allowed (components, grid...)");
        for (int j = 0; j < map.grid_axes; ++j) {
            expect(map.field.shape[j + 1] == grid.shape[j], "field: its grid differs from the output's");
        }
        const auto components = static_cast<std::size_t>(map.field.shape[0]);
        expect(map.field_matrix.empty() ? components == n : map.field_matrix.size() == n * components,
               "field_matrix: allowed image axes x components");
    }
    return map;
}

void bind_arguments(py::module_& module) {
    if (!taken_over(module, "CoordinateMap")) {
        py::class_<MapArgument>(module, "CoordinateMap",
                                "Where grid point o samples the image: offset + matrix o + field_matrix field(o).")
            .def(py::init(&make_map), py::kw_only(), py::arg("axes"), py::arg("offset") = py::none(),
                 py::arg("matrix") = py::none(), py::arg("field") = py::none(), py::arg("field_matrix") = py::none());
    }
    if (!taken_over(module, "WarpOptions")) {
        py::class_<warp::Options>(module, "WarpOptions", "How warp and push interpolate.")
            .def(py::init([](const Interpolator& kernel, Boundary mode, double cval, bool prefilter, bool clip,
                             bool float64, int slope_axis) {
                     warp::Options options;
                     options.kernel = kernel;
                     options.mode = mode;
                     options.cval = cval;
                     options.prefilter = prefilter;
                     options.clip = clip;
                     options.float64 = float64;
                     options.slope_axis = slope_axis;
                     expect(slope_axis < 0 || (kernel.radius == 0 && kernel.order > 0),
                            "slope_axis: allowed with a spline of order 1 to 5");
                     return options;
                 }),
                 py::kw_only(), py::arg("kernel"), py::arg("mode"), py::arg("cval") = 0.0, py::arg("prefilter") = true,
                 py::arg("clip") = false, py::arg("float64") = false, py::arg("slope_axis") = -1);
    }
}

}  // namespace

void bind_warp(py::module_& module) {
    bind_arguments(module);
    module.def(
        "warp",
        [](const Array& input, const Array& output, const MapArgument& argument, warp::Options options, Where where_) {
            const ConstArrayView image = view_of(input, "input");
            const ArrayView out = writable_view_of(output, "output");
            const warp::CoordinateMap map = map_between(image, out, argument);
            expect(options.slope_axis < map.image_axes, "slope_axis: allowed an image axis");
            options.boolean = layout_of(output, "output").kind == 'b';
            run(where_, [&](const auto& exec) { backend::warp(image, out, map, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("map"), py::arg("options"), where(),
        "Interpolates `input` at the coordinates of the map for every point of `output`.");
    module.def(
        "push",
        [](const Array& input, const Array& output, const MapArgument& argument, const warp::Options& options,
           Where where_) {
            const ConstArrayView values = view_of(input, "input");
            const ArrayView image = writable_view_of(output, "output");
            const warp::CoordinateMap map = map_between(image, values, argument);
            expect(options.kernel.radius == 0 && options.slope_axis < 0, "options: allowed a spline, no slope");
            run(where_, [&](const auto& exec) { backend::push(values, image, map, options, exec); });
        },
        py::arg("input"), py::arg("output"), py::arg("map"), py::arg("options"), where(),
        "The adjoint of `warp`: grid values onto the image's samples.");
}

}  // namespace voxkern::bindings

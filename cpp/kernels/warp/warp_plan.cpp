// SPDX-License-Identifier: Apache-2.0
#include "kernels/warp/warp_plan.hpp"

#include <algorithm>
#include <cmath>

namespace voxkern::warp {
namespace {

// Axes of the image, slowest first: pairs of neighbours lie along the last one. Axes of one sample go first, as
// their strides are 0 and a pair along them would be one sample twice.
std::vector<int> image_order(const ConstArrayView& image, int axes) {
    std::int64_t strides[kMaxAxes];
    for (int a = 0; a < axes; ++a) strides[a] = image.shape[a] > 1 ? image.strides[a] : 0;
    std::vector<int> order = slowest_first(axes, strides);
    std::stable_partition(order.begin(), order.end(), [&](int a) { return image.shape[a] == 1; });
    return order;
}

Map plain_map(const CoordinateMap& given, const std::vector<int>& order) {
    Map map;
    map.axes = given.image_axes;
    map.grid_axes = given.grid_axes;
    map.has_matrix = !given.matrix.empty();
    map.has_field_matrix = !given.field_matrix.empty();
    const ConstArrayView& field = given.field;
    if (field.data != nullptr) {
        map.field = static_cast<const char*>(field.data);
        map.field_dtype = field.dtype;
        map.field_itemsize = size_of(field.dtype);
        map.components = static_cast<int>(field.shape[0]);
        map.component_stride = field.strides[0];
        std::copy_n(field.strides + 1, given.grid_axes, map.field_strides);
    }
    for (std::size_t a = 0; a < order.size(); ++a) {
        const int axis = order[a];
        map.component_of[a] = axis;
        if (!given.offset.empty()) map.offset[a] = given.offset[static_cast<std::size_t>(axis)];
        if (map.has_matrix) std::copy_n(given.matrix.data() + axis * map.grid_axes, map.grid_axes, map.matrix[a]);
        if (map.has_field_matrix) {
            std::copy_n(given.field_matrix.data() + axis * map.components, map.components, map.field_matrix[a]);
        }
    }
    return map;
}

template <class View>
Grid grid_of(const View& view, int axes) {
    Grid grid;
    grid.dtype = view.dtype;
    grid.itemsize = size_of(view.dtype);
    std::copy_n(view.shape, axes, grid.shape);
    std::copy_n(view.strides, axes, grid.strides);
    return grid;
}

Padded padded_geometry(int axes, const std::int64_t* shape, std::int64_t pad, std::int64_t margin) {
    Padded geometry;
    geometry.axes = axes;
    geometry.pad = pad;
    geometry.margin = margin;
    std::int64_t stride = 1;
    for (int a = axes - 1; a >= 0; --a) {
        geometry.shape[a] = shape[a];
        geometry.strides[a] = stride;
        geometry.first += margin * stride;
        stride *= shape[a] + 2 * margin;
    }
    geometry.size = stride + 16;
    return geometry;
}

std::int64_t pad_of(const Options& options) {
    return options.prefilter ? prefilter_pad(options.kernel, options.mode) : 0;
}

// Elements from the samples of a grid point to those of the next one along grid axis j, and a plane more for its
// taps. A field is taken to be near the identity.
std::int64_t prefetch_distance(const Map& map, const Source& source, int j) {
    std::int64_t distance = source.strides[0];
    for (int a = 0; a < source.axes; ++a) {
        const double step = map.has_matrix ? map.matrix[a][j] : (a == 0 ? 1.0 : 0.0);
        distance += static_cast<std::int64_t>(std::nearbyint(step)) * source.strides[a];
    }
    return distance;
}

// Axes of the grid as they are walked, slowest first; runs go along the last one. That is the fastest axis, or one that
// fills runs twice as well where the fastest is short.
std::vector<int> walk_order(const ArrayView& out, int axes) {
    const auto filled = [&](int j) {  // part of the lanes of a run that are in use
        const std::int64_t runs = (out.shape[j] + kRun - 1) / kRun;
        return static_cast<double>(out.shape[j]) / static_cast<double>(runs * kRun);
    };
    std::vector<int> order = slowest_first(axes, out.strides);
    auto along = order.end() - 1;
    for (auto j = order.end() - 1; j-- != order.begin();) {
        if (filled(*j) >= 2.0 * filled(order.back()) && filled(*j) > filled(*along)) along = j;
    }
    std::rotate(along, along + 1, order.end());
    return order;
}

// A tap read by sample_at costs about twice what copying a sample does.
bool few_points(const ConstArrayView& image, const ArrayView& out, const CoordinateMap& map, int taps) {
    double reads = 2.0;
    double samples = 1.0;
    for (int j = 0; j < map.grid_axes; ++j) reads *= static_cast<double>(out.shape[j]);
    for (int a = 0; a < map.image_axes; ++a) {
        reads *= taps;
        samples *= static_cast<double>(image.shape[a]);
    }
    return reads <= samples;
}

Axes<2> batch_of(const ConstArrayView& in, int in_axes, const ArrayView& out, int out_axes) {
    Axes<2> batch;
    for (int b = in_axes; b < in.rank; ++b)
        batch.push(in.shape[b], {in.strides[b], out.strides[b - in_axes + out_axes]});
    return batch;
}

}  // namespace

bool computes_in_f32(DType in, DType out, const Options& options) {
    return interpolates_in_f32(in, out, options.kernel, options.float64);
}

Plan plan_warp(const ConstArrayView& image, const ArrayView& out, const CoordinateMap& map, const Options& options) {
    Plan plan;
    Task& task = plan.task;
    const std::vector<int> order = image_order(image, map.image_axes);
    task.map = plain_map(map, order);
    task.grid = grid_of(out, map.grid_axes);
    plan.image.dtype = image.dtype;
    plan.image.rank = map.image_axes;
    Source& source = task.source;
    source.dtype = image.dtype;
    source.itemsize = size_of(image.dtype);
    source.axes = map.image_axes;
    source.kernel = options.kernel;
    source.mode = options.mode;
    source.cval = options.cval;
    for (int a = 0; a < source.axes; ++a) {
        const int axis = order[static_cast<std::size_t>(a)];
        plan.image.shape[a] = source.shape[a] = image.shape[axis];
        plan.image.strides[a] = image.strides[axis];
        source.strides[a] = image.shape[axis] > 1 ? image.strides[axis] : 0;
        if (axis == options.slope_axis) source.slope_axis = a;
    }
    const bool pairs = options.kernel.taps() <= 2 && options.kernel.radius == 0 && options.slope_axis < 0;
    const bool filters = options.kernel.filters() && options.prefilter;
    task.one_by_one =
        source.axes > kFastAxes || (!pairs && !filters && few_points(image, out, map, options.kernel.taps()));
    if (filters || !(pairs || task.one_by_one)) {  // so wide a margin that no tap of a sample inside needs folding
        const std::int64_t pad = pad_of(options);
        plan.padded = padded_geometry(source.axes, source.shape, pad, pad + options.kernel.taps() / 2 + 1);
        std::copy_n(plan.padded.strides, source.axes, source.strides);
        source.pad = plan.padded.pad;
        source.margin = plan.padded.margin;
        source.cval_subtracted = options.mode == Boundary::grid_constant;
    }
    plan.grid_order = walk_order(out, map.grid_axes);
    task.run_axis = plan.grid_order.back();
    const std::size_t n = plan.grid_order.size();
    if (n > 2) task.prefetch = prefetch_distance(task.map, source, plan.grid_order[n - 3]);
    plan.batch = batch_of(image, map.image_axes, out, map.grid_axes);
    return plan;
}

Plan plan_push(const ConstArrayView& values, const ArrayView& image, const CoordinateMap& map, const Options& options) {
    Plan plan;
    Task& task = plan.task;
    std::vector<int> order(static_cast<std::size_t>(map.image_axes));
    std::iota(order.begin(), order.end(), 0);
    task.map = plain_map(map, order);
    task.grid = grid_of(values, map.grid_axes);
    const std::int64_t pad = pad_of(options);
    plan.padded = padded_geometry(map.image_axes, image.shape, pad, pad);
    Source& source = task.source;
    source.axes = map.image_axes;
    source.pad = source.margin = pad;
    source.kernel = options.kernel;
    source.mode = options.mode;
    std::copy_n(image.shape, source.axes, source.shape);
    std::copy_n(plan.padded.strides, source.axes, source.strides);
    task.run_axis = map.grid_axes - 1;
    plan.batch = batch_of(values, map.grid_axes, image, map.image_axes);
    return plan;
}

}  // namespace voxkern::warp

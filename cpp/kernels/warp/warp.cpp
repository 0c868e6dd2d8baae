// SPDX-License-Identifier: Apache-2.0
#include "kernels/warp/warp.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "kernels/warp/warp_map.hpp"
#include "kernels/warp/warp_source.hpp"
#include "kernels/warp/warp_task.hpp"

namespace voxkern {
namespace {

constexpr std::int64_t kRows = 16;  // neighbouring rows of a chunk: what they read shares cache lines

// Axes in the order they are walked, slowest first: by the strides of `strides`.
std::vector<int> slowest_first(int axes, const std::int64_t* strides) {
    std::vector<int> order(static_cast<std::size_t>(axes));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return std::abs(strides[a]) > std::abs(strides[b]); });
    return order;
}

// The map and the image with the image's axes in that order: pairs of neighbours lie along the last one.
struct OrderedMap {
    std::vector<int> order;
    std::vector<double> offset;
    std::vector<double> matrix;
    std::vector<double> field_matrix;
};

OrderedMap order_map(const ConstArrayView& image, const CoordinateMap& map) {
    OrderedMap ordered;
    std::vector<std::int64_t> strides;
    for (int a = 0; a < map.image_axes; ++a) strides.push_back(image.shape[a] > 1 ? image.strides[a] : 0);
    ordered.order = slowest_first(map.image_axes, strides.data());
    // Axes of one sample sort last for their stride of 0; any place is right for them but the last.
    const auto single = [&](int a) { return image.shape[a] == 1; };
    std::stable_partition(ordered.order.begin(), ordered.order.end(), single);
    const auto components = static_cast<std::size_t>(map.field.data != nullptr ? map.field.shape[0] : 0);
    const auto grid_axes = static_cast<std::size_t>(map.grid_axes);
    for (const int axis : ordered.order) {
        const auto a = static_cast<std::size_t>(axis);
        if (!map.offset.empty()) ordered.offset.push_back(map.offset[a]);
        for (std::size_t j = 0; j < grid_axes && !map.matrix.empty(); ++j) {
            ordered.matrix.push_back(map.matrix[a * grid_axes + j]);
        }
        for (std::size_t v = 0; v < components && !map.field_matrix.empty(); ++v) {
            ordered.field_matrix.push_back(map.field_matrix[a * components + v]);
        }
    }
    return ordered;
}

WarpTask make_task(const ConstArrayView& image, const ArrayView& out, const WarpParams& params,
                   const OrderedMap& ordered) {
    const CoordinateMap& map = params.map;
    WarpTask task;
    task.axes = map.image_axes;
    task.grid_axes = map.grid_axes;
    task.offset = ordered.offset.empty() ? nullptr : ordered.offset.data();
    task.matrix = ordered.matrix.empty() ? nullptr : ordered.matrix.data();
    task.field_matrix = ordered.field_matrix.empty() ? nullptr : ordered.field_matrix.data();
    for (int a = 0; a < task.axes; ++a) {
        const int axis = ordered.order[static_cast<std::size_t>(a)];
        task.component_of[a] = axis;
        if (axis == params.slope_axis) task.slope_axis = a;
        task.source.shape[a] = image.shape[axis];
        task.source.strides[a] = image.shape[axis] > 1 ? image.strides[axis] : 0;
    }
    set_field(map.field, task);
    task.source.dtype = image.dtype;
    task.source.itemsize = size_of(image.dtype);
    task.target_dtype = out.dtype;
    task.target_itemsize = size_of(out.dtype);
    for (int j = 0; j < task.grid_axes; ++j) task.target_strides[j] = out.strides[j];
    task.kernel = params.kernel;
    task.mode = params.mode;
    task.cval = params.cval;
    return task;
}

// Elements from what a grid point reads to what the next one along grid axis j does, and a plane more for
// its taps. A field is taken to be near the identity.
std::int64_t plane_ahead(const WarpTask& task, int j) {
    std::int64_t ahead = task.source.strides[0];
    for (int a = 0; a < task.axes; ++a) {
        const double step = task.matrix != nullptr ? task.matrix[a * task.grid_axes + j] : (a == 0 ? 1.0 : 0.0);
        ahead += static_cast<std::int64_t>(std::nearbyint(step)) * task.source.strides[a];
    }
    return ahead;
}

// One image of the batch onto its grid.
void warp_image(WarpTask task, const ArrayView& out, void (*run_of)(const WarpTask&, const WarpRun&),
                const Exec& exec) {
    const std::vector<int> order = slowest_first(task.grid_axes, out.strides);
    task.run_axis = order.back();
    std::int64_t step[kMaxWarpAxes];  // grid points of a chunk along each axis
    std::int64_t chunks = 1;
    for (std::size_t k = 0; k < order.size(); ++k) {
        step[order[k]] = k + 1 == order.size() ? out.shape[order[k]] : (k + 2 == order.size() ? kRows : 1);
        chunks *= (out.shape[order[k]] + step[order[k]] - 1) / step[order[k]];
    }
    if (order.size() > 2) task.ahead = plane_ahead(task, order[order.size() - 3]);
    const std::int64_t length = out.shape[task.run_axis];
    parallel_for(chunks, exec, [&](std::int64_t chunk) {
        std::int64_t begin[kMaxWarpAxes];
        std::int64_t end[kMaxWarpAxes];
        std::int64_t rest = chunk;
        for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
            const std::int64_t count = (out.shape[*axis] + step[*axis] - 1) / step[*axis];
            begin[*axis] = rest % count * step[*axis];
            end[*axis] = std::min(begin[*axis] + step[*axis], out.shape[*axis]);
            rest /= count;
        }
        WarpRun run;
        std::copy_n(begin, task.grid_axes, run.at);
        for (bool more = true; more;) {
            lead_run(task, run);
            for (std::int64_t x = 0; x < length; x += kRun) {
                run.at[task.run_axis] = x;
                run.count = std::min<std::int64_t>(kRun, length - x);
                run_of(task, run);
            }
            more = false;
            for (std::size_t k = order.size() - 1; k-- > 0 && !more;) {
                const int axis = order[k];
                more = ++run.at[axis] < end[axis];
                if (!more) run.at[axis] = begin[axis];
            }
        }
    });
}

template <class C>
void warp_batch(const ConstArrayView& image, const ArrayView& out, const WarpParams& params,
                void (*run_of)(const WarpTask&, const WarpRun&), const Exec& exec) {
    const OrderedMap ordered = order_map(image, params.map);
    WarpTask task = make_task(image, out, params, ordered);
    const bool direct = params.kernel.taps() <= 2 && params.kernel.radius == 0 && params.slope_axis < 0;
    ConstArrayView item = image;  // of the ordered axes
    item.rank = task.axes;
    for (int a = 0; a < task.axes; ++a) {
        item.shape[a] = image.shape[ordered.order[static_cast<std::size_t>(a)]];
        item.strides[a] = image.strides[ordered.order[static_cast<std::size_t>(a)]];
    }
    Padded geometry;
    if (!direct) {
        const std::int64_t pad = params.prefilter ? prefilter_pad(params.kernel, params.mode) : 0;
        geometry = padded_geometry(task.axes, item.shape, pad + params.kernel.taps() / 2 + 1);
        task.less_cval = params.mode == Boundary::grid_constant;
    }
    Workspace workspace(Workspace::padded(geometry.size * static_cast<std::int64_t>(sizeof(C))));
    C* const copy = workspace.take<C>(geometry.size);
    std::int64_t items = 1;
    for (int b = task.axes; b < image.rank; ++b) items *= image.shape[b];
    for (std::int64_t i = 0; i < items; ++i) {
        std::int64_t rest = i;
        std::int64_t in_offset = 0;
        std::int64_t out_offset = 0;
        for (int b = image.rank - 1; b >= task.axes; --b) {
            const std::int64_t index = rest % image.shape[b];
            rest /= image.shape[b];
            in_offset += index * image.strides[b];
            out_offset += index * out.strides[b - task.axes + task.grid_axes];
        }
        item.data = image.at(in_offset);
        task.source.base = static_cast<const char*>(item.data);
        if (!direct) make_rimmed<C>(item, params, geometry, copy, exec, task.source);
        task.target = static_cast<char*>(out.at(out_offset));
        warp_image(task, out, run_of, exec);
    }
}

}  // namespace

void warp(const ConstArrayView& image, const ArrayView& out, const WarpParams& params, const Exec& exec) {
    if (out.size() == 0) return;
    const Exec limited = limited_to_work(exec, 4 * out.size());
    const WarpOps& ops = VOXKERN_SELECT_LEVEL(warp_ops);
    if (exact_in_f32(image.dtype) && exact_in_f32(out.dtype) && !params.float64) {
        warp_batch<float>(image, out, params, ops.f32.pull, limited);
    } else {
        warp_batch<double>(image, out, params, ops.f64.pull, limited);
    }
}

}  // namespace voxkern

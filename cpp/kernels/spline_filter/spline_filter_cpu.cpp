// SPDX-License-Identifier: Apache-2.0
#include "core/passes.hpp"
#include "core/tiles.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/spline_filter/spline_filter_plan.hpp"
#include "kernels/spline_filter/spline_filter_task.hpp"

namespace voxkern::spline_filter {
namespace {

template <class C>
using RunTile = void (*)(const Task<C>&, const TilePosition&, const Scratch<C>&);

// One OwnedPrefilter per pass, made once for all slabs.
template <class C>
struct Passes {
    std::vector<int> axes;
    std::vector<OwnedPrefilter<C>> filters;
    C gain;
    RunTile<C> tile;

    void run(std::size_t k, const ConstArrayView& in, const ArrayView& out, const Exec& exec) const {
        Task<C> task;
        task.lines = make_lines(in, out, axes[k], sizeof(C), in.shape[axes[k]]);
        task.filter = filters[k].filter();
        task.gain = gain;
        const std::int64_t size = task.lines.length * task.lines.tile_lanes;
        const std::int64_t rows = task.lines.transposed ? size : task.lines.tile_lanes;
        const std::int64_t bytes = Workspace::bytes_of<C>({size, rows});
        for_tiles(task.lines, exec, bytes, [&](Workspace& workspace, std::int64_t /*chunk*/) {
            Scratch<C> scratch;
            scratch.tile = workspace.take<C>(size);
            scratch.rows = workspace.take<C>(rows);
            return [this, &task, scratch](const TilePosition& at) { tile(task, at, scratch); };
        });
    }
};

ArrayView contiguous_like(const ConstArrayView& in, DType dtype, void* data) {
    ArrayView view;
    view.data = data;
    view.dtype = dtype;
    view.rank = in.rank;
    std::int64_t stride = 1;
    for (int a = in.rank - 1; a >= 0; --a) {
        view.shape[a] = in.shape[a];
        view.strides[a] = stride;
        stride *= in.shape[a];
    }
    return view;
}

template <class C>
void filter(const ConstArrayView& in, const ArrayView& out, const Options& options, RunTile<C> tile, const Exec& exec) {
    Passes<C> passes{passes_of(out, options), {}, static_cast<C>(spline_gain(options.order)), tile};
    for (const int axis : passes.axes) passes.filters.emplace_back(in.shape[axis], 0, options.order, options.mode);
    const Exec limited = limited_to_work(exec, 2 * in.size() * static_cast<std::int64_t>(passes.axes.size()));
    const auto run = [&](const ArrayView& to) {
        run_passes(
            in, to, passes.axes, limited,
            [&](std::size_t k, const ConstArrayView& a, const ArrayView& b, const Exec& e) { passes.run(k, a, b, e); });
    };
    if (out.dtype == DTypeOf<C>::value || passes.axes.size() == 1) {
        run(out);
        return;
    }
    // Between the passes the coefficients keep their precision.
    Workspace workspace(Workspace::bytes_of<C>({in.size()}));
    const ArrayView between = contiguous_like(in, DTypeOf<C>::value, workspace.take<C>(in.size()));
    run(between);
    cpu::copy(as_const(between), out, exec);
}

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

}  // namespace
}  // namespace voxkern::spline_filter

namespace voxkern::cpu {

void spline_filter(const ConstArrayView& in, const ArrayView& out, const spline_filter::Options& options,
                   const Exec& exec) {
    if (in.size() == 0) return;
    if (spline_filter::passes_of(out, options).empty()) {
        if (in.data != out.data) copy(in, out, exec);
        return;
    }
    const spline_filter::Ops& ops = spline_filter::active_ops();
    if (spline_filter::computes_in_f32(in.dtype, out.dtype, options)) {
        spline_filter::filter<float>(in, out, options, ops.tile_f32, exec);
    } else {
        spline_filter::filter<double>(in, out, options, ops.tile_f64, exec);
    }
}

}  // namespace voxkern::cpu

// SPDX-License-Identifier: Apache-2.0
#include "core/passes.hpp"
#include "core/tiles.hpp"
#include "kernels/correlate1d/correlate1d_plan.hpp"
#include "kernels/correlate1d/correlate1d_task.hpp"

namespace voxkern::correlate1d {
namespace {

template <class C>
void filter_axis(const ConstArrayView& in, const ArrayView& out, const AxisFilter& filter, const Exec& exec,
                 void (*tile)(const Task<C>&, const TilePosition&, const Scratch<C>&)) {
    const std::int64_t n = in.shape[filter.axis];
    const Plan<C> plan(filter, n);
    Task<C> task;
    task.before = plan.before;
    task.after = plan.after;
    task.lines = make_lines(in, out, filter.axis, sizeof(C), task.before + n + task.after);
    task.weights = plan.weights.data();
    task.size = static_cast<std::int64_t>(plan.weights.size());
    task.symmetry = plan.symmetry;
    task.divisor = plan.divisor;
    task.cval = plan.cval;
    task.extension = plan.extension.data();

    // 64 more elements: whole vectors may read past the last sample.
    const std::int64_t width = task.lines.transposed ? 1 : task.lines.tile_lanes;
    const std::int64_t extended = (task.before + n + task.after) * width + 64;
    const std::int64_t row = task.lines.transposed ? n : width;
    const std::int64_t bytes = Workspace::bytes_of<C>({extended, row});
    for_tiles(task.lines, exec, bytes, [&](Workspace& workspace, std::int64_t /*chunk*/) {
        Scratch<C> scratch;
        scratch.extended = workspace.take<C>(extended);
        scratch.row = workspace.take<C>(row);
        return [&task, tile, scratch](const TilePosition& at) { tile(task, at, scratch); };
    });
}

void filter_axis(const ConstArrayView& in, const ArrayView& out, const AxisFilter& filter, const Exec& exec) {
    const Ops& ops = VOXKERN_SELECT_LEVEL(ops);
    if (computes_in_f32(in.dtype, out.dtype, filter)) {
        filter_axis<float>(in, out, filter, flushing_subnormals(exec), ops.tile_f32);
    } else {
        filter_axis<double>(in, out, filter, exec, ops.tile_f64);
    }
}

}  // namespace
}  // namespace voxkern::correlate1d

namespace voxkern::cpu {

void correlate1d(const ConstArrayView& in, const ArrayView& out, const std::vector<correlate1d::AxisFilter>& filters,
                 const Exec& exec) {
    if (in.size() == 0) return;
    if (in.rank == 0) {  // a scalar is a line of one sample
        ConstArrayView line = in;
        ArrayView result = out;
        line.rank = result.rank = 1;
        line.shape[0] = result.shape[0] = 1;
        correlate1d(line, result, filters, exec);
        return;
    }
    if (filters.empty()) {
        correlate1d(in, out, {correlate1d::AxisFilter{0, {1.0}}}, exec);
        return;
    }
    std::vector<int> axes;
    for (const correlate1d::AxisFilter& filter : filters) axes.push_back(filter.axis);
    run_passes(in, out, axes, limited_to_work(exec, correlate1d::work_of(in, filters)),
               [&](std::size_t k, const ConstArrayView& from, const ArrayView& to, const Exec& limited) {
                   correlate1d::filter_axis(from, to, filters[k], limited);
               });
}

}  // namespace voxkern::cpu

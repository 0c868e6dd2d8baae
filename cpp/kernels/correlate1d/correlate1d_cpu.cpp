// SPDX-License-Identifier: Apache-2.0
#include "core/passes.hpp"
#include "core/tiles.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/correlate1d/correlate1d_plan.hpp"
#include "kernels/correlate1d/correlate1d_task.hpp"

namespace voxkern::correlate1d {
namespace {

template <class C>
Task<C> task_of(const Plan<C>& plan, const Lines& lines) {
    Task<C> task;
    task.lines = lines;
    task.weights = plan.weights.data();
    task.size = plan.before + 1 + plan.after;
    task.symmetry = plan.symmetry;
    task.divisor = plan.divisor;
    task.cval = plan.cval;
    task.running = plan.running;
    task.surplus = plan.surplus;
    const Surplus& s = plan.surplus;
    task.has_surplus = s.inner != 0.0 || s.first != 0.0 || s.last != 0.0 || s.outside != 0.0;
    task.before = plan.before;
    task.after = plan.after;
    task.extension = plan.extension.data();
    return task;
}

template <class C>
using RunTile = void (*)(const Task<C>&, const TilePosition&, const Scratch<C>&);

template <class C>
void filter_axis(const ConstArrayView& in, const ArrayView& out, const AxisFilter& filter, const Exec& exec,
                 RunTile<C> tile) {
    const Plan<C> plan(filter, in.shape[filter.axis]);
    const std::int64_t halo = plan.before + plan.after;
    const std::int64_t taps = plan.running ? 3 : 1 + halo;
    const Lines lines = make_cut_lines(in, out, filter.axis, sizeof(C), halo, taps);
    if (lines.pieces > 1 && in.data == out.data) {  // a piece would read what its neighbour has written
        Workspace original(in.size() * size_of(in.dtype));
        const ArrayView copied = contiguous_at(original.take<char>(in.size() * size_of(in.dtype)), in.dtype, in);
        cpu::copy(in, copied, exec);
        filter_axis(as_const(copied), out, filter, exec, tile);
        return;
    }
    const Task<C> task = task_of(plan, lines);

    // 64 more elements: whole vectors may read past the last sample.
    const bool packed = !lines.transposed || (plan.running && lines.width == 1);
    const std::int64_t width = packed ? lines.tile_lanes : lines.width;
    const std::int64_t extended = (lines.piece + halo) * width + 64;
    const std::int64_t row = lines.transposed ? lines.piece * lines.width : width;
    const std::int64_t sums = plan.running ? 2 * width : 0;
    const std::int64_t staging = plan.running && lines.transposed ? extended : 0;
    const std::int64_t bytes = Workspace::bytes_of<C>({extended, row, sums, staging});
    for_tiles(lines, exec, bytes, [&](Workspace& workspace, std::int64_t /*chunk*/) {
        Scratch<C> scratch;
        scratch.extended = workspace.take<C>(extended);
        scratch.row = workspace.take<C>(row);
        scratch.sums = workspace.take<C>(sums);
        scratch.staging = workspace.take<C>(staging);
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
    if (filters.empty() && in.dtype == out.dtype) {
        if (in.data != out.data) copy(in, out, exec);
        return;
    }
    if (filters.empty()) {  // converted as results are
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

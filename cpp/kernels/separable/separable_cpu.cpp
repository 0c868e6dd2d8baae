// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "core/axes.hpp"
#include "core/workspace.hpp"
#include "kernels/separable/separable_plan.hpp"

namespace voxkern::separable {
namespace {

template <class C, class Sizer>
Scratch<C> scratch_of(const Task<C>& task, Sizer&& memory) {
    const std::int64_t planes = task.axes[0].block;
    Scratch<C> scratch;
    scratch.planes = memory.template take<C>((planes + task.axes[0].before + task.axes[0].after) * task.row);
    scratch.rings = memory.template take<C>(task.count[0] * planes * task.rows * task.row);
    scratch.lines = memory.template take<C>(task.count[1] * task.row);
    scratch.values = memory.template take<C>(task.count[2] * task.row);
    scratch.results = memory.template take<C>(task.outputs * task.row);
    return scratch;
}

template <class C>
double sweep(const ConstArrayView& in, const ArrayView& out, const std::vector<Term>& terms, const Options& options,
             const Exec& exec, void (*run_tile)(const Task<C>&, const Tile&, Scratch<C>&)) {
    const SweptAxes axes = swept_axes(out, in.rank, terms);
    const Plan<C> plan(in, out, axes, terms, options);
    WorkspaceSize size;
    scratch_of(plan.task, size);
    Axes<2> others;
    for (const int a : axes.others) others.push(in.shape[a], {in.strides[a], out.strides[a]});
    const std::int64_t tiles = others.size() * plan.tiles;
    std::vector<double> squares(static_cast<std::size_t>(tiles));
    parallel_for(tiles, exec, [&](std::int64_t index) {
        Workspace workspace(size.bytes());
        Scratch<C> scratch = scratch_of(plan.task, workspace);
        const Axes<2>::Offsets at = others.at(index / plan.tiles);
        Task<C> task = plan.task;
        task.in = static_cast<const char*>(in.at(at[0]));
        task.out = static_cast<char*>(out.at(at[1]));
        run_tile(task, plan.tile(index % plan.tiles), scratch);
        squares[static_cast<std::size_t>(index)] = scratch.square;
    });
    double largest = 0.0;
    for (const double square : squares) {
        if (square > largest || std::isnan(square)) largest = square;  // a NaN stays
    }
    return std::sqrt(largest);
}

double sweep(const ConstArrayView& in, const ArrayView& out, const std::vector<Term>& terms, const Options& options,
             const Exec& exec) {
    const Ops& ops = VOXKERN_SELECT_LEVEL(ops);
    if (computes_in_f32(in.dtype, out.dtype)) {
        return sweep<float>(in, out, terms, options, flushing_subnormals(exec), ops.tile_f32);
    }
    return sweep<double>(in, out, terms, options, exec, ops.tile_f64);
}

}  // namespace
}  // namespace voxkern::separable

namespace voxkern::cpu {

double separable(const ConstArrayView& in, const ArrayView& out, const std::vector<separable::Term>& terms,
                 const separable::Options& options, const Exec& exec) {
    if (in.size() == 0 || terms.empty()) return 0.0;
    return separable::sweep(in, out, terms, options, limited_to_work(exec, separable::work_of(in, terms)));
}

}  // namespace voxkern::cpu

// SPDX-License-Identifier: Apache-2.0
#include "core/passes.hpp"
#include "core/tiles.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian_plan.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian_task.hpp"

namespace voxkern::recursive_gaussian {
namespace {

template <class C>
using RunTile = void (*)(const Task<C>&, const TilePosition&, const Scratch<C>&);

template <class C>
void smooth_axis(const ConstArrayView& in, const ArrayView& out, int axis, double sigma, const Options& options,
                 const Exec& exec, RunTile<C> run_tile) {
    const std::int64_t n = in.shape[axis];
    std::int64_t run_in = run_in_of<C>(sigma);
    Task<C> task;
    task.lines = make_cut_lines(in, out, axis, sizeof(C), 2 * run_in, 8);
    if (task.lines.pieces > 1 && in.data == out.data) {  // a piece would read what its neighbour has written
        Workspace original(in.size() * size_of(in.dtype));
        const ArrayView copied = contiguous_at(original.take<char>(in.size() * size_of(in.dtype)), in.dtype, in);
        cpu::copy(in, copied, exec);
        smooth_axis(as_const(copied), out, axis, sigma, options, exec, run_tile);
        return;
    }
    if (is_settled(options.mode) && task.lines.pieces == 1) run_in = 1;
    std::vector<std::int64_t> index;
    for (std::int64_t e = 0; e < run_in; ++e) index.push_back(fold_index(e - run_in, n, options.mode));
    for (std::int64_t e = 0; e < run_in; ++e) index.push_back(fold_index(n + e, n, options.mode));
    task.extension = {n, run_in, run_in, index.data(), static_cast<C>(options.cval)};
    make_poles(sigma, task.poles);

    constexpr std::int64_t kAlign = 64 / static_cast<std::int64_t>(sizeof(C));
    const std::int64_t lanes = task.lines.width > 1 ? kAlign : task.lines.tile_lanes;  // those of a sample are few
    const std::int64_t extended = (task.lines.piece + 2 * run_in) * lanes;
    const std::int64_t result = task.lines.piece * lanes;
    const std::int64_t staging = task.lines.transposed ? extended : lanes;
    for_tiles(task.lines, exec, Workspace::bytes_of<C>({extended, result, staging}),
              [&](Workspace& workspace, std::int64_t /*chunk*/) {
                  Scratch<C> scratch;
                  scratch.extended = workspace.take<C>(extended);
                  scratch.causal = workspace.take<C>(result);
                  scratch.staging = workspace.take<C>(staging);
                  return [&task, run_tile, scratch](const TilePosition& at) { run_tile(task, at, scratch); };
              });
}

void smooth_axis(const ConstArrayView& in, const ArrayView& out, int axis, double sigma, const Options& options,
                 const Exec& exec) {
    const Ops& ops = VOXKERN_SELECT_LEVEL(ops);
    if (computes_in_f32(in.dtype, out.dtype)) {
        smooth_axis<float>(in, out, axis, sigma, options, flushing_subnormals(exec), ops.tile_f32);
    } else {
        smooth_axis<double>(in, out, axis, sigma, options, exec, ops.tile_f64);
    }
}

}  // namespace
}  // namespace voxkern::recursive_gaussian

namespace voxkern::cpu {

void recursive_gaussian(const ConstArrayView& in, const ArrayView& out, const recursive_gaussian::Options& options,
                        const Exec& exec) {
    if (in.size() == 0) return;
    const auto work = 8 * in.size() * static_cast<std::int64_t>(options.axes.size());
    run_passes(in, out, options.axes, limited_to_work(exec, work),
               [&](std::size_t k, const ConstArrayView& from, const ArrayView& to, const Exec& limited) {
                   recursive_gaussian::smooth_axis(from, to, options.axes[k], options.sigma[k], options, limited);
               });
}

}  // namespace voxkern::cpu

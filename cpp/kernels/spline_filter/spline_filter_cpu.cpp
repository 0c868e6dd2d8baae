// SPDX-License-Identifier: Apache-2.0
#include "core/passes.hpp"
#include "core/tiles.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/spline_filter/spline_filter_plan.hpp"
#include "kernels/spline_filter/spline_filter_task.hpp"

namespace voxkern::spline_filter {
namespace {

// Passes along one axis after another. The tables of a pass are made once for all slabs.
template <class C>
struct Passes {
    const Options& options;
    const Kernels<C>& kernels;
    C gain;
    std::vector<int> axes;
    std::vector<OwnedPrefilter<C>> filters;

    void run(std::size_t k, const ConstArrayView& in, const ArrayView& out, const Exec& exec) const {
        const std::int64_t n = in.shape[axes[k]];
        if (cuts(axes[k], out)) {
            run_segments(axes[k], in, out, exec);
            return;
        }
        Task<C> task;
        task.lines = make_lines(in, out, axes[k], sizeof(C), n);
        task.gain = gain;
        task.filter = filters[k].filter();
        const std::int64_t size = task.lines.length * task.lines.tile_lanes;
        const std::int64_t rows = task.lines.transposed ? size : task.lines.tile_lanes;
        const std::int64_t bytes = Workspace::bytes_of<C>({size, rows});
        for_tiles(task.lines, exec, bytes, [&](Workspace& workspace, std::int64_t /*chunk*/) {
            Scratch<C> scratch;
            scratch.tile = workspace.take<C>(size);
            scratch.rows = workspace.take<C>(rows);
            return [this, &task, scratch](const TilePosition& at) { kernels.tile(task, at, scratch); };
        });
    }

    static bool cuts(int axis, const ArrayView& out) {
        return takes_segments(out.shape[axis], out.size() / out.shape[axis], out.strides[axis]);
    }

    // Long lines, a segment of one line at a time. A segment reads its neighbours' samples: in place, the results of a
    // line wait elsewhere until all are made.
    void run_segments(int axis, const ConstArrayView& in, const ArrayView& out, const Exec& exec) const {
        if (in.data == out.data) {
            run_segments_in_place(axis, out, exec);
            return;
        }
        Task<C> task;
        task.lines = make_lines(in, out, axis, sizeof(C), in.shape[axis]);
        task.gain = gain;
        task.line = long_line<C>(in.shape[axis], 0, options.order, options.mode);
        Axes<2> lines = task.lines.outer;
        lines.push(task.lines.lanes, {task.lines.in.lane, task.lines.out.lane});
        const std::int64_t n = task.lines.length;
        const std::int64_t segments = (n + kSegment - 1) / kSegment;
        parallel_for(lines.size() * segments, exec, [&](std::int64_t chunk) {
            const Axes<2>::Offsets at = lines.at(chunk / segments);
            const std::int64_t begin = chunk % segments * kSegment;
            Workspace buffer(Workspace::bytes_of<C>({kSegmentRoom<C>}));
            kernels.segment(task, {at[0], at[1], 1, 0, n}, begin, std::min(begin + kSegment, n),
                            buffer.take<C>(kSegmentRoom<C>));
        });
    }

    void run_segments_in_place(int axis, const ArrayView& array, const Exec& exec) const {
        ArrayView line = array;
        Axes<1> lines;
        for (int a = 0; a < array.rank; ++a) {
            if (a == axis) continue;
            lines.push(array.shape[a], {array.strides[a]});
            line.shape[a] = 1;
        }
        Workspace workspace(array.shape[axis] * size_of(array.dtype));
        const ArrayView apart = contiguous_at(workspace.take<char>(0), array.dtype, line);
        for (std::int64_t l = 0; l < lines.size(); ++l) {
            line.data = array.at(lines.at(l)[0]);
            run_segments(axis, as_const(line), apart, exec);
            cpu::copy(as_const(apart), line, exec);
        }
    }
};

template <class C>
void filter(const ConstArrayView& in, const ArrayView& out, const Options& options, const Kernels<C>& kernels,
            const Exec& exec) {
    Passes<C> passes{options, kernels, static_cast<C>(spline_gain(options.order)), passes_of(out, options), {}};
    const Exec limited = limited_to_work(exec, 2 * in.size() * static_cast<std::int64_t>(passes.axes.size()));
    const auto run = [&](const ArrayView& to) {
        for (const int axis : passes.axes) {
            const std::int64_t n = passes.cuts(axis, to) ? 1 : in.shape[axis];  // segments need no tables
            passes.filters.emplace_back(n, 0, options.order, options.mode);
        }
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
    const ArrayView between = contiguous_at(workspace.take<C>(in.size()), DTypeOf<C>::value, in);
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
        spline_filter::filter<float>(in, out, options, ops.f32, flushing_subnormals(exec));
    } else {
        spline_filter::filter<double>(in, out, options, ops.f64, exec);
    }
}

}  // namespace voxkern::cpu

// SPDX-License-Identifier: Apache-2.0
// Row loops of correlate1d, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/correlate1d/correlate1d_task.hpp"

namespace voxkern::correlate1d {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/simd.inl.hpp"

template <class C>
void finish_row(const Task<C>& task, C* row, std::int64_t n) {
    if (task.divisor != C{1}) {
        for (std::int64_t i = 0; i < n; ++i) row[i] /= task.divisor;
    }
}

// Lines that lie apart: every lane of a row takes the same weight of the same row.
template <class C>
void correlate_across(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    const Lines& lines = task.lines;
    const std::int64_t n = lines.length;
    const std::int64_t width = round_up(at.lanes, kRowAlign<C>);
    C* const line = scratch.extended + task.before * width;
    load_tile(lines.in, at.in_offset, false, n, at.lanes, line, width, static_cast<C*>(nullptr));
    extend_tile(line, n, width, task.extension, task.before, task.after, task.cval);
    const RowSink<C> sink = row_sink<TruncateWrap, C>(lines.out, at.out_offset, scratch.row);
    for (std::int64_t i = 0; i < n; ++i) {
        C* const row = sink.row(i);
        fir_row(scratch.extended + i * width, width, task.weights, task.size, task.symmetry, row, at.lanes);
        finish_row(task, row, at.lanes);
        sink.done(i, at.lanes);
    }
}

// Lines that are contiguous themselves: the taps are neighbours in memory.
template <class C>
void correlate_along(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    const Lines& lines = task.lines;
    const std::int64_t n = lines.length;
    C* const line = scratch.extended + task.before;
    const LoadRow<C> load_line = load_row_of<C>(lines.in.dtype);
    const RowSink<C> sink = row_sink<TruncateWrap, C>(swap_directions(lines.out), at.out_offset, scratch.row);
    for (std::int64_t l = 0; l < at.lanes; ++l) {
        load_line(lines.in.base + (at.in_offset + l * lines.in.lane) * lines.in.itemsize, lines.in.step, line, n);
        extend_tile(line, n, 1, task.extension, task.before, task.after, task.cval);
        C* const row = sink.row(l);
        fir_row(scratch.extended, 1, task.weights, task.size, task.symmetry, row, n);
        finish_row(task, row, n);
        sink.done(l, n);
    }
}

template <class C>
void correlate_tile(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    if (task.lines.transposed) {
        correlate_along(task, at, scratch);
    } else {
        correlate_across(task, at, scratch);
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {correlate_tile<float>, correlate_tile<double>};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::correlate1d

// SPDX-License-Identifier: Apache-2.0
// Tiles of spline_filter, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/spline_filter/spline_filter_task.hpp"

namespace voxkern::spline_filter {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/simd.inl.hpp"

template <class C>
void scale(const C* from, C gain, C* to, std::int64_t n) {
    for (std::int64_t l = 0; l < n; ++l) to[l] = from[l] * gain;
}

// Lines that lie apart: a row of the tile is a row of the output.
template <class C>
void store_across(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch, std::int64_t width) {
    const RowSink<C> sink = row_sink<RoundSaturate, C>(task.lines.out, at.out_offset, scratch.rows);
    for (std::int64_t i = 0; i < task.lines.length; ++i) {
        scale(scratch.tile + i * width, task.gain, sink.row(i), at.lanes);
        sink.done(i, at.lanes);
    }
}

// Lines that are contiguous themselves: the tile is transposed back first.
template <class C>
void store_along(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch, std::int64_t width) {
    const LineSide& to = task.lines.out;
    const std::int64_t n = task.lines.length;
    scale(scratch.tile, task.gain, scratch.tile, n * width);
    char* const first = to.base + at.out_offset * to.itemsize;
    if (to.dtype == kOwnDType<C> && to.step == 1 && at.lanes == width) {
        transpose(scratch.tile, width, reinterpret_cast<C*>(first), to.lane, n, width);
        return;
    }
    transpose(scratch.tile, width, scratch.rows, n, n, width);
    const StoreRow<C> store_line = store_row_of<RoundSaturate, C>(to.dtype);
    for (std::int64_t l = 0; l < at.lanes; ++l) {
        store_line(scratch.rows + l * n, first + l * to.lane * to.itemsize, to.step, n);
    }
}

template <class C>
void filter_tile(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    const Lines& lines = task.lines;
    const std::int64_t width = round_up(at.lanes, kRowAlign<C>);
    load_tile(lines.in, at.in_offset, lines.transposed, lines.length, at.lanes, scratch.tile, width, scratch.rows);
    prefilter_tile(task.filter, scratch.tile, width, width);
    if (lines.transposed) {
        store_along(task, at, scratch, width);
    } else {
        store_across(task, at, scratch, width);
    }
}

template <class C>
void filter_segment(const Task<C>& task, const TilePosition& at, std::int64_t begin, std::int64_t end, C* buffer) {
    const LineSide& from = task.lines.in;
    const LineSide& to = task.lines.out;
    const char* const first = from.base + at.in_offset * from.itemsize;
    C* const coefficients = segment_coefficients(task.line, from, first, C{0}, begin, end, buffer);
    scale(coefficients, task.gain, coefficients, end - begin);
    char* const target = to.base + (at.out_offset + begin * to.step) * to.itemsize;
    store_row_of<RoundSaturate, C>(to.dtype)(coefficients, target, to.step, end - begin);
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {{filter_tile<float>, filter_segment<float>},
                                  {filter_tile<double>, filter_segment<double>}};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::spline_filter

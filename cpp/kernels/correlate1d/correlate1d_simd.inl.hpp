// SPDX-License-Identifier: Apache-2.0
// Row loops of correlate1d, compiled once per ISA level inside that level's namespace.
#include "core/extension.hpp"
#include "core/simd/intrinsics.hpp"
#include "kernels/correlate1d/correlate1d_task.hpp"

namespace voxkern::correlate1d {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/simd.inl.hpp"
#include "core/simd/extend.inl.hpp"
// clang-format on

template <class C>
void divide_row(C* row, C divisor, std::int64_t n) {
    if (divisor != C{1}) {
        for (std::int64_t i = 0; i < n; ++i) row[i] /= divisor;
    }
}

template <class C>
Extension<C> extension_of(const Task<C>& task) {
    return {task.lines.length, task.before, task.after, task.extension, task.cval};
}

// The samples of lines that lie apart, a row of lanes each.
template <class C>
auto rows_of(const LineSide& in, const TilePosition& at, std::int64_t width) {
    const char* const src = in.base + at.in_offset * in.itemsize;
    return [=, load_line = load_row_of<C>(in.dtype)](std::int64_t first, std::int64_t count, C* to) {
        for (std::int64_t i = 0; i < count; ++i) {
            load_line(src + (first + i) * in.step * in.itemsize, in.lane, to + i * width, at.lanes);
            fill_row(to + i * width + at.lanes, C{0}, width - at.lanes);
        }
    };
}

// The samples of line l of those that are contiguous themselves.
template <class C>
auto line_of(const Lines& lines, const TilePosition& at, std::int64_t l) {
    const LineSide in = lines.in;
    const std::int64_t width = lines.width;
    const char* const src = in.base + (at.in_offset + l * in.lane) * in.itemsize;
    return [=, load_line = load_row_of<C>(in.dtype)](std::int64_t first, std::int64_t count, C* to) {
        load_line(src + first * width * in.step * in.itemsize, in.step, to, count * width);
    };
}

// Where the results of a tile go, a row per sample or, for lines that are contiguous themselves, a row per line.
template <class C>
RowSink<C> sink_of(const Task<C>& task, const TilePosition& at, C* buffer) {
    const LineSide& out = task.lines.out;
    const std::int64_t first = at.out_offset + at.first * task.lines.width * out.step;
    return row_sink<TruncateWrap, C>(task.lines.transposed ? swap_directions(out) : out, first, buffer);
}

template <class C>
void correlate_across(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    const std::int64_t width = round_up(at.lanes, kRowAlign<C>);
    load_extended(extension_of(task), at, width, scratch.extended, rows_of<C>(task.lines.in, at, width));
    const RowSink<C> sink = sink_of(task, at, scratch.row);
    for (std::int64_t i = 0; i < at.count; ++i) {
        C* const row = sink.row(i);
        fir_row(scratch.extended + i * width, width, task.weights, task.size, task.symmetry, row, at.lanes);
        divide_row(row, task.divisor, at.lanes);
        sink.done(i, at.lanes);
    }
}

// The taps are neighbours in memory, or `width` apart.
template <class C>
void correlate_along(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    const std::int64_t width = task.lines.width;
    const std::int64_t n = at.count * width;
    const RowSink<C> sink = sink_of(task, at, scratch.row);
    for (std::int64_t l = 0; l < at.lanes; ++l) {
        load_extended(extension_of(task), at, width, scratch.extended, line_of<C>(task.lines, at, l));
        C* const row = sink.row(l);
        fir_row(scratch.extended, width, task.weights, task.size, task.symmetry, row, n);
        divide_row(row, task.divisor, n);
        sink.done(l, n);
    }
}

// --- means of long boxes ---

// What every window of a line has besides its samples here. Only whole lines have it.
template <class C>
void surplus_row(const Task<C>& task, const C* line, std::int64_t width, C* to) {
    const Surplus& s = task.surplus;
    const std::int64_t n = task.lines.length;
    const C* const last = line + (n - 1) * width;
    fill_row(to, C{0}, width);
    if (s.inner != 0.0) {
        for (std::int64_t i = 1; i < n - 1; ++i) {
            for (std::int64_t l = 0; l < width; ++l) to[l] += line[i * width + l];
        }
        for (std::int64_t l = 0; l < width; ++l) to[l] *= static_cast<C>(s.inner);
    }
    for (std::int64_t l = 0; l < width; ++l) {
        if (s.first != 0.0) to[l] += static_cast<C>(s.first) * line[l];
        if (s.last != 0.0) to[l] += static_cast<C>(s.last) * last[l];
        if (s.outside != 0.0) to[l] += static_cast<C>(s.outside) * task.cval;
    }
}

// Every window is the end of one block of `size` samples and the start of the next. Sums from each sample to the end
// of its block replace the samples; sums from the start of a block are carried along. Nothing is ever subtracted: a
// NaN or a large value stays within its windows. Blocks are counted from the line's start, whatever the piece.
template <class C, class Row, class Done>
void mean_rows(const Task<C>& task, const TilePosition& at, std::int64_t width, C* sums, C* x, const Row& row,
               const Done& done) {
    C* VOXKERN_RESTRICT const start = sums;
    C* VOXKERN_RESTRICT const surplus = sums + width;
    fill_row(surplus, C{0}, width);
    if (task.has_surplus) surplus_row(task, x + task.before * width, width, surplus);
    for (std::int64_t block = -(at.first % task.size); block < at.count; block += task.size) {
        const std::int64_t low = block > 0 ? block : 0;
        const std::int64_t next = block + task.size;
        for (std::int64_t e = next - 2; e >= low; --e) {
            C* const here = x + e * width;
            for (std::int64_t l = 0; l < width; ++l) here[l] += here[width + l];
        }
        fill_row(start, C{0}, width);
        for (std::int64_t e = next; e < low + task.size - 1; ++e) {
            for (std::int64_t l = 0; l < width; ++l) start[l] += x[e * width + l];
        }
        for (std::int64_t i = low; i < next && i < at.count; ++i) {
            const C* const tail = x + i * width;
            const C* const newest = tail + (task.size - 1) * width;
            C* const to = row(i);
            if (i == block) {  // the window is the block
                for (std::int64_t l = 0; l < width; ++l) to[l] = (tail[l] + surplus[l]) / task.divisor;
            } else {
                for (std::int64_t l = 0; l < width; ++l) {
                    start[l] += newest[l];
                    to[l] = (tail[l] + start[l] + surplus[l]) / task.divisor;
                }
            }
            done(i);
        }
    }
}

template <class C>
void mean_across(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    const std::int64_t width = round_up(at.lanes, kRowAlign<C>);
    load_extended(extension_of(task), at, width, scratch.extended, rows_of<C>(task.lines.in, at, width));
    const RowSink<C> sink = sink_of(task, at, scratch.row);
    mean_rows(
        task, at, width, scratch.sums, scratch.extended, [&](std::int64_t) { return scratch.row; },
        [&](std::int64_t i) { sink.store_line(scratch.row, sink.base + i * sink.step_bytes, sink.stride, at.lanes); });
}

// mean_rows of one line of W elements a sample: its sums stay in registers.
template <std::int64_t W, class C>
void mean_line(const Task<C>& task, const TilePosition& at, const C* surplus, C* x, C* VOXKERN_RESTRICT to) {
    for (std::int64_t block = -(at.first % task.size); block < at.count; block += task.size) {
        const std::int64_t low = block > 0 ? block : 0;
        const std::int64_t next = block + task.size;
        for (std::int64_t l = 0; l < W; ++l) {
            C tail = x[(next - 1) * W + l];
            for (std::int64_t e = next - 2; e >= low; --e) x[e * W + l] = tail += x[e * W + l];
            C start = C{0};
            for (std::int64_t e = next; e < low + task.size - 1; ++e) start += x[e * W + l];
            for (std::int64_t i = low; i < next && i < at.count; ++i) {
                if (i != block) start += x[(i + task.size - 1) * W + l];
                to[i * W + l] = (x[i * W + l] + start + surplus[l]) / task.divisor;
            }
        }
    }
}

template <std::int64_t W, class C>
void mean_along(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    const RowSink<C> sink = sink_of(task, at, scratch.row);
    for (std::int64_t l = 0; l < at.lanes; ++l) {
        load_extended(extension_of(task), at, W, scratch.extended, line_of<C>(task.lines, at, l));
        fill_row(scratch.sums, C{0}, W);
        if (task.has_surplus) surplus_row(task, scratch.extended + task.before * W, W, scratch.sums);
        mean_line<W>(task, at, scratch.sums, scratch.extended, sink.row(l));
        sink.done(l, at.count * W);
    }
}

// Contiguous lines, side by side in the lanes of a tile. Each result takes the place of the sum it came from.
template <class C>
void mean_transposed(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    constexpr std::int64_t width = kRowAlign<C>;
    const LineSide& in = task.lines.in;
    const auto samples = [&](std::int64_t first, std::int64_t count, C* to) {
        load_tile(in, at.in_offset + first * in.step, true, count, at.lanes, to, width, scratch.staging);
    };
    load_extended(extension_of(task), at, width, scratch.extended, samples);
    mean_rows(
        task, at, width, scratch.sums, scratch.extended, [&](std::int64_t i) { return scratch.extended + i * width; },
        [](std::int64_t) {});
    transpose(scratch.extended, width, scratch.staging, at.count, at.count, width);
    const RowSink<C> sink = sink_of(task, at, scratch.row);
    for (std::int64_t l = 0; l < at.lanes; ++l) {
        sink.store_line(scratch.staging + l * at.count, sink.base + l * sink.step_bytes, sink.stride, at.count);
    }
}

template <class C>
void filter_tile(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    if (!task.lines.transposed) {
        task.running ? mean_across(task, at, scratch) : correlate_across(task, at, scratch);
    } else if (!task.running) {
        correlate_along(task, at, scratch);
    } else if (task.lines.width == 1 && 2 * at.lanes > kRowAlign<C>) {
        mean_transposed(task, at, scratch);
    } else {
        static constexpr decltype(&filter_tile<C>) by_width[] = {mean_along<1, C>, mean_along<2, C>, mean_along<3, C>,
                                                                 mean_along<4, C>, mean_along<5, C>, mean_along<6, C>,
                                                                 mean_along<7, C>, mean_along<8, C>};
        by_width[task.lines.width - 1](task, at, scratch);
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {filter_tile<float>, filter_tile<double>};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::correlate1d

// SPDX-License-Identifier: Apache-2.0
// Row loops of separable, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/separable/separable_task.hpp"

namespace voxkern::separable {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/simd.inl.hpp"
#include "kernels/separable/separable_combine.inl.hpp"
// clang-format on

// Where the columns of a tile and their halo lie on the line.
struct Columns {
    std::int64_t begin;  // position of the first
    std::int64_t count;
    std::int64_t low;  // the part inside the line
    std::int64_t high;
};

template <class C>
Columns columns_of(const Task<C>& task, const Tile& tile) {
    const SweepAxis& axis = task.axes[2];
    Columns columns;
    columns.begin = tile.first[2] - axis.before;
    columns.count = tile.count[2] + axis.before + axis.after;
    columns.low = columns.begin > 0 ? columns.begin : 0;
    columns.high = columns.begin + columns.count;
    columns.high = columns.high < axis.n ? columns.high : axis.n;
    return columns;
}

// Calls visit(position) for the columns outside the line.
template <class Visit>
inline void for_outside(const Columns& columns, const Visit& visit) {
    for (std::int64_t p = columns.begin; p < columns.low; ++p) visit(p);
    for (std::int64_t p = columns.high; p < columns.begin + columns.count; ++p) visit(p);
}

// A row of the image with its extension.
template <class C>
void load_columns(const Task<C>& task, const Columns& columns, const char* src, LoadRow<C> load_line, C* to) {
    const SweepAxis& axis = task.axes[2];
    const std::int64_t step = axis.in_stride * task.in_itemsize;
    C* const line = to - columns.begin;
    load_line(src + columns.low * step, axis.in_stride, line + columns.low, columns.high - columns.low);
    for_outside(columns, [&](std::int64_t p) {
        const std::int64_t index = axis.at(p);
        if (index < 0) {
            line[p] = static_cast<C>(task.options.cval);
        } else if (index >= columns.low && index < columns.high) {
            line[p] = line[index];
        } else {
            load_line(src + index * step, axis.in_stride, line + p, 1);
        }
    });
}

// Outside is cval for every pass, whatever the passes before made of it.
template <class C>
void reset_outside(const Task<C>& task, const Columns& columns, C* row) {
    if (!task.axes[2].has_outside) return;
    for_outside(columns, [&](std::int64_t p) { row[p - columns.begin] = static_cast<C>(task.options.cval); });
}

// Whole vectors are written: rows have room for them.
template <class C>
void filter_row(const Node<C>& node, const C* from, std::int64_t stride, C* to, std::int64_t n) {
    const C* const taps = from + node.first * stride;
    if (node.weights == nullptr) {
        __builtin_memcpy(to, taps, static_cast<std::size_t>(n) * sizeof(C));
        return;
    }
    fir_row(taps, stride, node.weights, node.size, node.symmetry, to, round_up(n, kVec<C>));
    if (node.divisor != C{1}) {
        for (std::int64_t i = 0; i < n; ++i) to[i] /= node.divisor;
    }
}

template <class C>
C* ring_of(const Task<C>& task, const Scratch<C>& scratch, int node, std::int64_t plane) {
    return scratch.rings + (node * task.axes[0].block + plane) * task.rows * task.row;
}

// First stage: row `position` of all planes of the tile, into row `slot` of their rings.
template <class C>
void filter_planes(const Task<C>& task, const Tile& tile, const Columns& columns, std::int64_t position,
                   std::int64_t slot, const Scratch<C>& scratch) {
    const SweepAxis& axis = task.axes[0];
    const std::int64_t index = task.axes[1].at(position);
    const std::int64_t halo = axis.before + axis.after;
    const LoadRow<C> load_line = load_row_of<C>(task.in_dtype);
    for (std::int64_t k = 0; index >= 0 && k < tile.count[0] + halo; ++k) {
        const std::int64_t plane = axis.at(tile.first[0] - axis.before + k);
        C* const to = scratch.planes + k * task.row;
        if (plane < 0) {
            fill_row(to, static_cast<C>(task.options.cval), columns.count);
            continue;
        }
        const std::int64_t offset = plane * axis.in_stride + index * task.axes[1].in_stride;
        load_columns(task, columns, task.in + offset * task.in_itemsize, load_line, to);
    }
    for (int n = 0; n < task.count[0]; ++n) {
        for (std::int64_t k = 0; k < tile.count[0]; ++k) {
            C* const to = ring_of(task, scratch, n, k) + slot * task.row;
            if (index < 0) {
                fill_row(to, static_cast<C>(task.options.cval), columns.count);
                continue;
            }
            filter_row(task.nodes[0][n], scratch.planes + k * task.row, task.row, to, columns.count);
            reset_outside(task, columns, to);
        }
    }
}

// Second and third stage of one row: `slot` is the first of its rows in the rings. Samples that a node leaves as they
// are stay where they are.
template <class C>
void filter_line(const Task<C>& task, const Tile& tile, const Columns& columns, std::int64_t plane, std::int64_t slot,
                 const Scratch<C>& scratch, const C** values) {
    const C* lines[kMostTerms];
    for (int n = 0; n < task.count[1]; ++n) {
        const Node<C>& node = task.nodes[1][n];
        const C* const from = ring_of(task, scratch, node.parent, plane) + slot * task.row;
        lines[n] = from + node.first * task.row;
        if (node.weights == nullptr) continue;
        C* const to = scratch.lines + n * task.row;
        filter_row(node, from, task.row, to, columns.count);
        reset_outside(task, columns, to);
        lines[n] = to;
    }
    for (int n = 0; n < task.count[2]; ++n) {
        const Node<C>& node = task.nodes[2][n];
        values[n] = lines[node.parent] + node.first;
        if (node.weights == nullptr) continue;
        C* const to = scratch.values + n * task.row;
        filter_row(node, lines[node.parent], 1, to, tile.count[2]);
        values[n] = to;
    }
}

template <class C>
void write_line(const Task<C>& task, const Tile& tile, std::int64_t plane, std::int64_t row, const C* const* values,
                Scratch<C>& scratch) {
    if (task.options.combine == Combine::norm) {
        const double square = static_cast<double>(largest_square(values, task.count[2], tile.count[2]));
        if (square > scratch.square || square != square) scratch.square = square;
        return;
    }
    const std::int64_t itemsize = task.out_itemsize;
    const SweepAxis& axis = task.axes[2];
    const std::int64_t offset =
        plane * task.axes[0].out_stride + row * task.axes[1].out_stride + tile.first[2] * axis.out_stride;
    const bool in_place = task.out_dtype == kOwnDType<C> && axis.out_stride == 1;
    char* to[kMostOutputs];
    C* results[kMostOutputs];
    for (int k = 0; k < task.outputs; ++k) {
        to[k] = task.out + (offset + k * task.component) * itemsize;
        results[k] = in_place ? reinterpret_cast<C*>(to[k]) : scratch.results + k * task.row;
    }
    if (task.options.keep_larger && !in_place) {
        load_row_of<C>(task.out_dtype)(to[0], axis.out_stride, results[0], tile.count[2]);
    }
    combine_row(task.options, values, task.count[2], results, tile.count[2]);
    for (int k = 0; k < task.outputs && !in_place; ++k) {
        store_row_of<TruncateWrap, C>(task.out_dtype)(results[k], to[k], axis.out_stride, tile.count[2]);
    }
}

// Rows of a tile go through rings that hold those that the filters along axis 1 reach.
template <class C>
void sweep_tile(const Task<C>& task, const Tile& tile, Scratch<C>& scratch) {
    const SweepAxis& axis = task.axes[1];
    const Columns columns = columns_of(task, tile);
    const std::int64_t halo = axis.before + axis.after;
    std::int64_t slot = 0;
    for (std::int64_t k = 0; k < tile.count[1] + halo; ++k, ++slot) {
        if (slot == task.rows) {
            for (std::int64_t r = 0; r < task.count[0] * task.axes[0].block; ++r) {
                C* const ring = scratch.rings + r * task.rows * task.row;
                __builtin_memmove(ring, ring + (slot - halo) * task.row,
                                  static_cast<std::size_t>(halo * task.row) * sizeof(C));
            }
            slot = halo;
        }
        filter_planes(task, tile, columns, tile.first[1] - axis.before + k, slot, scratch);
        if (k < halo) continue;
        for (std::int64_t plane = 0; plane < tile.count[0]; ++plane) {
            const C* values[kMostTerms];
            filter_line(task, tile, columns, plane, slot - halo, scratch, values);
            write_line(task, tile, tile.first[0] + plane, tile.first[1] + k - halo, values, scratch);
        }
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {sweep_tile<float>, sweep_tile<double>};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::separable

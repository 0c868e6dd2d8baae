// SPDX-License-Identifier: Apache-2.0
// All lines of an array along one axis, cut into tiles of neighbouring lines ("lanes") so that a
// separable kernel is written once: a recurrence or a band matrix along the line, vector
// instructions across the lanes, whatever the axis, rank and memory order.
#pragma once

#include <cstdint>

#include "core/axes.hpp"

namespace voxkern {

// Where a line or tile lies in memory. Strides in elements.
struct LineSide {
    char* base = nullptr;
    DType dtype = DType::f32;
    std::int64_t itemsize = 4;
    std::int64_t step = 1;  // along the line
    std::int64_t lane = 1;  // from one line to its neighbour
};

struct Lines {
    LineSide in;  // base of `in` is only read
    LineSide out;
    std::int64_t length = 0;  // samples per input line
    std::int64_t width = 1;   // elements per sample: more than 1 where a few lines are taken as one (make_cut_lines)
    std::int64_t lanes = 1;   // neighbouring lines per outer position
    Axes<2> outer;            // positions of the first lane: in, out
    // The line itself is the contiguous direction: tiles are transposed on the way in and out.
    bool transposed = false;
    std::int64_t piece = 0;  // samples of a line per tile: all of them, or fewer (make_cut_lines)
    std::int64_t pieces = 1;
    std::int64_t tile_lanes = 0;
    std::int64_t tiles_per_position = 0;
    std::int64_t tiles = 0;
    std::int64_t tiles_per_chunk = 0;
    std::int64_t chunks = 0;
};

// Lines of `in` and `out` along `axis`; all other extents agree. `compute_size` is the size of the
// compute type in bytes, `rows` how many samples of a line a tile holds at most (halo included).
Lines make_lines(const ConstArrayView& in, const ArrayView& out, int axis, std::int64_t compute_size,
                 std::int64_t rows);

// The same for kernels whose result depends on `halo` neighbours alone, at the cost of `taps` additions for a sample. A
// line too long for a tile is cut into pieces, so that it runs on several threads and can be stopped. A few lines that
// lie interleaved, the channels of a colour or the parts of complex numbers, become one line whose samples are `width`
// elements.
Lines make_cut_lines(const ConstArrayView& in, const ArrayView& out, int axis, std::int64_t compute_size,
                     std::int64_t halo, std::int64_t taps);

// Offsets in elements of the lines of tile `t`, how many lanes it has, and which of their samples are its own.
struct TilePosition {
    std::int64_t in_offset;
    std::int64_t out_offset;
    std::int64_t lanes;
    std::int64_t first;
    std::int64_t count;
};
TilePosition tile_position(const Lines& lines, std::int64_t tile);

}  // namespace voxkern

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
    std::int64_t lanes = 1;   // neighbouring lines per outer position
    Axes<2> outer;            // positions of the first lane: in, out
    // The line itself is the contiguous direction: tiles are transposed on the way in and out.
    bool transposed = false;
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

// Offsets in elements of tile `t` and how many lanes it has.
struct TilePosition {
    std::int64_t in_offset;
    std::int64_t out_offset;
    std::int64_t lanes;
};
TilePosition tile_position(const Lines& lines, std::int64_t tile);

}  // namespace voxkern

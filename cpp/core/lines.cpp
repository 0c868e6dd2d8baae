// SPDX-License-Identifier: Apache-2.0
#include "core/lines.hpp"

#include <algorithm>
#include <cstdlib>

namespace voxkern {
namespace {

constexpr std::int64_t kTileBytes = std::int64_t{384} << 10;  // a fraction of L2
constexpr std::int64_t kChunkElements = std::int64_t{1} << 16;
constexpr std::int64_t kTileTaps = std::int64_t{1} << 28;  // a tenth of a second or less at any ISA level
constexpr std::int64_t kShortestPiece = 64;

std::int64_t line_align(std::int64_t compute_size) {
    return 64 / compute_size;
}

// A few lines that lie interleaved in both arrays: too few to fill a vector, and flush.
bool is_interleaved(const Lines& lines, const Axes<2>::Axis& lane, std::int64_t compute_size) {
    return 2 * lane.extent <= line_align(compute_size) && lane.strides[0] == 1 && lane.strides[1] == 1 &&
           lines.in.step == lane.extent && lines.out.step == lane.extent;
}

Lines sides_of(const ConstArrayView& in, const ArrayView& out, int axis) {
    Lines lines;
    lines.in.base = static_cast<char*>(const_cast<void*>(in.data));
    lines.in.dtype = in.dtype;
    lines.in.itemsize = size_of(in.dtype);
    lines.in.step = in.strides[axis];
    lines.out.base = static_cast<char*>(out.data);
    lines.out.dtype = out.dtype;
    lines.out.itemsize = size_of(out.dtype);
    lines.out.step = out.strides[axis];
    lines.length = lines.piece = in.shape[axis];
    lines.outer = walk_of(in, out, axis);
    return lines;
}

// The fastest of the other axes gives the lanes.
void choose_lanes(Lines& lines) {
    if (lines.outer.rank() == 0) {
        lines.transposed = std::abs(lines.out.step) == 1;
        return;
    }
    const Axes<2>::Axis lane = lines.outer.pop();
    lines.lanes = lane.extent;
    lines.in.lane = lane.strides[0];
    lines.out.lane = lane.strides[1];
    lines.transposed = std::abs(lines.out.step) < std::abs(lines.out.lane);
}

// `rows`: samples of a line that a tile holds at most.
void choose_tiles(Lines& lines, std::int64_t compute_size, std::int64_t rows) {
    const std::int64_t align = line_align(compute_size);
    if (lines.transposed) {
        lines.tile_lanes = align;
    } else {
        const std::int64_t fitting = kTileBytes / std::max<std::int64_t>(rows * compute_size, 1);
        const std::int64_t widest = std::clamp<std::int64_t>(fitting, align, 1024) / align * align;
        // Equal tiles: 256 lanes cut at 180 would leave a narrow rest.
        const std::int64_t tiles = (lines.lanes + widest - 1) / widest;
        const std::int64_t even = (lines.lanes + tiles - 1) / std::max<std::int64_t>(tiles, 1);
        lines.tile_lanes = (even + align - 1) / align * align;
    }
    lines.tile_lanes = std::max(lines.tile_lanes, align);
    lines.tiles_per_position = (lines.lanes + lines.tile_lanes - 1) / lines.tile_lanes;
    lines.tiles = lines.outer.size() * lines.tiles_per_position * lines.pieces;
    const std::int64_t lanes = std::min(lines.lanes, lines.tile_lanes);
    const std::int64_t tile_elements = (lines.transposed ? lanes : lines.tile_lanes) * lines.piece * lines.width;
    lines.tiles_per_chunk = std::max<std::int64_t>(1, kChunkElements / std::max<std::int64_t>(tile_elements, 1));
    lines.chunks = (lines.tiles + lines.tiles_per_chunk - 1) / lines.tiles_per_chunk;
}

}  // namespace

Lines make_lines(const ConstArrayView& in, const ArrayView& out, int axis, std::int64_t compute_size,
                 std::int64_t rows) {
    Lines lines = sides_of(in, out, axis);
    choose_lanes(lines);
    choose_tiles(lines, compute_size, rows);
    return lines;
}

Lines make_cut_lines(const ConstArrayView& in, const ArrayView& out, int axis, std::int64_t compute_size,
                     std::int64_t halo, std::int64_t taps) {
    Lines lines = sides_of(in, out, axis);
    if (const int rank = lines.outer.rank(); rank > 0 && is_interleaved(lines, lines.outer[rank - 1], compute_size)) {
        lines.width = lines.outer.pop().extent;
        lines.in.step = lines.out.step = 1;
        lines.in.lane = lines.out.lane = 0;
    }
    choose_lanes(lines);
    const std::int64_t narrowest = lines.transposed ? lines.width : line_align(compute_size);
    const std::int64_t fitting = std::max(kTileBytes / (narrowest * compute_size), 8 * halo);
    const std::int64_t lanes = std::min(lines.lanes, line_align(compute_size)) * lines.width;
    const std::int64_t longest = std::min(fitting, std::max(kTileTaps / (taps * lanes), kShortestPiece));
    lines.pieces = std::max<std::int64_t>((lines.length + longest - 1) / longest, 1);
    lines.piece = (lines.length + lines.pieces - 1) / lines.pieces;
    lines.pieces = (lines.length + lines.piece - 1) / std::max<std::int64_t>(lines.piece, 1);
    choose_tiles(lines, compute_size, lines.piece + halo);
    return lines;
}

TilePosition tile_position(const Lines& lines, std::int64_t tile) {
    const std::int64_t piece = tile % lines.pieces * lines.piece;
    tile /= lines.pieces;
    const std::int64_t first = tile % lines.tiles_per_position * lines.tile_lanes;
    const Axes<2>::Offsets outer = lines.outer.at(tile / lines.tiles_per_position);
    return {first * lines.in.lane + outer[0], first * lines.out.lane + outer[1],
            std::min(lines.tile_lanes, lines.lanes - first), piece, std::min(lines.piece, lines.length - piece)};
}

}  // namespace voxkern

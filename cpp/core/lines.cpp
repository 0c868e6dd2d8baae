// SPDX-License-Identifier: Apache-2.0
#include "core/lines.hpp"

#include <algorithm>
#include <cstdlib>

namespace voxkern {
namespace {

constexpr std::int64_t kTileBytes = std::int64_t{384} << 10;  // a fraction of L2
constexpr std::int64_t kChunkElements = std::int64_t{1} << 16;

}  // namespace

Lines make_lines(const ConstArrayView& in, const ArrayView& out, int axis, std::int64_t compute_size,
                 std::int64_t rows) {
    Lines lines;
    lines.in.base = static_cast<char*>(const_cast<void*>(in.data));
    lines.in.dtype = in.dtype;
    lines.in.itemsize = size_of(in.dtype);
    lines.in.step = in.strides[axis];
    lines.out.base = static_cast<char*>(out.data);
    lines.out.dtype = out.dtype;
    lines.out.itemsize = size_of(out.dtype);
    lines.out.step = out.strides[axis];
    lines.length = in.shape[axis];

    // The other axes: the fastest of them gives the lanes.
    Axes<2> others = walk_of(in, out, axis);
    const std::int64_t line_align = 64 / compute_size;
    if (others.rank() > 0) {
        const Axes<2>::Axis lane = others.pop();
        lines.lanes = lane.extent;
        lines.in.lane = lane.strides[0];
        lines.out.lane = lane.strides[1];
        lines.transposed = std::abs(lines.out.step) < std::abs(lines.out.lane);
    } else {
        lines.transposed = std::abs(lines.out.step) == 1;
    }
    lines.outer = others;

    if (lines.transposed) {
        lines.tile_lanes = line_align;
    } else {
        const std::int64_t fitting = kTileBytes / std::max<std::int64_t>(rows * compute_size, 1);
        const std::int64_t widest = std::clamp<std::int64_t>(fitting, line_align, 1024) / line_align * line_align;
        // Equal tiles: 256 lanes cut at 180 would leave a narrow rest.
        const std::int64_t pieces = (lines.lanes + widest - 1) / widest;
        const std::int64_t even = (lines.lanes + pieces - 1) / std::max<std::int64_t>(pieces, 1);
        lines.tile_lanes = (even + line_align - 1) / line_align * line_align;
    }
    lines.tile_lanes = std::max(lines.tile_lanes, line_align);
    lines.tiles_per_position = (lines.lanes + lines.tile_lanes - 1) / lines.tile_lanes;
    lines.tiles = others.size() * lines.tiles_per_position;
    const std::int64_t tile_elements = lines.tile_lanes * std::max<std::int64_t>(lines.length, 1);
    lines.tiles_per_chunk = std::max<std::int64_t>(1, kChunkElements / tile_elements);
    lines.chunks = (lines.tiles + lines.tiles_per_chunk - 1) / lines.tiles_per_chunk;
    return lines;
}

TilePosition tile_position(const Lines& lines, std::int64_t tile) {
    const std::int64_t first = tile % lines.tiles_per_position * lines.tile_lanes;
    const Axes<2>::Offsets outer = lines.outer.at(tile / lines.tiles_per_position);
    return {first * lines.in.lane + outer[0], first * lines.out.lane + outer[1],
            std::min(lines.tile_lanes, lines.lanes - first)};
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
#include "core/lines.hpp"

#include <algorithm>
#include <cstdlib>

namespace voxkern {
namespace {

constexpr std::int64_t kTileBytes = std::int64_t{384} << 10;  // a fraction of L2
constexpr std::int64_t kChunkElements = std::int64_t{1} << 16;

struct Axis {
    std::int64_t extent;
    std::int64_t in_stride;
    std::int64_t out_stride;
};

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

    // The other axes, slowest first in the output, merged where both arrays allow it.
    Axis others[kMaxRank];
    int count = 0;
    for (int a = 0; a < in.rank; ++a) {
        if (a != axis && in.shape[a] != 1) others[count++] = {in.shape[a], in.strides[a], out.strides[a]};
    }
    std::stable_sort(others, others + count,
                     [](const Axis& a, const Axis& b) { return std::abs(a.out_stride) > std::abs(b.out_stride); });
    int merged = 0;
    for (int a = 0; a < count; ++a) {
        if (merged > 0) {
            Axis& previous = others[merged - 1];
            const Axis& inner = others[a];
            if (previous.in_stride == inner.in_stride * inner.extent &&
                previous.out_stride == inner.out_stride * inner.extent) {
                previous = {previous.extent * inner.extent, inner.in_stride, inner.out_stride};
                continue;
            }
        }
        others[merged++] = others[a];
    }

    const std::int64_t line_align = 64 / compute_size;
    if (merged > 0) {
        const Axis& lane = others[merged - 1];
        lines.lanes = lane.extent;
        lines.in.lane = lane.in_stride;
        lines.out.lane = lane.out_stride;
        lines.transposed = std::abs(lines.out.step) < std::abs(lines.out.lane);
    } else {
        lines.transposed = std::abs(lines.out.step) == 1;
    }
    lines.outer_rank = std::max(0, merged - 1);
    std::int64_t positions = 1;
    for (int a = 0; a < lines.outer_rank; ++a) {
        lines.outer_shape[a] = others[a].extent;
        lines.in.outer[a] = others[a].in_stride;
        lines.out.outer[a] = others[a].out_stride;
        positions *= others[a].extent;
    }

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
    lines.tiles = positions * lines.tiles_per_position;
    const std::int64_t tile_elements = lines.tile_lanes * std::max<std::int64_t>(lines.length, 1);
    lines.tiles_per_chunk = std::max<std::int64_t>(1, kChunkElements / tile_elements);
    lines.chunks = (lines.tiles + lines.tiles_per_chunk - 1) / lines.tiles_per_chunk;
    return lines;
}

TilePosition tile_position(const Lines& lines, std::int64_t tile) {
    std::int64_t position = tile / lines.tiles_per_position;
    const std::int64_t first = tile % lines.tiles_per_position * lines.tile_lanes;
    TilePosition at{first * lines.in.lane, first * lines.out.lane, std::min(lines.tile_lanes, lines.lanes - first)};
    for (int a = lines.outer_rank - 1; a >= 0; --a) {
        const std::int64_t index = position % lines.outer_shape[a];
        position /= lines.outer_shape[a];
        at.in_offset += index * lines.in.outer[a];
        at.out_offset += index * lines.out.outer[a];
    }
    return at;
}

}  // namespace voxkern

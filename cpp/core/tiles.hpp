// SPDX-License-Identifier: Apache-2.0
// All tiles of a Lines on threads, with scratch memory per chunk.
#pragma once

#include <algorithm>

#include "core/lines.hpp"
#include "core/parallel.hpp"
#include "core/workspace.hpp"

namespace voxkern {

// `prepare(workspace, chunk)` takes its scratch from a workspace of `bytes` and returns the function that is
// then called with the TilePosition of every tile of the chunk.
template <class Prepare>
void for_tiles(const Lines& lines, const Exec& exec, std::int64_t bytes, const Prepare& prepare) {
    parallel_for(lines.chunks, exec, [&](std::int64_t chunk) {
        Workspace workspace(bytes);
        const auto run_tile = prepare(workspace, chunk);
        const std::int64_t first = chunk * lines.tiles_per_chunk;
        const std::int64_t last = std::min(first + lines.tiles_per_chunk, lines.tiles);
        for (std::int64_t t = first; t < last; ++t) run_tile(tile_position(lines, t));
    });
}

}  // namespace voxkern

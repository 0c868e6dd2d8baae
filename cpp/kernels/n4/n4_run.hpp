// SPDX-License-Identifier: Apache-2.0
// What stays the same during one fit, and the walk over its planes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/workspace.hpp"
#include "kernels/n4/n4_grid.hpp"
#include "kernels/n4/n4_plan.hpp"

namespace voxkern::n4 {

struct Run {
    const Image& image;
    const Grid& grid;
    const Options& options;
    const Ops& ops;
    Exec exec;
    std::int64_t planes_per_chunk;

    std::int64_t chunks() const { return (grid.planes + planes_per_chunk - 1) / planes_per_chunk; }
};

// Calls body(plane, scratch) for the planes of a chunk.
template <class Body>
void for_planes(const Run& run, const Level& level, std::int64_t chunk, Body&& body) {
    Workspace workspace(scratch_bytes(level, run.options.bins));
    const Scratch scratch = take_scratch(workspace, level, run.options.bins);
    const std::int64_t begin = chunk * run.planes_per_chunk;
    const std::int64_t end = std::min(begin + run.planes_per_chunk, run.grid.planes);
    for (std::int64_t plane = begin; plane < end; ++plane) body(plane, scratch);
}

inline float largest_of(const std::vector<float>& coefficients) {
    float largest = 0.0F;
    for (const float v : coefficients) largest = std::max(largest, std::fabs(v));
    return largest;
}

}  // namespace voxkern::n4

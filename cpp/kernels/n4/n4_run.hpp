// SPDX-License-Identifier: Apache-2.0
// What the steps of one fit share: the lattice of a level, what stays the same, scratch memory.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/workspace.hpp"
#include "kernels/n4/n4_axis.hpp"
#include "kernels/n4/n4_grid.hpp"
#include "kernels/n4/n4_task.hpp"

namespace voxkern {

// The log field, or its last increment, at one level.
struct N4Level {
    N4AxisTables plane;
    N4AxisTables row;
    N4AxisTables column;
    std::vector<float> field;
    std::vector<float> step;

    std::int64_t plane_size() const { return row.controls() * column.controls(); }
    std::int64_t size() const { return plane.controls() * plane_size(); }
    N4Spline spline(const std::vector<float>& coefficients) const {
        return {plane.basis(), row.basis(), column.basis(), coefficients.data()};
    }
};

// The rows of a band, one beside the other, and of three planes of expanded control points.
inline std::int64_t n4_scratch_bytes(const N4Level& level, std::int64_t bins) {
    const std::int64_t band = kN4Band * level.column.basis().stride;
    const std::int64_t expanded = level.row.controls() * level.column.basis().stride;
    return Workspace::padded(level.plane_size() * 4) + 3 * Workspace::padded(expanded * 4) +
           3 * Workspace::padded(band * 4) + Workspace::padded(band * 8) +
           Workspace::padded(kN4Copies * (bins + 1) * 8);
}

inline N4Scratch n4_take_scratch(Workspace& workspace, const N4Level& level, std::int64_t bins) {
    const std::int64_t band = kN4Band * level.column.basis().stride;
    const std::int64_t expanded = level.row.controls() * level.column.basis().stride;
    N4Scratch scratch;
    scratch.controls = workspace.take<float>(level.plane_size());
    scratch.field = workspace.take<float>(expanded);
    scratch.step = workspace.take<float>(expanded);
    scratch.sums = workspace.take<float>(expanded);
    scratch.bins = workspace.take<std::int32_t>(band);
    scratch.distances = workspace.take<float>(band);
    scratch.residuals = workspace.take<float>(band);
    scratch.increments = workspace.take<std::uint64_t>(band);
    scratch.histogram = workspace.take<std::uint64_t>(kN4Copies * (bins + 1));
    return scratch;
}

// What stays the same during one fit.
struct N4Run {
    const N4Image& image;
    const N4Grid& grid;
    const N4Settings& settings;
    const N4Ops& ops;
    Exec exec;
    std::int64_t planes_per_chunk;

    std::int64_t chunks() const { return (grid.planes + planes_per_chunk - 1) / planes_per_chunk; }
};

// Calls body(plane, scratch) for the planes of a chunk.
template <class Body>
void n4_for_planes(const N4Run& run, const N4Level& level, std::int64_t chunk, Body&& body) {
    Workspace workspace(n4_scratch_bytes(level, run.settings.bins));
    const N4Scratch scratch = n4_take_scratch(workspace, level, run.settings.bins);
    const std::int64_t begin = chunk * run.planes_per_chunk;
    const std::int64_t end = std::min(begin + run.planes_per_chunk, run.grid.planes);
    for (std::int64_t plane = begin; plane < end; ++plane) body(plane, scratch);
}

inline float n4_largest(const std::vector<float>& coefficients) {
    float largest = 0.0F;
    for (const float v : coefficients) largest = std::max(largest, std::fabs(v));
    return largest;
}

}  // namespace voxkern

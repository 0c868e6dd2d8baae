// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4_convergence.hpp"

#include <algorithm>

namespace voxkern::n4 {

void extend(Prefix& prefix, const Run& run, const Level& level, float reach) {
    const Grid& grid = run.grid;
    const Spline step = level.spline(level.step);
    const float largest = largest_of(level.step);
    std::vector<float> ratios(static_cast<std::size_t>(grid.blocks * kBlock));
    Workspace workspace(scratch_bytes(level, run.options.bins));
    const Scratch scratch = take_scratch(workspace, level, run.options.bins);
    for (; prefix.planes < grid.planes && !prefix.frozen_within(reach); ++prefix.planes) {
        run.ops.expand(step, prefix.planes, scratch.controls, scratch.step);
        for (std::int64_t y = 0; y < grid.rows; ++y) {
            const std::int64_t row = prefix.planes * grid.rows + y;
            const Deviation whole =
                run.ops.ratios(grid, step, prefix.planes, y, largest, prefix.running.mean, scratch, ratios.data());
            prefix.voxels += whole.count;
            if (whole.farthest < prefix.running.frozen_radius()) {
                prefix.add_frozen(whole.count, whole.squares);
                continue;
            }
            for (std::int64_t b = grid.first_block[row]; b < grid.end_block[row]; ++b) {
                const unsigned lanes = grid.lanes[row * grid.blocks + b];
                for (std::int64_t l = 0; l < kBlock; ++l) {
                    if ((lanes >> l & 1U) != 0) prefix.add(ratios[static_cast<std::size_t>(b * kBlock + l)]);
                }
            }
        }
    }
}

float reach_of(const std::vector<Moments>& moments, std::int64_t plane) {
    double largest = 0.0;
    for (auto p = static_cast<std::size_t>(plane); p < moments.size(); ++p) {
        largest = std::max(largest, moments[p].largest);
    }
    return static_cast<float>(std::sqrt(largest)) * 1.0001F;
}

double itk_convergence(Prefix& prefix, const Run& run, const Level& level, const std::vector<Moments>& moments) {
    const std::int64_t voxels = run.image.voxels();
    float reach = reach_of(moments, prefix.planes);
    while (prefix.planes < run.grid.planes && !prefix.frozen_within(reach)) {
        extend(prefix, run, level, reach);
        reach = reach_of(moments, prefix.planes);
    }
    const auto mean = static_cast<double>(prefix.running.mean);
    const double off = mean - 1.0;
    Moments rest;
    for (auto p = static_cast<std::size_t>(prefix.planes); p < moments.size(); ++p) {
        rest.first += moments[p].first;
        rest.second += moments[p].second;
    }
    const double tail = rest.second - 2.0 * off * rest.first + static_cast<double>(voxels - prefix.voxels) * off * off;
    const double spread = static_cast<double>(prefix.running.spread) + prefix.frozen + std::max(tail, 0.0);
    const double count = std::min(static_cast<double>(voxels), 0x1p24);
    return std::sqrt(spread / (count - 1.0)) / mean;
}

double true_convergence(const std::vector<Moments>& moments, std::int64_t voxels) {
    Moments all;
    for (const Moments& m : moments) {
        all.first += m.first;
        all.second += m.second;
    }
    const auto n = static_cast<double>(voxels);
    const double variance = (all.second - all.first * all.first / n) / (n - 1.0);
    return std::sqrt(std::max(variance, 0.0)) / (1.0 + all.first / n);
}

}  // namespace voxkern::n4

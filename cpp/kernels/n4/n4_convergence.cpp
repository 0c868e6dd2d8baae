// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4_convergence.hpp"

#include <algorithm>

namespace voxkern {

void n4_extend(N4Prefix& prefix, const N4Run& run, const N4Level& level, float reach) {
    const N4Grid& grid = run.grid;
    const N4Spline step = level.spline(level.step);
    const float largest = n4_largest(level.step);
    std::vector<float> ratios(static_cast<std::size_t>(grid.blocks * kN4Block));
    Workspace workspace(n4_scratch_bytes(level, run.settings.bins));
    const N4Scratch scratch = n4_take_scratch(workspace, level, run.settings.bins);
    for (; prefix.planes < grid.planes && !prefix.frozen_within(reach); ++prefix.planes) {
        run.ops.expand(step, prefix.planes, scratch.controls, scratch.step);
        for (std::int64_t y = 0; y < grid.rows; ++y) {
            const std::int64_t row = prefix.planes * grid.rows + y;
            const N4Deviation whole =
                run.ops.ratios(grid, step, prefix.planes, y, largest, prefix.running.mean, scratch, ratios.data());
            prefix.voxels += whole.count;
            if (whole.farthest < prefix.running.frozen_radius()) {
                prefix.add_frozen(whole.count, whole.squares);
                continue;
            }
            for (std::int64_t b = grid.first_block[row]; b < grid.end_block[row]; ++b) {
                const unsigned lanes = grid.lanes[row * grid.blocks + b];
                for (std::int64_t l = 0; l < kN4Block; ++l) {
                    if ((lanes >> l & 1U) != 0) prefix.add(ratios[static_cast<std::size_t>(b * kN4Block + l)]);
                }
            }
        }
    }
}

float n4_reach(const std::vector<N4Moments>& moments, std::int64_t plane) {
    double largest = 0.0;
    for (auto p = static_cast<std::size_t>(plane); p < moments.size(); ++p) {
        largest = std::max(largest, moments[p].largest);
    }
    return static_cast<float>(std::sqrt(largest)) * 1.0001F;
}

double n4_itk_convergence(N4Prefix& prefix, const N4Run& run, const N4Level& level,
                          const std::vector<N4Moments>& moments) {
    const std::int64_t voxels = run.image.voxels();
    float reach = n4_reach(moments, prefix.planes);
    while (prefix.planes < run.grid.planes && !prefix.frozen_within(reach)) {
        n4_extend(prefix, run, level, reach);
        reach = n4_reach(moments, prefix.planes);
    }
    const auto mean = static_cast<double>(prefix.running.mean);
    const double off = mean - 1.0;
    N4Moments rest;
    for (auto p = static_cast<std::size_t>(prefix.planes); p < moments.size(); ++p) {
        rest.first += moments[p].first;
        rest.second += moments[p].second;
    }
    const double tail = rest.second - 2.0 * off * rest.first + static_cast<double>(voxels - prefix.voxels) * off * off;
    const double spread = static_cast<double>(prefix.running.spread) + prefix.frozen + std::max(tail, 0.0);
    const double count = std::min(static_cast<double>(voxels), 0x1p24);
    return std::sqrt(spread / (count - 1.0)) / mean;
}

double n4_true_convergence(const std::vector<N4Moments>& moments, std::int64_t voxels) {
    N4Moments all;
    for (const N4Moments& m : moments) {
        all.first += m.first;
        all.second += m.second;
    }
    const auto n = static_cast<double>(voxels);
    const double variance = (all.second - all.first * all.first / n) / (n - 1.0);
    return std::sqrt(std::max(variance, 0.0)) / (1.0 + all.first / n);
}

}  // namespace voxkern

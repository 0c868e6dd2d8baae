// SPDX-License-Identifier: Apache-2.0
// How far a step went: ITK's measure, emulated, and the true coefficient of variation.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/n4/n4_math.hpp"
#include "kernels/n4/n4_run.hpp"

namespace voxkern::n4 {

// ITK's running statistics over the planes at the front of the volume, as far as its mean still moves.
struct Prefix {
    RunningStatistics running;
    double frozen = 0.0;  // squared deviations of samples that could not move the mean
    std::int64_t voxels = 0;
    std::int64_t planes = 0;

    // Whether samples within `reach` of 1 leave the mean where it is.
    bool frozen_within(float reach) const { return reach + std::fabs(1.0F - running.mean) < running.frozen_radius(); }

    void add(float x) {
        const float d = x - running.mean;
        if (std::fabs(d) < running.frozen_radius()) {
            add_frozen(1, static_cast<double>(d) * static_cast<double>(d));
        } else {
            running.add(x);
        }
    }
    void add_frozen(std::int64_t count, double squares) {
        frozen += squares;
        running.count = std::min(running.count + static_cast<float>(count), 0x1p24F);  // as far as ITK's counter gets
    }
};

// Goes on until samples within `reach` of 1 cannot move the mean any more.
void extend(Prefix& prefix, const Run& run, const Level& level, float reach);

// How far from 1 the ratios of the planes from `plane` on are.
float reach_of(const std::vector<Moments>& moments, std::int64_t plane);

// From a prefix, which is extended as far as the moments ask for, and the moments of the planes behind it.
double itk_convergence(Prefix& prefix, const Run& run, const Level& level, const std::vector<Moments>& moments);

double true_convergence(const std::vector<Moments>& moments, std::int64_t voxels);

}  // namespace voxkern::n4

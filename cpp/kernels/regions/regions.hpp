// SPDX-License-Identifier: Apache-2.0
// What the voxels of each label have in common: how many, where, and the moments and extremes of an image there; see
// README.md in this folder.
#pragma once

#include <optional>
#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::regions {

// One label. Of an image: zeros where there is none.
struct Region {
    std::int64_t count = 0;
    double sum = 0.0;
    double pivot = 0.0;   // the first sample: moments are taken about it
    double first = 0.0;   // sum of x - pivot
    double second = 0.0;  // sum of (x - pivot)^2
    double minimum = 0.0;
    double maximum = 0.0;
    std::int64_t minimum_at = -1;  // the first such sample, counted in C order; -1: all are NaN
    std::int64_t maximum_at = -1;
};

// Labels `lowest` to `lowest` + regions.size() - 1.
struct Table {
    int rank = 0;
    std::vector<Region> regions;
    // For each region and axis: the smallest index, the largest, and the sum of all.
    std::vector<std::int64_t> places;
};

}  // namespace voxkern::regions

namespace voxkern::cpu {

// `labels` are integers; others than the `count` from `lowest` on are passed over. `image` has their shape.
regions::Table regions(const ConstArrayView& labels, const std::optional<ConstArrayView>& image, std::int64_t lowest,
                       std::int64_t count, const Exec& exec);

}  // namespace voxkern::cpu

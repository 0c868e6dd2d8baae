// SPDX-License-Identifier: Apache-2.0
// Which rows of an array are neighbours, and which of their samples.
#pragma once

#include <vector>

#include "kernels/label/label.hpp"

namespace voxkern::label {

// A row that comes before another, and is connected to it.
struct Neighbour {
    std::vector<std::int64_t> steps;  // from a row to it, along each axis but the last
    std::int64_t rows = 0;            // the same counted in rows
    bool before = false;              // sample i is connected to its sample i - 1,
    bool beside = false;              // i,
    bool behind = false;              // i + 1
};

struct Plan {
    std::vector<Neighbour> neighbours;
    bool along = false;  // samples of a row are connected
};

Plan plan_of(int rank, const std::int64_t* shape, const std::vector<bool>& structure);

}  // namespace voxkern::label

// SPDX-License-Identifier: Apache-2.0
// From quantiles to ranks, and from the counts of digits to the elements with these ranks.
#pragma once

#include "core/axes.hpp"
#include "kernels/measure/measure_task.hpp"

namespace voxkern::measure {

// An element that is looked for: the one that `rank` elements with the same prefix precede.
struct Sought {
    std::int64_t rank = 0;
    std::uint64_t prefix = 0;  // the digits of its key that are known
    std::int64_t place = 0;    // where it goes
};

// Both neighbours of each quantile among `count` elements, in increasing order; sets the fractions.
std::vector<Sought> sought_of(const std::vector<double>& quantiles, std::int64_t count, Quantiles& found);

// Looks up the next digit of elements with one prefix, in increasing order of their ranks: `counts` are its counts.
void take_digit(const std::int64_t* counts, Sought* begin, Sought* end);

// Voxels and mask in the order of the voxels' memory; at least one axis. Without a mask its strides are 0.
Axes<2> walk_of(const Image& image);

}  // namespace voxkern::measure

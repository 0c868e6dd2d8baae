// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/lines.hpp"
#include "core/prefilter.hpp"

namespace voxkern::spline_filter {

// One pass along one axis.
template <class C>
struct Task {
    Lines lines;
    Prefilter<C> filter;
    LongLine<C> line;  // where it takes segments
    C gain = C{1};     // makes the DC gain one again
};

// Parts of one workspace; sizes are in spline_filter_cpu.cpp.
template <class C>
struct Scratch {
    C* tile;
    C* rows;  // the tile as lines, or one row on its way to another dtype
};

template <class C>
struct Kernels {
    void (*tile)(const Task<C>&, const TilePosition&, const Scratch<C>&);
    // Samples [begin, end) of one long line, made in `buffer`, kSegmentRoom<C> elements.
    void (*segment)(const Task<C>&, const TilePosition&, std::int64_t begin, std::int64_t end, C* buffer);
};

struct Ops {
    Kernels<float> f32;
    Kernels<double> f64;
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::spline_filter

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
    C gain = C{1};  // makes the DC gain one again
};

// Parts of one workspace; sizes are in spline_filter_cpu.cpp.
template <class C>
struct Scratch {
    C* tile;
    C* rows;  // the tile as lines, or one row on its way to another dtype
};

struct Ops {
    void (*tile_f32)(const Task<float>&, const TilePosition&, const Scratch<float>&);
    void (*tile_f64)(const Task<double>&, const TilePosition&, const Scratch<double>&);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::spline_filter

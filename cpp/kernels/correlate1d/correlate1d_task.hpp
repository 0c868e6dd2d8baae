// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/fir.hpp"
#include "core/lines.hpp"

namespace voxkern::correlate1d {

template <class C>
struct Task {
    Lines lines;
    const C* weights = nullptr;
    std::int64_t size = 0;
    FilterSymmetry symmetry = FilterSymmetry::none;
    C divisor = C{1};
    C cval = C{0};
    std::int64_t before = 0;                  // samples of extension ahead of the line
    std::int64_t after = 0;                   // and behind it
    const std::int64_t* extension = nullptr;  // before + after sample indices, kOutside for cval
};

// Parts of one workspace; sizes are in correlate1d_cpu.cpp.
template <class C>
struct Scratch {
    C* extended;  // the tile or line with its extension
    C* row;       // one row of results on its way to another dtype or stride
};

struct Ops {
    void (*tile_f32)(const Task<float>&, const TilePosition&, const Scratch<float>&);
    void (*tile_f64)(const Task<double>&, const TilePosition&, const Scratch<double>&);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::correlate1d

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/fir.hpp"
#include "core/lines.hpp"

namespace voxkern::correlate1d {

// What a mean adds for the part of its box that every sample of a line shares: whole periods of the extension, or
// the end samples repeated.
struct Surplus {
    double inner = 0.0;  // times the sum of the line without its ends
    double first = 0.0;
    double last = 0.0;
    double outside = 0.0;  // times cval
};

template <class C>
struct Task {
    Lines lines;
    const C* weights = nullptr;
    std::int64_t size = 0;  // samples of a window
    FilterSymmetry symmetry = FilterSymmetry::none;
    C divisor = C{1};
    C cval = C{0};
    bool running = false;
    bool has_surplus = false;
    Surplus surplus;
    std::int64_t before = 0;                  // samples of extension ahead of the line
    std::int64_t after = 0;                   // and behind it
    const std::int64_t* extension = nullptr;  // before + after sample indices, kOutside for cval
};

// Parts of one workspace; sizes are in correlate1d_cpu.cpp.
template <class C>
struct Scratch {
    C* extended;  // the tile or line with its extension
    C* row;       // one row of results on its way to another dtype or stride
    C* sums;      // two more rows, of running sums
    C* staging;   // lines on their way into a transposed tile
};

struct Ops {
    void (*tile_f32)(const Task<float>&, const TilePosition&, const Scratch<float>&);
    void (*tile_f64)(const Task<double>&, const TilePosition&, const Scratch<double>&);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::correlate1d

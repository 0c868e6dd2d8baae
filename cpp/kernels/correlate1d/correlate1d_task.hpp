// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/lines.hpp"
#include "kernels/correlate1d/correlate1d_math.hpp"

namespace voxkern {

template <class C>
struct Correlate1dTask {
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

// Parts of one workspace; sizes are in correlate1d.cpp.
template <class C>
struct Correlate1dScratch {
    C* extended;  // the tile or line with its extension
    C* row;       // one row of results on its way to another dtype or stride
};

struct Correlate1dOps {
    void (*tile_f32)(const Correlate1dTask<float>&, const TilePosition&, const Correlate1dScratch<float>&);
    void (*tile_f64)(const Correlate1dTask<double>&, const TilePosition&, const Correlate1dScratch<double>&);
};

VOXKERN_DECLARE_LEVELS(Correlate1dOps, correlate1d_ops)

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/extension.hpp"
#include "core/lines.hpp"

namespace voxkern::recursive_gaussian {

// One complex pole: its part of the kernel is Re(weight pole^|n|).
template <class C>
struct Pole {
    C re = C{0};
    C im = C{0};
    C weight_re = C{0};
    C weight_im = C{0};
    C settled_re = C{0};  // 1 / (1 - pole): the state after a constant line of ones
    C settled_im = C{0};
};

template <class C>
struct Task {
    Lines lines;
    Extension<C> extension;  // run-in: what the recursions start on
    Pole<C> poles[2];
};

// Parts of one workspace; sizes are in recursive_gaussian_cpu.cpp.
template <class C>
struct Scratch {
    C* extended;  // the tile with its run-in
    C* causal;    // what the forward recursion made of it, then the result
    C* staging;   // lines on their way into and out of a transposed tile, or one row on its way to another dtype
};

struct Ops {
    void (*tile_f32)(const Task<float>&, const TilePosition&, const Scratch<float>&);
    void (*tile_f64)(const Task<double>&, const TilePosition&, const Scratch<double>&);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::recursive_gaussian

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"
#include "core/fir.hpp"
#include "kernels/separable/separable.hpp"

namespace voxkern::separable {

inline constexpr int kMostTerms = 8;
inline constexpr int kMostOutputs = 3;

// One filter of one stage; what it reads is the result of node `parent` of the stage before.
template <class C>
struct Node {
    int parent = 0;
    const C* weights = nullptr;  // null: the samples as they are
    std::int64_t size = 1;
    FilterSymmetry symmetry = FilterSymmetry::none;
    std::int64_t first = 0;  // first tap, counted from the first sample of the axis' halo
    C divisor = C{1};
};

// An axis of the sweep, the slowest first.
struct SweepAxis {
    std::int64_t n = 1;
    std::int64_t in_stride = 0;
    std::int64_t out_stride = 0;
    std::int64_t before = 0;                  // samples of the longest filters ahead of the one that is replaced
    std::int64_t after = 0;                   // and behind it
    std::int64_t block = 1;                   // samples of a tile
    std::int64_t blocks = 1;                  // tiles along the axis
    const std::int64_t* extension = nullptr;  // before + after sample indices, kOutside for cval
    bool has_outside = false;                 // some of them are kOutside

    // Index of the sample at position p of the extended axis, kOutside for cval.
    VOXKERN_INLINE std::int64_t at(std::int64_t p) const {
        if (p >= 0 && p < n) return p;
        return extension[(p < 0 ? p : p - n) + before];
    }
};

template <class C>
struct Task {
    const char* in = nullptr;
    DType in_dtype = DType::f32;
    std::int64_t in_itemsize = 4;
    char* out = nullptr;
    DType out_dtype = DType::f32;
    std::int64_t out_itemsize = 4;
    std::int64_t component = 0;  // stride of `out` from one result of a voxel to the next
    SweepAxis axes[3];
    Node<C> nodes[3][kMostTerms];
    int count[3] = {};  // nodes of each stage
    Options options;
    int outputs = 1;
    std::int64_t row = 0;   // elements from row to row of a tile
    std::int64_t rows = 0;  // rows a ring holds for each plane
};

// Scratch of one tile; sizes are in separable_cpu.cpp.
template <class C>
struct Scratch {
    C* planes;            // one row of each plane and of its halo
    C* rings;             // the last rows of each plane, of each node of the first stage
    C* lines;             // a row of each node of the second stage
    C* values;            // a row of each term
    C* results;           // a row of each result on its way to another dtype or stride
    double square = 0.0;  // of the largest norm
};

// The tile that starts at sample first[a] of axis a and has count[a] of them.
struct Tile {
    std::int64_t first[3];
    std::int64_t count[3];
};

struct Ops {
    void (*tile_f32)(const Task<float>&, const Tile&, Scratch<float>&);
    void (*tile_f64)(const Task<double>&, const Tile&, Scratch<double>&);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::separable

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include <cstdint>

#include "core/cpu.hpp"
#include "core/view.hpp"

namespace voxkern::correlate {

// Result rows that are made side by side in registers.
inline constexpr std::int64_t kRows = 6;
// Elements of a block along a row, at most: four vectors of float32.
inline constexpr std::int64_t kLongestBlock = 64;

// A run of taps along a row: sample `offset` of the tile and the `count` - 1 behind it, times the weights of the result
// rows first <= r < last. `weight` is that of row `first`.
struct Step {
    std::int64_t offset;
    std::int64_t weight;
    std::int32_t count;
    std::int16_t first;
    std::int16_t last;
};

struct AxisTask {
    std::int64_t extent = 1;
    std::int64_t in_stride = 0;
    std::int64_t out_stride = 0;
    std::int64_t taps = 1;
    std::int64_t before = 0;
    std::int64_t ahead = 0;  // entries of `extension` for samples ahead of the axis
    std::int64_t tiles = 1;
    std::int64_t tile_stride = 0;  // elements of a tile
    const std::int64_t* extension = nullptr;
};

template <class C>
struct Task {
    const char* in = nullptr;
    char* out = nullptr;
    DType in_dtype = DType::f32;
    DType out_dtype = DType::f32;
    std::int64_t in_itemsize = 4;
    std::int64_t out_itemsize = 4;
    AxisTask outer[kMaxRank];
    int n_outer = 1;
    int slid = 0;                // the axis that runs of tiles go along
    std::int64_t run_tiles = 1;  // of a run
    int across = -1;             // the axis that rows are loaded across, where their own samples lie apart
    AxisTask row;
    std::int64_t in_step = 1;   // from an element of a row to the next
    std::int64_t out_step = 1;  //
    std::int64_t width = 1;
    std::int64_t rows = 1;
    std::int64_t pitch = 0;
    std::int64_t weight_step = 1;  // from a weight to the next along a row
    std::int64_t weight_row = 0;   // and to that of the next row
    const C* weights = nullptr;
    const Step* steps = nullptr;
    const std::int64_t* parts = nullptr;
    std::int64_t n_parts = 0;
    C cval = C{0};
};

// `samples` holds a tile, `results` one block or what is on its way into a tile.
struct Ops {
    void (*run_f32)(const Task<float>&, std::int64_t run, float* samples, float* results);
    void (*run_f64)(const Task<double>&, std::int64_t run, double* samples, double* results);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::correlate

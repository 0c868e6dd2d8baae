// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include <cstdint>

#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern::rank {

// Samples become keys, integers in the order of the samples: of 8, 16, 32 or 64 bits.
enum class Coding {
    direct,  // input and output have the type whose keys these are
    wide,    // by way of float64, as scipy computes: keys of 64 bits
    exact,   // 64-bit integers themselves
};

// A row of keys: one strip of voxels along x. The network works on rows.
inline constexpr std::int64_t kRowBytes = 256;

// Networks in registers: sort rows of up to kSortMost taps, merge lists of up to kMergeMost rows each.
inline constexpr int kSortMost = 9;
inline constexpr int kMergeMost = 9;

enum class Op : std::int32_t {
    sort,   // n taps -> n rows
    merge,  // p rows, q rows (p - q is -1, 0 or 1) -> p + q rows
    swap,   // n times: 2 rows -> the smaller, the larger
    low,    // 2 rows -> the smaller
    high,   // 2 rows -> the larger
    pick,   // n pairs of rows -> the smallest of the larger ones
};

// Operands lie in Program::operands from `first` on: sources, then results. They count elements: those of taps from
// the start of the staged samples, all other ones from the start of the rows.
struct Step {
    Op op;
    std::int32_t p;
    std::int32_t q;
    std::int32_t first;
};

struct Program {
    const Step* steps = nullptr;
    std::int64_t count = 0;
    const std::int32_t* operands = nullptr;
};

// One axis. Strides count elements; index[p + before] is the sample that stands at position p, kOutside for cval.
struct AxisTask {
    std::int64_t n = 1;
    std::int64_t in_stride = 0;
    std::int64_t out_stride = 0;
    std::int64_t size = 1;  // of the window
    std::int64_t before = 0;
    const std::int64_t* index = nullptr;
};

struct Task {
    const char* in = nullptr;
    char* out = nullptr;
    DType in_dtype = DType::f32;
    DType out_dtype = DType::f32;
    std::int64_t in_itemsize = 4;
    std::int64_t out_itemsize = 4;
    Coding coding = Coding::direct;
    double cval = 0.0;
    AxisTask x;
    std::int64_t pitch = 0;  // elements of a staged row

    // Boxes: planes of samples arrive along z two at a time, and lists of them are kept.
    AxisTask z;
    AxisTask y;
    std::int64_t plane = 0;   // elements of a staged plane
    std::int64_t rows_y = 1;  // results along y
    std::int64_t lag = 0;     // steps from the first planes to the first results
    std::int64_t phases = 0;  // programs[step % phases], and those of the steps without results behind them
    const Program* programs = nullptr;
    std::int32_t results = 0;  // first row of the results, element

    // Any footprint: the rows that have samples in it, and its samples (elements from the start of the staged ones).
    const std::int32_t* taps = nullptr;
    std::int64_t count = 0;
    std::int64_t rank = 0;
};

// Where a tile lies: one strip along x, or a block of them. Offsets count elements.
struct Tile {
    std::int64_t in_offset;   // of the axes other than x, y and z
    std::int64_t out_offset;  // of the axes other than x, y and z
    std::int64_t z, n_z;
    std::int64_t y, n_y;
    std::int64_t x, n_x;
    const std::int64_t* rows;  // any footprint: offsets of its rows, kNoRow for one that is outside
    std::int64_t n_rows;
};
inline constexpr std::int64_t kNoRow = INT64_MIN;

// `staged` and `rows` are scratch of the size of the keys.
using RunTile = void (*)(const Task&, const Tile&, void* staged, void* rows);

struct KeyOps {
    RunTile box;      // a block, by the programs
    RunTile network;  // any footprint, by programs[0]
    RunTile bisect;   // any footprint, bit by bit
    RunTile slide;    // a box, sample by sample along x
};

struct Ops {
    KeyOps by_size[4];  // of the keys: 1, 2, 4, 8 bytes
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::rank

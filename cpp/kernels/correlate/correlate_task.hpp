// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include <cstdint>

#include "core/cpu.hpp"
#include "core/fourier.hpp"
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

struct Part {
    std::int64_t first;
    std::int64_t count;
};

// The results of a tile along an axis: tiles differ by one sample at most.
VOXKERN_INLINE Part part_of(const AxisTask& axis, std::int64_t tile) {
    const std::int64_t first = tile * axis.extent / axis.tiles;
    return {first, (tile + 1) * axis.extent / axis.tiles - first};
}

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

// Planes, rows and samples of a row: the axes that are transformed.
inline constexpr int kFourierAxes = 3;
// Rows are transformed as many at a time as a vector has lanes: at every level a part of these.
inline constexpr std::int64_t kMostLanes = 16;

// A tile that is multiplied in Fourier space. Its spectrum has length / 2 + 1 frequencies of the rows' axis; each has a
// row for every plane, of `columns` real parts and as many imaginary ones. `arrays` has the planes and rows as outer
// axes and the pitch of a plane of samples.
template <class C>
struct FourierTask {
    Task<C> arrays;
    Part parts[kFourierAxes] = {};  // the tile
    LineTransform<C> transforms[kFourierAxes];
    std::int64_t columns = 1;
    std::int64_t row_pitch = 0;            // of the spectrum
    std::int64_t group = 1;                // frequencies of the rows' axis that are filtered together
    std::int64_t group_size = 0;           // of the weights
    const std::int64_t* places = nullptr;  // of the frequencies of the rows' axis
    C unit = C{0};                         // results are whole multiples of it; 0 where they may be anything

    std::int64_t planes() const { return transforms[0].length; }
    std::int64_t frequencies() const { return transforms[1].length / 2 + 1; }
};

// Row loops of a Fourier tile. load() takes the samples of plane z; forward() does so for planes first <= z < last, and
// returns the largest magnitude, infinity where one is NaN. `lines` holds kMostLanes rows of the spectrum;
// spectrum_of() makes the weights that filter() multiplies by.
template <class C>
struct FourierOps {
    void (*load)(const FourierTask<C>&, std::int64_t z, C* plane);
    C (*forward)(const FourierTask<C>&, std::int64_t first, std::int64_t last, C* plane, C* spectrum);
    void (*spectrum_of)(const FourierTask<C>&, std::int64_t group, C scale, C* spectrum, C* lines, C* weights);
    void (*filter)(const FourierTask<C>&, std::int64_t group, const C* weights, C* spectrum, C* lines);
    void (*inverse)(const FourierTask<C>&, std::int64_t first, std::int64_t last, const C* spectrum, C* plane);
};

// `samples` holds a tile, `results` one block or what is on its way into a tile.
template <class C>
struct LevelOps {
    void (*filter_run)(const Task<C>&, std::int64_t run, C* samples, C* results);
    FourierOps<C> fourier;
};

struct Ops {
    LevelOps<float> f32;
    LevelOps<double> f64;
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::correlate

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/lines.hpp"

namespace voxkern::dense {

// A tile of the product: `rows` rows of the input by `columns` of the output, in registers.
struct Tile {
    std::int64_t rows;
    std::int64_t columns;
};
inline constexpr std::int64_t kMostRows = 12;
inline constexpr std::int64_t kMostColumns = 32;

// A matrix that is only read. Strides count elements.
struct Matrix {
    const float* data;
    std::int64_t row_stride;
    std::int64_t column_stride;
};

struct Ops {
    Tile tile;
    // Writes n <= tile.columns rows of the weight, each of k samples, as [k][tile.columns]; the rest is zero.
    void (*pack_weight)(const Matrix& weight, std::int64_t n, std::int64_t k, float* packed);
    // Writes n <= tile.rows rows of the input as [k][tile.rows]; the rest is zero. `at` holds where rows begin.
    void (*pack_rows)(const float* in, const std::int64_t* at, std::int64_t stride, std::int64_t n, std::int64_t k,
                      float* packed);
    // out = start + rows * weights, a tile. Row i of each begins at its `at[i]`.
    void (*multiply)(const float* rows, const float* weights, std::int64_t k, const float* start,
                     const std::int64_t* start_at, float* out, const std::int64_t* out_at);
    std::int64_t (*fma_loop)(std::int64_t steps);
    float (*dot)(const float* a, const float* b, std::int64_t k);
    void (*softmax)(const Lines& lines, const TilePosition& at, float* tile, float* rows);
    void (*argmax)(const Lines& lines, const TilePosition& at, float* tile, float* rows);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::dense

// SPDX-License-Identifier: Apache-2.0
// Sizes of the blocks of a matrix product.
#pragma once

#include <cstdint>

namespace voxkern::dense {

inline constexpr std::int64_t kDepth = 256;    // terms that are summed in registers at a time
inline constexpr std::int64_t kRowBlock = 96;  // rows of the input that are packed at a time: a multiple of every tile
inline constexpr std::int64_t kFewRows = 8;    // at most so many are multiplied with weights as they lie in memory

// Columns of the output that one thread takes at a time, a multiple of every tile: fewer where there are few rows.
inline std::int64_t column_block(std::int64_t rows) {
    return rows > 4 * kRowBlock ? 512 : 128;
}

}  // namespace voxkern::dense

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern::morphology {

// A neighbour of every sample: bit i of it is bit i + shift of the words, and shift is below 64.
struct Source {
    const std::uint64_t* words = nullptr;
    int shift = 0;
};

struct Ops {
    // One bit per sample of a row, set where it is not zero. Bits behind the last are 0.
    void (*pack)(DType dtype, std::int64_t itemsize, const void* in, std::int64_t stride, std::int64_t n,
                 std::uint64_t* words);
    // The same for up to 64 rows that lie side by side: sample i of row k is k samples and i * step bytes away.
    void (*pack_columns)(DType dtype, const void* in, std::int64_t step, std::int64_t rows, std::int64_t n,
                         std::uint64_t* words, std::int64_t row_words);
    // 1 or 0 for each bit of a row.
    void (*unpack)(DType dtype, const std::uint64_t* words, std::int64_t n, void* out, std::int64_t stride);
    // All, or any, of some neighbours and of `start`: those without a shift come first. `out` may be the words of such
    // a one, at the same place.
    void (*combine)(const Source* sources, std::int64_t unshifted, std::int64_t count, bool any, std::uint64_t start,
                    std::uint64_t* out, std::int64_t n);
    // Bits of `other` where the mask has none.
    void (*choose)(const std::uint64_t* mask, const std::uint64_t* other, std::uint64_t* out, std::int64_t n);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::morphology

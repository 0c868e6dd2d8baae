// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: function pointers over rows of one type. Rows are
// contiguous; counts and strides are in elements.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"
#include "kernels/extrema1d/extrema1d.hpp"

namespace voxkern::extrema1d {

using Rows = const void* const*;

// Of two equal values the later one is taken: zeros have signs.
struct Selection {
    // out[i] = the extremum of rows[i] .. rows[i + size - 1], element by element, for i < n. True where the rows hold
    // a NaN. `suffix` is scratch of kSuffixBytes * size.
    bool (*slide)(Rows rows, void* const* out, std::int64_t n, std::int64_t size, std::int64_t count, void* suffix);
    // out = the extremum of `n` rows, element by element. `out` is none of them.
    void (*combine)(Rows rows, std::int64_t n, void* out, std::int64_t count);
};

// A block of samples: `outer` rows of `inner` samples each.
struct Block {
    std::int64_t outer;
    std::int64_t inner;
    std::int64_t outer_stride;
    std::int64_t inner_stride;
};

struct TypeOps {
    Selection plain;     // a NaN gives anything
    Selection nan_safe;  // a NaN is passed over
    bool (*has_nan)(const void* row, std::int64_t count);
    // Into rows `pitch` apart.
    void (*load)(const void* from, const Block& block, void* to, std::int64_t pitch);
    void (*store)(const void* row, void* to, std::int64_t stride, std::int64_t count);
    void (*fill)(void* row, const void* value, std::int64_t count);
    // Writes the `before` samples ahead of a line of n and the `after` behind it, `width` elements each.
    void (*extend)(void* line, std::int64_t n, std::int64_t width, const std::int64_t* index, std::int64_t before,
                   std::int64_t after, const void* cval);
};

// To and from float64, where the dtypes of input and output differ or neither holds what scipy computes with.
struct Conversion {
    void (*load)(const void* from, std::int64_t stride, double* to, std::int64_t count);
    void (*store)(const double* from, void* to, std::int64_t stride, std::int64_t count);
};

inline constexpr std::int64_t kSuffixBytes = 4 * 64;  // four vectors

struct Ops {
    TypeOps (*type)(DType compute, Kind kind);
    Conversion (*conversion)(DType dtype);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::extrema1d

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

// Structures. As in scipy a sum has the type of the input and wraps; only that of the first sample of the window is a
// double.
struct Raised {
    // out = the extremum of rows[r] + heights[r], element by element. `out` is none of the rows.
    void (*combine)(Rows rows, const void* heights, std::int64_t n, void* out, std::int64_t count);
    // out = the extremum of row + height and of `rest`, where there is one.
    void (*finish)(const void* row, double height, const void* rest, double* out, std::int64_t count);
};
struct RaisedOps {
    Raised plain;
    Raised nan_safe;
};

// Residues of a row of extrema, in its place. The stride is that of all three.
using ResidueRow = void (*)(void* row, const void* a, const void* b, std::int64_t stride, std::int64_t count);

inline constexpr std::int64_t kSuffixBytes = 4 * 64;  // four vectors

struct Ops {
    TypeOps (*type)(DType compute, Kind kind);
    Conversion (*conversion)(DType dtype);
    RaisedOps (*raised)(DType dtype, Kind kind);
    ResidueRow (*residue)(DType dtype, Residue::Kind kind);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::extrema1d

// SPDX-License-Identifier: Apache-2.0
// What both algorithms of the CPU share: the type they compute in, and how rows get into and out of it.
#pragma once

#include <cstring>

#include "core/workspace.hpp"
#include "kernels/extrema1d/extrema1d_plan.hpp"
#include "kernels/extrema1d/extrema1d_task.hpp"

namespace voxkern::extrema1d {

struct Compute {
    DType dtype = DType::f64;
    std::int64_t itemsize = 8;
    TypeOps ops;
    RaisedOps raised;
    bool converts = false;  // rows go through float64
    Conversion in;
    Conversion out;
    alignas(8) char cval[8] = {};

    // Rows of `block` to rows `pitch` bytes apart.
    void load(const char* from, DType from_dtype, const Block& block, char* to, std::int64_t pitch) const {
        if (!converts) {
            ops.load(from, block, to, pitch / itemsize);
            return;
        }
        const std::int64_t step = block.outer_stride * size_of(from_dtype);
        for (std::int64_t r = 0; r < block.outer; ++r) {
            in.load(from + r * step, block.inner_stride, reinterpret_cast<double*>(to + r * pitch), block.inner);
        }
    }

    void store(const char* row, char* to, std::int64_t stride, std::int64_t count) const {
        if (converts) {
            out.store(reinterpret_cast<const double*>(row), to, stride, count);
        } else {
            ops.store(row, to, stride, count);
        }
    }
};

inline std::int64_t padded_row(std::int64_t elements, std::int64_t itemsize) {
    return Workspace::padded(elements * itemsize) + 64;  // not a power of two: rows would share cache sets
}

// A line of `x.n` samples stands in `line` behind room for x.before: writes what its windows reach beyond it.
void extend_line(const Compute& compute, const Line& x, std::int64_t width, char* line);

// Samples [first, first + count) of a line, and what their windows reach beyond them.
void load_piece(const Compute& compute, const char* from, DType dtype, const Line& x, std::int64_t width,
                std::int64_t first, std::int64_t count, char* to);

// Makes residues of rows of the result while they are in the cache.
struct Residues {
    const char* out = nullptr;
    const char* a = nullptr;
    const char* b = nullptr;
    ResidueRow row = nullptr;  // null: extrema are the result

    void make(char* at, std::int64_t stride, std::int64_t count) const {
        if (row != nullptr) row(at, a + (at - out), b + (at - out), stride, count);
    }
};

void run_sweep(const ConstArrayView& in, const ArrayView& out, const Sweep& sweep, const Compute& compute,
               const Residues& residues, const Exec& exec);

void run_footprint(const ConstArrayView& in, const ArrayView& out, const Footprint& footprint, const Compute& compute,
                   const Residues& residues, const Exec& exec);

}  // namespace voxkern::extrema1d

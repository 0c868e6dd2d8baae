// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"
#include "kernels/edt/edt_plan.hpp"

namespace voxkern::edt {

inline constexpr std::int64_t kColumns = 64;  // of a block
inline constexpr std::int64_t kSlack = 64;    // samples that may be read and written behind a line

// Squared distances of lines, or of columns side by side, along one axis.
template <class T>
struct Axis {
    const T* squares = nullptr;  // of k steps
    T step = 1;                  // the square of one
    std::int64_t n = 1;
};

// Scratch of one chunk, of the longest axis and kSlack.
template <class T>
struct Scratch {
    T* line = nullptr;    // of the envelope
    T* result = nullptr;  // of the envelope
    std::int32_t* index = nullptr;
    std::int64_t* sites = nullptr;
    std::int64_t* starts = nullptr;
};

template <class T>
struct LevelOps {
    // Distances along axis 0 from samples that are zero, or that are not, of `n` neighbouring columns: `work` gets the
    // squares, `far` at most. Steps count elements. Tells whether there is such a sample. `counts` holds n values for
    // each sample of the axis.
    bool (*scan)(DType dtype, std::int64_t itemsize, const void* in, std::int64_t in_step, std::int64_t in_stride,
                 const Axis<T>& axis, bool zeros, T far, std::int64_t n, T* work, std::int32_t* index,
                 std::int64_t step, std::int32_t* counts);
    // The smallest sum of a sample and the square of the way to it, for kColumns columns: from `block`, which has
    // kColumns values for each sample, to `work`, of which `n` columns count. `index` may be null.
    void (*columns)(const Axis<T>& axis, const T* block, std::int64_t n, T* work, std::int32_t* index,
                    std::int64_t step, const Scratch<T>& scratch);
    // The same for a line. `row` has axis.n samples of kFar on either side, and kSlack more behind.
    void (*row)(const Axis<T>& axis, const T* row, T* work, std::int32_t* index, const Scratch<T>& scratch);
    // Roots of squares, times `scale`.
    void (*roots)(const T* squares, double scale, double* out, std::int64_t stride, std::int64_t n);
    // 1 where a square is below `far`, or where it is not.
    void (*near)(const T* squares, T far, bool beyond, std::uint8_t* out, std::int64_t stride, std::int64_t n);
};

struct Ops {
    LevelOps<std::int32_t> whole;
    LevelOps<double> real;
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::edt

// SPDX-License-Identifier: Apache-2.0
// Minimum and maximum filters, and grey morphology: boxes, axis by axis, footprints and structures of any shape; see
// README.md in this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "core/boundary.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::extrema1d {

enum class Kind : std::int8_t { minimum, maximum };

// Where a window lies along an axis: out[i] is an extremum of in[i - size/2 - origin .. + size - 1].
struct Window {
    int axis = 0;
    std::int64_t size = 1;
    std::int64_t origin = 0;
    Boundary mode = Boundary::reflect;

    std::int64_t before() const { return size / 2 + origin; }  // samples ahead of the one that is replaced
};

// The samples of a window: `set` is in C order over the axes of the array, with the sizes of `windows`.
struct Footprint {
    std::vector<std::uint8_t> set;
    std::vector<Window> windows;  // one per axis, in their order
    std::vector<double> heights;  // added to the samples, as many as `set`; none where it is flat
};

// What is written in place of an extremum e, in the arithmetic of the output's type. `a` and `b` are samples of other
// arrays, which have the output's dtype, shape and strides.
struct Residue {
    // e; a - e; e - a; a + e - b - b; whether one of a and e is 0, and the other is not
    enum class Kind : std::int8_t { none, above, below, laplace, differing };

    Kind kind = Kind::none;
    const void* a = nullptr;
    const void* b = nullptr;
};

}  // namespace voxkern::extrema1d

namespace voxkern::cpu {

// A box, one pass per window in their order; between two passes the data has the dtype of `out`, as in scipy.
// `in` and `out` have the same shape and do not overlap.
void extrema1d(const ConstArrayView& in, const ArrayView& out, extrema1d::Kind kind,
               const std::vector<extrema1d::Window>& windows, double cval, const extrema1d::Residue& residue,
               const Exec& exec);

// The same over a footprint in which something is set.
void extrema1d(const ConstArrayView& in, const ArrayView& out, extrema1d::Kind kind,
               const extrema1d::Footprint& footprint, double cval, const extrema1d::Residue& residue, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. Passes of a box alternate between `out` and scratch. A
// footprint with heights is an error.
void extrema1d(const ConstArrayView& in, const ArrayView& out, extrema1d::Kind kind,
               const std::vector<extrema1d::Window>& windows, double cval, const extrema1d::Residue& residue,
               const Exec& exec);
void extrema1d(const ConstArrayView& in, const ArrayView& out, extrema1d::Kind kind,
               const extrema1d::Footprint& footprint, double cval, const extrema1d::Residue& residue, const Exec& exec);

}  // namespace voxkern::cuda

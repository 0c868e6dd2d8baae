// SPDX-License-Identifier: Apache-2.0
// Which windows run together in one sweep over memory, and how lines continue beyond their ends.
#pragma once

#include "core/axes.hpp"
#include "kernels/extrema1d/extrema1d.hpp"

namespace voxkern::extrema1d {

// scipy computes in float64. The type itself gives the same where that changes nothing: not for 64-bit integers, nor
// where a box meets a `cval` that the type does not hold.
bool goes_through_f64(DType in, DType out);
bool goes_through_f64(DType in, DType out, const std::vector<Window>& windows, double cval);

// The windows that change something.
std::vector<Window> passes_of(const std::vector<Window>& windows, bool converts);

// A window of a box along n samples, no longer than needed: two lengths reach every sample of the extension, in any
// mode.
Window shortened(Window window, std::int64_t n);

// What a footprint finds outside: scipy makes the input's type of `cval` first.
double held_value(DType dtype, double cval);

// A scalar is a line of one sample.
template <class AnyView>
AnyView with_an_axis(const AnyView& array) {
    AnyView line = array;
    line.rank = 1;
    line.shape[0] = 1;
    line.strides[0] = 1;
    return line;
}

// A line of n samples and the window that runs along it.
struct Line {
    std::int64_t n = 1;
    std::int64_t size = 1;
    std::int64_t before = 0;
    std::int64_t after = 0;
    std::vector<std::int64_t> extension;  // before + after sample indices, kOutside for cval
    std::int64_t in_stride = 0;
    std::int64_t out_stride = 0;

    // The sample at position p, -before <= p < n + after.
    std::int64_t at(std::int64_t p) const {
        if (p >= 0 && p < n) return p;
        return extension[static_cast<std::size_t>((p < 0 ? p : p - n) + before)];
    }
};

Line line_of(const ConstArrayView& in, const ArrayView& out, const Window& window);
Line plain_line(const Axes<2>::Axis& axis);  // without a window

// Samples of x that are interleaved: the fastest axis of `outer`, where it lies flush with x. Takes it off `outer`.
std::int64_t take_interleaved(Axes<2>& outer, Line& x);

// Windows that one sweep handles: along planes and rows of a block, and along its contiguous lines. A sweep without
// `x` runs along `y` alone, with anything contiguous beside it. All other axes are walked.
struct Sweep {
    Line z, y, x;
    bool has_z = false;
    bool has_y = false;
    bool has_x = false;
    std::int64_t width = 1;  // elements of a sample of x: more than 1 for interleaved channels
    Axes<2> outer;

    std::int64_t row() const { return x.n * width; }
};

// Sweeps in the order they are to run; the first reads `in`, the others run in place on `out`. `itemsize` is that of
// the type that is computed in; windows that are not `fused` run one by one, in their order.
std::vector<Sweep> sweeps_of(const ConstArrayView& in, const ArrayView& out, const std::vector<Window>& windows,
                             std::int64_t itemsize, bool fused);

// Planes that one step of a sweep with `z` makes, and rows of a plane that it holds.
struct FusedBlock {
    std::int64_t planes;
    std::int64_t rows;
};
FusedBlock fused_block(const Sweep& sweep, std::int64_t itemsize);

// --- footprints ---

// A row of samples of a footprint, `offset` samples from where x begins: the extremum of so many samples side by side
// as `table` has it, of the row at these places of the other windows.
struct Run {
    std::size_t slab = 0;  // which of the places along the axes beyond z
    std::int64_t z = 0;
    std::int64_t y = 0;
    std::int64_t offset = 0;
    std::size_t table = 0;
};

// Windows of any shape, by runs along x. The axes beyond z are `far` where the footprint has an extent along them;
// the others are walked.
struct FootprintPlan {
    Line z, y, x;
    std::int64_t width = 1;
    Axes<2> outer;
    std::vector<Line> far;
    std::vector<std::vector<std::int64_t>> slabs;  // places along the far axes
    std::vector<std::int64_t> lengths;             // of the runs that are tabled; the first is 1
    std::vector<Run> runs;                         // the last one in C order first
    std::vector<double> heights;                   // of the runs, one sample each; none where it is flat

    std::int64_t row() const { return x.n * width; }
};
FootprintPlan footprint_plan(const ConstArrayView& in, const ArrayView& out, const Footprint& footprint);

// Rough steps of all passes, for limited_to_work().
std::int64_t work_of(const ConstArrayView& in, std::size_t passes);

}  // namespace voxkern::extrema1d

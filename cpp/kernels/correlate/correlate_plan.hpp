// SPDX-License-Identifier: Apache-2.0
// How a correlation is cut into tiles, and the order in which its taps are added.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/correlate/correlate.hpp"
#include "kernels/correlate/correlate_task.hpp"
#include "kernels/correlate1d/correlate1d.hpp"

namespace voxkern::correlate {

// What the sums of a filter are made of.
enum class Arithmetic : std::int8_t {
    f32,        // fused, in parts of bounded length
    f32_exact,  // of integers: no sum leaves the range in which float32 has every number
    f64,        // scipy's roundings, one after the other
};

Arithmetic arithmetic_of(DType in, DType out, const Filter& filter);

// Whether the taps may be added along the axes as they lie in memory. Of integers the last bit of a sum may decide
// where it is truncated: they are added in C order, as scipy's.
bool any_order(DType out, Arithmetic arithmetic);

// Sums of up to so many taps in float32 are one chain of additions.
inline constexpr std::int64_t kShortestPart = 40;

// scipy leaves such weights out.
inline bool is_zero(double weight) {
    return !(std::abs(weight) > std::numeric_limits<double>::epsilon());
}

// The smallest power of two that makes all weights whole, and `cval` where it counts, if at most 4096; else 0.
double unit_of(const Filter& filter);

// The passes that give the same result to within its documented error, and sooner; none where there are not.
std::vector<correlate1d::AxisFilter> separated(DType in, DType out, const Filter& filter);

inline bool narrow_integer(DType dtype) {
    return dtype == DType::u8 || dtype == DType::i8 || dtype == DType::u16 || dtype == DType::i16;
}

// No integer of the dtype is larger.
inline double largest_of(DType dtype) {
    return static_cast<double>(std::int64_t{1} << (8 * size_of(dtype)));
}

// One axis, or several that lie flush and have no taps.
struct Axis {
    int number = -1;  // in the array
    std::int64_t extent = 1;
    std::int64_t in_stride = 0;
    std::int64_t out_stride = 0;
    std::int64_t taps = 1;
    std::int64_t before = 0;  // samples ahead of the one that is replaced; any sign
    std::int64_t weight_stride = 0;
    std::int64_t tiles = 1;
    std::int64_t block = 1;               // most samples of a tile's results
    std::vector<std::int64_t> extension;  // sources of the samples ahead of the axis, then of those behind it

    std::int64_t ahead() const { return before > 0 ? before : 0; }
    std::int64_t behind() const { return taps - 1 - before > 0 ? taps - 1 - before : 0; }
    std::int64_t padded() const { return block + taps - 1; }  // samples of a tile
};

// Where the samples beyond the edges come from: the boundary mode, or the array itself, which has them.
enum class Edges : std::int8_t { extended, padded };

// The axes of the result, slowest first where they may be in any order, without those of one sample and one tap.
std::vector<Axis> axes_of(const ConstArrayView& in, const ArrayView& out, const Filter& filter, Edges edges,
                          bool free_order);

void extend(Axis& axis, Boundary mode, Edges edges);

AxisTask task_of(const Axis& axis);

template <class C>
struct Plan {
    Plan(const ConstArrayView& in, const ArrayView& out, const Filter& filter, Arithmetic arithmetic,
         Edges edges = Edges::extended);

    std::vector<Axis> outer;  // the last one is that of neighbouring result rows
    Axis row;
    std::int64_t width = 1;  // elements of a sample of a row: more than 1 for channels
    std::int64_t rows = 1;   // results side by side: kRows or 1
    int slid = 0;            // the outer axis that runs of tiles go along: the first with taps
    std::int64_t run_tiles = 1;
    int across = -1;         // the outer axis whose samples are neighbours in memory, where those of a row are not
    std::int64_t pitch = 0;  // elements from one row of a tile to the next
    std::vector<C> weights;
    std::vector<Step> steps;
    std::vector<std::int64_t> parts;  // ends of the parts of the steps

    std::int64_t runs() const;
    std::int64_t tile_rows() const;
    std::int64_t result_size() const;  // of the scratch for results
    Task<C> task(const ConstArrayView& in, const ArrayView& out, C cval) const;

  private:
    void take_axes(std::vector<Axis> axes);
    void choose_tiles();
    void add_steps(std::int64_t longest_part);
};

// Rough steps, for limited_to_work().
std::int64_t work_of(const ConstArrayView& in, const Filter& filter);

}  // namespace voxkern::correlate

// SPDX-License-Identifier: Apache-2.0
// What a layer comes down to: convolutions of stride along lines of the input, and how they are cut into work.
#pragma once

#include <vector>

#include "kernels/conv3d/conv3d.hpp"
#include "kernels/conv3d/conv3d_winograd.hpp"

namespace voxkern::conv3d {

// One of the convolutions that an axis, z or y, splits into: a dilated one reads every `in_step`-th sample, a
// transposed one writes every `out_step`-th. Result m reads samples stride * m - before + j of a line of `in_count`.
struct Axis {
    std::int64_t filter = 0;  // which subset of the taps, see tap_sets
    std::int64_t taps = 0;    // j < taps
    std::int64_t in_first = 0;
    std::int64_t in_step = 1;
    std::int64_t in_count = 0;
    std::int64_t stride = 1;
    std::int64_t before = 0;
    std::int64_t out_first = 0;
    std::int64_t out_step = 1;
    std::int64_t out_count = 0;
};

// Throws where weights, so many numbers of a bias (0: none) and options do not belong together.
void check_weights(const ConstArrayView& weight, std::int64_t bias, const Options& options);

// The taps of the kernel that results take, in the order of the samples they meet. One set, or transposed one for each
// remainder of the result's index by the stride.
std::vector<std::vector<std::int64_t>> tap_sets(const Options& options, std::int64_t size, int axis);

std::vector<Axis> axes_of(const Options& options, std::int64_t size, int axis, std::int64_t in, std::int64_t out);

// The axis x. The samples that one tap meets lie side by side in scratch: a row for each remainder of their places by
// the stride. A transposed convolution counts the remainders of the result's index as more output channels.
struct Columns {
    std::int64_t stride = 1;
    std::int64_t before = 0;
    std::int64_t results = 1;             // neighbours that are output channels of their own
    std::vector<std::int64_t> phase;      // remainders
    std::vector<std::int64_t> tap_phase;  // of each tap: which row
    std::vector<std::int64_t> tap_shift;  // and where in it
    std::vector<std::int64_t> tap;        // [results][taps]: the kernel's tap, or -1
    std::int64_t reach = 0;               // the largest shift

    std::int64_t taps() const { return static_cast<std::int64_t>(tap_shift.size()); }
    // Results of a channel are neighbours in a block, so that they are woven together before they are stored.
    bool woven() const { return results > 1 && kBlock % results == 0; }
};

Columns columns_of(const Options& options, std::int64_t size);

// Output channels of a group, counting results along x, in blocks.
struct Blocks {
    std::int64_t channels = 0;

    std::int64_t count() const { return (channels + kBlock - 1) / kBlock; }
    std::int64_t used(std::int64_t block) const;   // channels there are
    std::int64_t width(std::int64_t block) const;  // and that are computed
    std::int64_t padded() const { return count() == 0 ? 0 : kBlock * (count() - 1) + width(count() - 1); }
};

// Weights as the kernels read them: [set of taps][group][block][row][channel][tap][width of the block].
struct Packed {
    std::vector<float> weights;
    std::vector<std::int64_t> first;  // of each set: where it begins
    std::vector<std::int64_t> rows;   // and how many rows it has
    std::pair<int, int> scheme;
    Packed* before = nullptr;  // of the same filter
};

// Everything about a call that no back end changes.
struct Geometry {
    std::vector<Axis> z;
    std::vector<Axis> y;
    Columns x;
    Blocks blocks;
    std::int64_t batch = 0;
    std::int64_t groups = 0;
    std::int64_t channels = 0;  // in a group
    std::int64_t columns = 0;   // results along x, without neighbours
    std::int64_t lanes = 0;

    std::int64_t most_taps(const std::vector<Axis>& axes) const;
    std::int64_t most_results(const std::vector<Axis>& axes) const;
};

// With the options of the filter, but for the padding of a part of an image.
Geometry geometry_of(const Filter& filter, const Options& options, const View<const float, 5>& in,
                     const View<float, 5>& out, std::int64_t lanes);

// How the axes z and y are transformed; both direct where no transform pays or is allowed.
std::pair<Kind, Kind> scheme_of(const Filter& filter, const Geometry& geometry);

// A call is cut into units, the same for any number of threads: a part of each axis, some blocks of output channels.
struct Cut {
    std::int64_t z_run = 1;  // results of one unit: planes, rows, columns, blocks; of Winograd, tiles along z and y
    std::int64_t y_run = 1;
    std::int64_t x_run = 1;
    std::int64_t block_run = 1;
    std::int64_t z_runs = 1;  // and how many there are
    std::int64_t y_runs = 1;
    std::int64_t x_runs = 1;
    std::int64_t block_runs = 1;
    bool depthwise = false;  // one channel in and out of a group, three taps along y
    bool flat = false;       // rows follow each other without a gap: one line of vectors across them
    std::int64_t pitch = 0;
    std::int64_t rows = 1;  // whose products are made in one go
    std::int64_t units = 0;
    std::int64_t units_per_item = 1;
    std::int64_t work = 0;  // products of the call
};

Cut cut_direct(const Geometry& geometry);
Cut cut_winograd(const Geometry& geometry, Kind z, Kind y);

// One unit, by its number.
struct Unit {
    std::int64_t part_z, part_y, blocks, x, y, z, group, image;
};
Unit unit_at(const Geometry& geometry, const Cut& cut, std::int64_t number);

constexpr std::int64_t rounded_up(std::int64_t n, std::int64_t unit) {
    return (n + unit - 1) / unit * unit;
}

}  // namespace voxkern::conv3d

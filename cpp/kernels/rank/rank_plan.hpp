// SPDX-License-Identifier: Apache-2.0
// How a call runs: which axes play which part, the programs, and the tiles.
#pragma once

#include <vector>

#include "core/axes.hpp"
#include "kernels/rank/rank.hpp"
#include "kernels/rank/rank_network.hpp"

namespace voxkern::rank {

// box: a network that neighbouring windows share. network: one for each window. bisect: bit by bit. slide: the window
// is a set of numbers.
enum class Method { box, network, bisect, slide };

// All samples of the window count.
bool is_box(const Options& options);

// What samples are compared as, and what stands outside as a number of that kind.
Coding coding_of(DType in, DType out, const Options& options);
double outside_of(DType in, Coding coding, const Options& options);

struct AxisPlan {
    std::int64_t n = 1;
    std::int64_t in_stride = 0;
    std::int64_t out_stride = 0;
    std::int64_t size = 1;
    std::int64_t before = 0;
    Boundary mode = Boundary::reflect;
    int axis = -1;                    // of the array; -1: none
    std::vector<std::int64_t> index;  // of positions -before to n + size - before - 1

    std::int64_t after() const { return size - 1 - before; }
};

struct Plan {
    Plan(const ConstArrayView& in, const ArrayView& out, const Options& options);

    Method method = Method::network;
    Coding coding = Coding::direct;
    double outside = 0.0;  // what stands outside, before it is cut to the dtype of the input
    std::int64_t key_bytes = 4;
    std::int64_t strip = 1;  // voxels of a strip along x
    AxisPlan x;
    std::int64_t width = 1;        // results of a tile along x
    std::int64_t pitch = 0;        // elements of a staged row
    std::int64_t staged_rows = 0;  // of a tile
    std::int64_t rows = 0;         // rows of the network

    // Boxes. Other footprints leave z and y at one sample.
    AxisPlan z;
    AxisPlan y;
    Axes<2> outer;           // the other axes
    std::int64_t depth = 1;  // results of a block along z and y
    std::int64_t height = 1;
    std::int64_t plane = 0;  // elements of a staged plane
    std::int64_t rows_y = 1;
    std::int64_t lag = 0;
    std::int64_t phases = 0;
    std::int64_t results = 0;  // first row of the results

    // Other footprints: all axes but x are walked, and each row of the footprint is looked up along them.
    std::vector<AxisPlan> walked;
    std::vector<std::int64_t> row_at;  // for each row of the footprint, its place in the window along each walked axis
    std::vector<std::int32_t> taps;

    std::vector<Program> programs;

  private:
    struct Stored {
        std::vector<Step> steps;
        std::vector<std::int32_t> operands;
    };

    void choose_coding(const ConstArrayView& in, const ArrayView& out, const Options& options);
    std::int64_t staged_row(std::int64_t n) const;
    void plan_block();
    void plan_box(std::int64_t rank);
    Method method_of(const Options& options, const std::vector<AxisPlan>& axes) const;
    void plan_footprint(const std::vector<AxisPlan>& axes, const Options& options);
    template <class Place>
    void keep(const Code& code, const Place& place);

    std::vector<Stored> stored_;
};

// Rough steps of the whole call, for limited_to_work().
std::int64_t work_of(const ConstArrayView& in, const Options& options);

}  // namespace voxkern::rank

// SPDX-License-Identifier: Apache-2.0
// The terms as a tree of three stages, one per axis, so that terms share what they begin with.
#pragma once

#include <array>
#include <vector>

#include "kernels/separable/separable.hpp"
#include "kernels/separable/separable_task.hpp"

namespace voxkern::separable {

// Which axes are swept, the slowest of `out` first; -1 where there are fewer than three. The others are gone through
// one by one.
struct SweptAxes {
    std::array<int, 3> swept = {-1, -1, -1};
    std::vector<int> others;
};
SweptAxes swept_axes(const ArrayView& out, int rank, const std::vector<Term>& terms);

// Everything but the addresses of one task; owns what it points to.
template <class C>
struct Plan {
    Plan(const ConstArrayView& in, const ArrayView& out, const SweptAxes& axes, const std::vector<Term>& terms,
         const Options& options);
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    Task<C> task;
    std::int64_t tiles = 1;

    Tile tile(std::int64_t index) const;

  private:
    int node_of(int stage, int parent, const correlate1d::AxisFilter* filter);
    void make_axis(int stage, const ConstArrayView& in, const ArrayView& out, int axis, const std::vector<Term>& terms);
    void make_nodes(const SweptAxes& axes, const std::vector<Term>& terms);
    void choose_tiles();

    std::vector<std::vector<C>> weights_;
    std::array<std::vector<std::int64_t>, 3> extensions_;
};

// Whether the terms can be made together: one mode along each of up to three axes, results that are floats.
bool is_one_sweep(const ArrayView& out, const std::vector<Term>& terms);

// Whether every number of `in` and `out` is one of float32.
bool computes_in_f32(DType in, DType out);

// Results of a voxel.
int outputs_of(const Options& options, std::size_t terms);

// Rough steps, for limited_to_work().
std::int64_t work_of(const ConstArrayView& in, const std::vector<Term>& terms);

}  // namespace voxkern::separable

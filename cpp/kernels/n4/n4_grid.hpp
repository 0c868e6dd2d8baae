// SPDX-License-Identifier: Apache-2.0
// From an image, a mask and weights of any dtype and memory order to the grid the sweeps read.
#pragma once

#include <cstdint>
#include <memory>

#include "core/parallel.hpp"
#include "core/view.hpp"
#include "core/workspace.hpp"
#include "kernels/n4/n4_task.hpp"

namespace voxkern {

// Axes of the image that are its planes, rows and columns: slowest to fastest in memory, -1 where the
// image has none. An image of two long axes has planes and columns, so that threads share its planes.
struct N4Order {
    int plane = -1;
    int row = -1;
    int column = -1;
};

template <class AnyView>
N4Order n4_memory_order(const AnyView& view);

template <class AnyView>
std::int64_t n4_length(const AnyView& view, int axis) {
    return axis < 0 ? 1 : view.shape[axis];
}

// First voxel of a row, and the step from column to column.
template <class AnyView>
auto* n4_row(const AnyView& view, const N4Order& order, std::int64_t plane, std::int64_t row) {
    std::int64_t offset = 0;
    if (order.plane >= 0) offset += plane * view.strides[order.plane];
    if (order.row >= 0) offset += row * view.strides[order.row];
    return view.at(offset);
}

template <class AnyView>
std::int64_t n4_step(const AnyView& view, const N4Order& order) {
    return order.column < 0 ? 1 : view.strides[order.column];
}

// The grid with the memory it lives in.
class N4Image {
  public:
    N4Image(const ConstArrayView& image, const ConstArrayView* mask, const double* label, const ConstArrayView* weights,
            bool keep_not_positive, float* scratch, std::int64_t scratch_floats, const Exec& exec);

    const N4Order& order() const { return order_; }
    // Plane, row and column of the image at which the grid begins: it is the box around what takes part.
    const std::int64_t* origin() const { return origin_; }
    const N4Grid& grid() const { return grid_; }
    std::int64_t voxels() const { return voxels_; }
    std::int64_t not_positive() const { return not_positive_; }

    // ITK never takes the first voxel for the minimum.
    void skip_first_voxel();

  private:
    N4Order order_;
    std::int64_t origin_[3] = {0, 0, 0};
    N4Grid grid_;
    std::unique_ptr<Workspace> index_;
    std::unique_ptr<Workspace> values_;
    std::int64_t voxels_ = 0;
    std::int64_t not_positive_ = 0;
};

}  // namespace voxkern

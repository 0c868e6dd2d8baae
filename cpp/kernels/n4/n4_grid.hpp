// SPDX-License-Identifier: Apache-2.0
// From an image, a mask and weights of any dtype and memory order to the grid the sweeps read.
#pragma once

#include <cstdint>
#include <memory>

#include "core/parallel.hpp"
#include "core/view.hpp"
#include "core/workspace.hpp"
#include "kernels/n4/n4_plan.hpp"

namespace voxkern::n4 {

// The grid with the memory it lives in.
class Image {
  public:
    Image(const Samples& samples, const Lent& scratch, const Options& options, const Exec& exec);

    const MemoryOrder& order() const { return order_; }
    // Plane, row and column of the image at which the grid begins: it is the box around what takes part.
    const std::int64_t* origin() const { return origin_; }
    const Grid& grid() const { return grid_; }
    std::int64_t voxels() const { return voxels_; }
    std::int64_t not_positive() const { return not_positive_; }

  private:
    void take_memory(bool weighted, const Lent& scratch);
    void skip_first_voxel();  // ITK never takes it for the minimum

    MemoryOrder order_;
    std::int64_t origin_[3] = {0, 0, 0};
    Grid grid_;
    std::unique_ptr<Workspace> index_;
    std::unique_ptr<Workspace> values_;
    std::int64_t voxels_ = 0;
    std::int64_t not_positive_ = 0;
};

}  // namespace voxkern::n4

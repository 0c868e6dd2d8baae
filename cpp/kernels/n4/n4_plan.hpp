// SPDX-License-Identifier: Apache-2.0
// What follows from shapes and options alone: the order of the axes, the lattices of the levels, scratch memory.
#pragma once

#include <cstdint>
#include <vector>

#include "core/view.hpp"
#include "kernels/n4/n4.hpp"
#include "kernels/n4/n4_axis.hpp"
#include "kernels/n4/n4_task.hpp"

namespace voxkern::n4 {

// Axes of the image that are its planes, rows and columns: slowest to fastest in memory, -1 where the
// image has none. An image of two long axes has planes and columns, so that threads share its planes.
struct MemoryOrder {
    int plane = -1;
    int row = -1;
    int column = -1;
};

MemoryOrder memory_order(int rank, const std::int64_t* shape, const std::int64_t* strides);

template <class AnyView>
MemoryOrder memory_order(const AnyView& view) {
    return memory_order(view.rank, view.shape, view.strides);
}

template <class AnyView>
std::int64_t length_along(const AnyView& view, int axis) {
    return axis < 0 ? 1 : view.shape[axis];
}

// First voxel of a row, and the step from column to column.
template <class AnyView>
auto* row_of(const AnyView& view, const MemoryOrder& order, std::int64_t plane, std::int64_t row) {
    std::int64_t offset = 0;
    if (order.plane >= 0) offset += plane * view.strides[order.plane];
    if (order.row >= 0) offset += row * view.strides[order.row];
    return view.at(offset);
}

template <class AnyView>
std::int64_t column_step(const AnyView& view, const MemoryOrder& order) {
    return order.column < 0 ? 1 : view.strides[order.column];
}

// What reading the samples has counted.
struct Counts {
    std::int64_t voxels = 0;
    std::int64_t not_positive = 0;
    std::int64_t not_finite = 0;
};

// Refuse images without a field, by the argument that is to blame.
void check_weights(std::int64_t bad);
void check_mask(bool any_inside);
void check_voxels(const Counts& counts, bool itk);
void check_contrast(float low, float high);

// Bits below the point of a bin coordinate: what leaves the last bin within an int32.
int fraction_bits_of(std::int64_t bins);

// Control points per axis.
using Controls = std::vector<std::int64_t>;

// Control points of each level; an axis the grid lacks has one.
std::vector<Controls> controls_of_levels(const Options& options, const MemoryOrder& order);

// The log field, or its last increment, at one level.
struct Level {
    AxisTables plane;
    AxisTables row;
    AxisTables column;
    std::vector<float> field;
    std::vector<float> step;

    std::int64_t plane_size() const { return row.controls() * column.controls(); }
    std::int64_t size() const { return plane.controls() * plane_size(); }
    Spline spline(const std::vector<float>& coefficients) const {
        return {plane.basis(), row.basis(), column.basis(), coefficients.data()};
    }
};

// Tables and zero lattices for the samples from `origin` on.
Level make_level(const MemoryOrder& order, const std::int64_t* origin, const std::int64_t (&samples)[3],
                 const Controls& controls, int spline_order, const std::vector<Axis>& axes);

// The field of a level on a lattice twice as fine.
std::vector<float> refined(const Level& level, int spline_order);

// A lattice from memory order into the order of the image's axes, and back.
std::vector<float> to_image_axes(const std::vector<float>& field, const MemoryOrder& order, const Controls& shape);
std::vector<float> to_memory_order(const std::vector<float>& lattice, const MemoryOrder& order, const Controls& shape);

// The rows of a band, one beside the other, and of three planes of expanded control points. Memory is a
// Workspace, or the WorkspaceSize it is made of.
template <class Memory>
Scratch take_scratch(Memory& memory, const Level& level, std::int64_t bins) {
    const std::int64_t band = kBandRows * level.column.basis().stride;
    const std::int64_t expanded = level.row.controls() * level.column.basis().stride;
    Scratch scratch;
    scratch.controls = memory.template take<float>(level.plane_size());
    scratch.field = memory.template take<float>(expanded);
    scratch.step = memory.template take<float>(expanded);
    scratch.sums = memory.template take<float>(expanded);
    scratch.bins = memory.template take<std::int32_t>(band);
    scratch.distances = memory.template take<float>(band);
    scratch.residuals = memory.template take<float>(band);
    scratch.increments = memory.template take<std::uint64_t>(band);
    scratch.histogram = memory.template take<std::uint64_t>(kCopies * (bins + 1));
    return scratch;
}

std::int64_t scratch_bytes(const Level& level, std::int64_t bins);

}  // namespace voxkern::n4

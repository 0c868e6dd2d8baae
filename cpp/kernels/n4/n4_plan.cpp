// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4_plan.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "core/axes.hpp"
#include "core/error.hpp"
#include "core/workspace.hpp"
#include "kernels/n4/n4_math.hpp"

namespace voxkern::n4 {
namespace {

std::int64_t controls_along(const Controls& controls, int axis) {
    return axis < 0 ? 1 : controls[static_cast<std::size_t>(axis)];
}

// One line of the lattice, twice as fine: along the axis of `count` points that lie `inner` apart.
std::vector<double> refine_axis(const std::vector<double>& old, std::int64_t outer, std::int64_t count,
                                std::int64_t inner, int spline_order) {
    if (count == 1) return old;
    const std::int64_t finer = 2 * count - spline_order;
    std::vector<double> result(static_cast<std::size_t>(outer * finer * inner));
    for (std::int64_t o = 0; o < outer; ++o) {
        for (std::int64_t i = 0; i < finer; ++i) {
            for (std::int64_t x = 0; x < inner; ++x) {
                const auto line = [&](std::int64_t j) {
                    return old[static_cast<std::size_t>((o * count + j) * inner + x)];
                };
                result[static_cast<std::size_t>((o * finer + i) * inner + x)] =
                    refined_point(line, i, count, spline_order);
            }
        }
    }
    return result;
}

// Index in the order of the image's axes of every coefficient in memory order.
std::vector<std::size_t> places_of(const MemoryOrder& order, const Controls& shape) {
    const int axis[3] = {order.plane, order.row, order.column};
    std::int64_t extent[3];
    std::int64_t strides[3] = {0, 0, 0};
    for (int m = 0; m < 3; ++m) {
        extent[m] = controls_along(shape, axis[m]);
        if (axis[m] < 0) continue;
        strides[m] = 1;
        for (std::size_t a = static_cast<std::size_t>(axis[m]) + 1; a < shape.size(); ++a) strides[m] *= shape[a];
    }
    std::vector<std::size_t> places;
    for (std::int64_t k = 0; k < extent[0] * extent[1] * extent[2]; ++k) {
        std::int64_t at[3];
        unravel(k, 3, extent, at);
        places.push_back(static_cast<std::size_t>(at[0] * strides[0] + at[1] * strides[1] + at[2] * strides[2]));
    }
    return places;
}

}  // namespace

Lent lent_by(const ArrayView& array) {
    const Axes<2> walk = walk_of(as_const(array), array);
    const bool dense = walk.rank() == 0 || (walk.rank() == 1 && walk[0].strides[0] == 1);
    return {static_cast<float*>(array.data), dense ? array.size() * size_of(array.dtype) / 4 : 0};
}

void check_weights(std::int64_t bad) {
    if (bad == 0) return;
    throw InvalidArgument("weights: got " + std::to_string(bad) + " negative or not finite ones, allowed 0 and more");
}

void check_mask(bool any_inside) {
    if (!any_inside) throw InvalidArgument("mask: got no voxel inside, allowed at least two");
}

void check_voxels(const Counts& counts, bool itk) {
    if (counts.not_finite > 0) {
        throw InvalidArgument("x: got " + std::to_string(counts.not_finite) +
                              " voxels that are NaN or infinite inside the mask, allowed finite ones");
    }
    if (counts.voxels == (itk ? counts.not_positive : 0)) {
        throw InvalidArgument("x: got no positive voxel inside the mask, allowed intensities that have a logarithm");
    }
}

void check_contrast(float low, float high) {
    if (high > low) return;
    throw InvalidArgument("x: got one value everywhere inside the mask, allowed an image with contrast");
}

int fraction_bits_of(std::int64_t bins) {
    int bits = 24;
    while ((bins << bits) > std::numeric_limits<std::int32_t>::max()) --bits;
    return bits;
}

MemoryOrder memory_order(int rank, const std::int64_t* shape, const std::int64_t* strides) {
    std::vector<int> axes;
    for (const int a : slowest_first(rank, strides)) {
        if (shape[a] > 1) axes.push_back(a);
    }
    MemoryOrder order;
    if (axes.size() == 3) order.row = axes[1];
    if (axes.size() >= 2) order.plane = axes.front();
    if (!axes.empty()) order.column = axes.back();
    return order;
}

std::vector<Controls> controls_of_levels(const Options& options, const MemoryOrder& order) {
    Controls controls = options.control_points;
    for (int a = 0; a < static_cast<int>(controls.size()); ++a) {
        if (a != order.plane && a != order.row && a != order.column) controls[static_cast<std::size_t>(a)] = 1;
    }
    std::vector<Controls> levels;
    for (std::size_t l = 0; l < options.iterations.size(); ++l) {
        double size = 1.0;
        for (const std::int64_t n : controls) size *= static_cast<double>(n);
        if (size > 0x1p24) {
            throw InvalidArgument("number_of_control_points, mesh, spline_distance: got a lattice of " +
                                  std::to_string(size) + " points at the last level, allowed 16777216");
        }
        levels.push_back(controls);
        for (std::int64_t& n : controls) n = n == 1 ? 1 : 2 * n - options.spline_order;
    }
    return levels;
}

Level make_level(const MemoryOrder& order, const std::int64_t* origin, const std::int64_t (&samples)[3],
                 const Controls& controls, int spline_order, const std::vector<Axis>& axes) {
    const auto tables = [&](int axis, int m) {
        Axis place = axis < 0 ? Axis{} : axes[static_cast<std::size_t>(axis)];
        place.first += static_cast<double>(origin[m]) * place.step;
        return AxisTables(samples[m], controls_along(controls, axis), spline_order, place);
    };
    Level level{tables(order.plane, 0), tables(order.row, 1), tables(order.column, 2), {}, {}};
    level.field.assign(static_cast<std::size_t>(level.size()), 0.0F);
    level.step = level.field;
    return level;
}

std::vector<float> refined(const Level& level, int spline_order) {
    std::int64_t n[3] = {level.plane.controls(), level.row.controls(), level.column.controls()};
    std::vector<double> lattice(level.field.begin(), level.field.end());
    for (int m = 0; m < 3; ++m) {
        const std::int64_t outer = m == 0 ? 1 : (m == 1 ? n[0] : n[0] * n[1]);
        const std::int64_t inner = m == 0 ? n[1] * n[2] : (m == 1 ? n[2] : 1);
        lattice = refine_axis(lattice, outer, n[m], inner, spline_order);
        if (n[m] > 1) n[m] = 2 * n[m] - spline_order;
    }
    std::vector<float> finer(lattice.size());
    std::transform(lattice.begin(), lattice.end(), finer.begin(), [](double v) { return static_cast<float>(v); });
    return finer;
}

std::vector<float> to_image_axes(const std::vector<float>& field, const MemoryOrder& order, const Controls& shape) {
    const std::vector<std::size_t> places = places_of(order, shape);
    std::vector<float> lattice(field.size());
    for (std::size_t i = 0; i < field.size(); ++i) lattice[places[i]] = field[i];
    return lattice;
}

std::vector<float> to_memory_order(const std::vector<float>& lattice, const MemoryOrder& order, const Controls& shape) {
    std::vector<float> field;
    for (const std::size_t place : places_of(order, shape)) field.push_back(lattice[place]);
    return field;
}

std::int64_t scratch_bytes(const Level& level, std::int64_t bins) {
    WorkspaceSize size;
    take_scratch(size, level, bins);
    return size.bytes();
}

}  // namespace voxkern::n4

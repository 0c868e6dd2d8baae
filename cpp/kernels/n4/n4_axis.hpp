// SPDX-License-Identifier: Apache-2.0
// Tables of one axis: the basis functions at its samples, and what the fit makes of them.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/n4/n4.hpp"
#include "kernels/n4/n4_task.hpp"

namespace voxkern::n4 {

class AxisTables {
  public:
    // `samples` samples placed by `axis`, `controls` control points. One control point means that the
    // field does not vary along the axis.
    AxisTables(std::int64_t samples, std::int64_t controls, int order, const Axis& axis);

    Basis basis() const;

    // Of the rows and columns of a plane: numerator (power 3) or denominator (power 2) of the fit.
    static Fitting fitting(const AxisTables& rows, const AxisTables& columns, int power);

    // Adds one plane's contribution to the lattice: `size` control points per plane.
    void scatter(std::int64_t plane, int power, const double* sums, std::int64_t size, double* lattice) const;

    std::int64_t controls() const { return controls_; }

    // B (power 1), B^2 or B^3 / sum of B^2, as basis().value is laid out.
    const std::vector<float>& raised(int power) const { return power == 1 ? value_ : power == 2 ? square_ : cube_; }

  private:
    std::int64_t samples_;
    std::int64_t controls_;
    std::int64_t taps_;
    std::int64_t stride_;
    std::int64_t band_stride_;
    std::vector<std::int32_t> cell_;
    std::vector<std::int32_t> span_begin_;
    std::vector<std::int32_t> band_begin_;
    std::vector<float> value_;   // B: taps rows
    std::vector<float> square_;  // B^2
    std::vector<float> cube_;    // B^3 / sum of B^2
    std::vector<float> square_band_;
    std::vector<float> cube_band_;
};

}  // namespace voxkern::n4

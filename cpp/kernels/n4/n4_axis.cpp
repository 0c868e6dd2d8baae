// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4_axis.hpp"

#include <algorithm>

#include "kernels/n4/n4_math.hpp"

namespace voxkern::n4 {
namespace {

std::int64_t whole_blocks(std::int64_t n) {
    return (n + kBlock - 1) / kBlock * kBlock;
}

}  // namespace

AxisTables::AxisTables(std::int64_t samples, std::int64_t controls, int order, const Axis& axis)
    : samples_(samples),
      controls_(controls),
      taps_(controls == 1 ? 1 : order + 1),
      stride_(whole_blocks(samples) + kBlock),  // blocks may start anywhere
      cell_(static_cast<std::size_t>(samples)) {
    const auto n = static_cast<std::size_t>(samples);
    const auto row = static_cast<std::size_t>(stride_);
    const auto taps = static_cast<std::size_t>(taps_);
    value_.assign(taps * row, 0.0F);
    square_ = value_;
    cube_ = value_;
    for (std::size_t i = 0; i < n; ++i) {
        float w[kMaxTaps] = {1.0F};
        if (controls > 1) {
            const double at = axis.first + axis.step * static_cast<double>(i);
            const float p = parameter(at, axis.total, controls - order);
            cell_[i] = static_cast<std::int32_t>(p);
            basis_weights(p - static_cast<float>(cell_[i]), order, w);
        }
        double squares = 0.0;
        for (std::size_t k = 0; k < taps; ++k) squares += static_cast<double>(w[k]) * static_cast<double>(w[k]);
        for (std::size_t k = 0; k < taps; ++k) {
            const auto b = static_cast<double>(w[k]);
            value_[k * row + i] = w[k];
            square_[k * row + i] = static_cast<float>(b * b);
            cube_[k * row + i] = static_cast<float>(b * b * b / squares);
        }
    }

    for (std::int64_t span = 0; span <= controls - taps_ + 1; ++span) {
        const auto begin = std::lower_bound(cell_.begin(), cell_.end(), span);
        span_begin_.push_back(static_cast<std::int32_t>(begin - cell_.begin()));
    }

    // Control point j lies under the samples of cells j - taps + 1 to j.
    std::int64_t widest = 0;
    for (std::int64_t j = 0; j < controls; ++j) {
        const auto begin = std::lower_bound(cell_.begin(), cell_.end(), j - taps_ + 1) - cell_.begin();
        const auto end = std::lower_bound(cell_.begin(), cell_.end(), j + 1) - cell_.begin();
        widest = std::max<std::int64_t>(widest, end - begin);
    }
    band_stride_ = whole_blocks(std::max<std::int64_t>(widest, 1));
    square_band_.assign(static_cast<std::size_t>(controls * band_stride_), 0.0F);
    cube_band_ = square_band_;
    for (std::int64_t j = 0; j < controls; ++j) {
        const auto support = std::lower_bound(cell_.begin(), cell_.end(), j - taps_ + 1) - cell_.begin();
        const std::int64_t begin = std::min<std::int64_t>(support, stride_ - band_stride_);
        band_begin_.push_back(static_cast<std::int32_t>(begin));
        for (std::int64_t x = support; x < samples && cell_[static_cast<std::size_t>(x)] <= j; ++x) {
            const auto from = static_cast<std::size_t>((j - cell_[static_cast<std::size_t>(x)]) * stride_ + x);
            const auto to = static_cast<std::size_t>(j * band_stride_ + x - begin);
            square_band_[to] = square_[from];
            cube_band_[to] = cube_[from];
        }
    }
}

Basis AxisTables::basis() const {
    return {samples_, controls_, taps_, stride_, cell_.data(), value_.data(), span_begin_.data()};
}

Fitting AxisTables::fitting(const AxisTables& rows, const AxisTables& columns, int power) {
    const std::vector<float>& band = power == 3 ? columns.cube_band_ : columns.square_band_;
    return {rows.raised(power).data(), band.data(), columns.band_stride_, columns.band_begin_.data()};
}

void AxisTables::scatter(std::int64_t plane, int power, const double* sums, std::int64_t size, double* lattice) const {
    const auto at = static_cast<std::size_t>(plane);
    double* const to = lattice + cell_[at] * size;
    for (std::int64_t k = 0; k < taps_; ++k) {
        const auto w = static_cast<double>(raised(power)[static_cast<std::size_t>(k * stride_) + at]);
        for (std::int64_t i = 0; i < size; ++i) to[k * size + i] += w * sums[i];
    }
}

}  // namespace voxkern::n4

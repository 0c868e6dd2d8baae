// SPDX-License-Identifier: Apache-2.0
// Which correlations are multiplied in Fourier space, and in which tiles.
#pragma once

#include <optional>
#include <vector>

#include "core/axes.hpp"
#include "kernels/correlate/correlate_plan.hpp"

namespace voxkern::correlate {

// The axes with taps (planes, rows, samples of a row), cut into tiles whose padded lengths have a transform.
struct FourierCut {
    std::vector<Axis> axes;
    std::int64_t lengths[kFourierAxes] = {};
    Axes<2> batch;      // axes without taps: offsets of input and output
    double unit = 0.0;  // results are whole multiples of it; 0 where they may be anything
    double cost = 0.0;  // nanoseconds on one thread

    std::int64_t tiles() const;  // of one step of the batch
    std::int64_t samples() const;
};

// None where direct sums are sooner, or where only they give the documented result.
std::optional<FourierCut> fourier_cut(const ConstArrayView& in, const ArrayView& out, const Filter& filter,
                                      Arithmetic arithmetic);

template <class C>
struct FourierPlan {
    FourierPlan(const FourierCut& cut, const Filter& filter);
    FourierPlan(const FourierPlan&) = delete;
    FourierPlan& operator=(const FourierPlan&) = delete;

    FourierTask<C> task(const ConstArrayView& in, const ArrayView& out, C cval) const;
    FourierTask<C> task_of_weights() const;  // they are transformed as a tile of their own is

    std::int64_t groups() const;
    std::int64_t plane_size() const;  // of samples
    std::int64_t spectrum_size() const;
    std::int64_t weights_size() const;
    std::int64_t lines_size() const;

    FourierCut cut;
    std::vector<double> weights;
    double scale = 1.0;     // of the weights' spectrum: both spectra come doubled, and the way back multiplies
    double smallest = 0.0;  // of a tile's samples the largest lies between these, or the tile is summed directly
    double largest = 0.0;

  private:
    FourierTask<C> common() const;
    void set_limits();

    std::vector<FourierTable<C>> tables_;
    std::vector<std::int64_t> places_;
    std::vector<std::int64_t> no_samples_;  // the extension of the weights: zeros
    std::int64_t columns_ = 1;
    std::int64_t pitch_ = 0;
    std::int64_t row_pitch_ = 0;
    std::int64_t group_ = 1;
};

}  // namespace voxkern::correlate

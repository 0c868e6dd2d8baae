// SPDX-License-Identifier: Apache-2.0
// What the direct and the Winograd run of a layer share.
#pragma once

#include "core/view.hpp"
#include "kernels/conv3d/conv3d_plan.hpp"
#include "kernels/conv3d/conv3d_task.hpp"

namespace voxkern::conv3d {

// Products that are added up in one chain: longer sums are split, and their error grows no further. Winograd's way
// back enlarges the errors of its sums.
inline constexpr std::int64_t kChain = 288;
inline constexpr std::int64_t kWinogradChain = 144;
inline constexpr std::int64_t kSixPointChain = 64;

using Source = View<const float, 5>;

struct Layer {
    const Filter& filter;
    const Ops& ops;
    Geometry geometry;
    Source in;
    View<float, 5> out;
    Source residual;  // no data where there is none
    bool streaming = false;
};

// The first sample of a line of the input along x, of a group's first channel; null outside.
const float* line_of(const Layer& layer, const Unit& unit, const Axis& z, std::int64_t l, const Axis& y,
                     std::int64_t k);

// Splits sums into chains of so many products at most, if a channel of one row has fewer.
void set_chains(Products& p, std::int64_t most);

// Where vectors lie, in samples and in sums: of `rows` rows, one after the other. A flat line counts as one row.
struct Places {
    std::vector<std::int64_t> in;
    std::vector<std::int64_t> sums;
    std::int64_t per_row = 0;

    Places(std::int64_t rows, std::int64_t length, std::int64_t lanes, std::int64_t in_step, std::int64_t sums_step);
};

// Sums of channels and rows of one plane of results, of the part of a unit.
struct Sums {
    const float* data = nullptr;
    std::int64_t channel_step = 0;
    std::int64_t row_step = 0;
    std::int64_t channels = 0;
    std::int64_t rows = 0;
    std::int64_t length = 0;
    float* woven = nullptr;  // room for a row of neighbours, where there are any
};

// Where the first of them goes.
struct Place {
    std::int64_t image, group, channel;  // channels of a group count neighbours
    std::int64_t z, y, y_step, x;
};

void emit(const Layer& layer, const Place& at, const Sums& sums);

void run_winograd(const Layer& layer, Kind z, Kind y, const Exec& exec);

}  // namespace voxkern::conv3d

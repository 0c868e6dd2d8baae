// SPDX-License-Identifier: Apache-2.0
// What the direct and the Winograd run of a layer share.
#pragma once

#include <algorithm>
#include <vector>

#include "core/moments.hpp"
#include "core/view.hpp"
#include "core/workspace.hpp"
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
    ArrayView moments = {};
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
    Tally* tally = nullptr;  // of the first channel, where tallies are kept
};

// Where the first of them goes.
struct Place {
    std::int64_t image, group, channel;  // channels of a group count neighbours
    std::int64_t z, y, y_step, x;
};

void emit(const Layer& layer, const Place& at, const Sums& sums);

// The moments of all units, joined in their order: the same for any number of threads.
class UnitMoments {
  public:
    UnitMoments(const Layer& layer, const Cut& cut);

    std::int64_t tallies() const { return tallies_; }  // of a unit
    void set(std::int64_t unit, const Tally* tallies);
    void join() const;

  private:
    const Layer& layer_;
    const Cut& cut_;
    std::int64_t tallies_ = 0;  // none where nobody wants moments
    std::vector<Moments> parts_;
};

// Runs all units on threads. make(workspace, tallies) returns what runs the units of one item, in a workspace of so
// many bytes.
template <class Make>
void run_units(const Layer& layer, const Cut& cut, std::int64_t bytes, const Exec& exec, const Make& make) {
    UnitMoments moments(layer, cut);
    const std::int64_t count = moments.tallies();
    const std::int64_t items = (cut.units + cut.units_per_item - 1) / cut.units_per_item;
    parallel_for(items, limited_to_work(exec, cut.work / 16), [&](std::int64_t item) {
        Workspace workspace(bytes + Workspace::bytes_of<Tally>({count}));
        Tally* const tallies = count > 0 ? workspace.take<Tally>(count) : nullptr;
        auto run = make(workspace, tallies);
        const std::int64_t last = std::min((item + 1) * cut.units_per_item, cut.units);
        for (std::int64_t u = item * cut.units_per_item; u < last; ++u) {
            std::fill(tallies, tallies + count, Tally{});
            run.run(unit_at(layer.geometry, cut, u));
            if (count > 0) moments.set(u, tallies);
        }
        if (layer.streaming) layer.ops.fence();
    });
    moments.join();
}

void run_winograd(const Layer& layer, Kind z, Kind y, const Exec& exec);

}  // namespace voxkern::conv3d

// SPDX-License-Identifier: Apache-2.0
#include "kernels/morphology/morphology_plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/axes.hpp"

namespace voxkern::morphology {
namespace {

constexpr std::int64_t kSlack = 64;    // words that may be read behind the last
constexpr std::int64_t kPassCost = 3;  // of one more pass, in taps

// Samples first to last of a row of the structure, as steps from the centre.
using Run = std::pair<std::int64_t, std::int64_t>;

// Of each row of a structure, by the steps to it along each axis of the bits but the last: its samples, as steps.
using Rows = std::map<std::vector<std::int64_t>, std::vector<std::int64_t>>;

// The rows of a structure, without samples that lie outside for every sample of the array.
Rows rows_of(const std::int64_t* shape, const std::vector<int>& order, const Step& step, bool* outside) {
    const int rank = static_cast<int>(step.shape.size());
    Rows rows;
    for (std::size_t i = 0; i < step.structure.size(); ++i) {
        if (!step.structure[i]) continue;
        std::int64_t steps[kMaxRank];
        unravel(static_cast<std::int64_t>(i), rank, step.shape.data(), steps);
        bool away = false;
        for (int a = 0; a < rank; ++a) {
            steps[a] -= step.centre[static_cast<std::size_t>(a)];
            away = away || std::abs(steps[a]) >= shape[a];
        }
        if (away) {
            *outside = true;
            continue;
        }
        std::vector<std::int64_t> row;
        for (const int a : order) row.push_back(steps[a]);
        const std::int64_t sample = row.back();
        row.pop_back();
        rows[row].push_back(sample);
    }
    for (auto& row : rows) std::sort(row.second.begin(), row.second.end());
    return rows;
}

Layout layout_of(const std::int64_t* shape, const std::vector<int>& order, const std::vector<std::int64_t>& reach) {
    Layout layout;
    layout.rank = static_cast<int>(order.size());
    for (int a = 0; a < layout.rank; ++a) layout.shape[a] = shape[order[static_cast<std::size_t>(a)]];
    layout.words = (layout.width() + 63) / 64;
    const std::int64_t behind = (reach.back() + 63) / 64;
    std::int64_t size = layout.words + behind;
    layout.first = behind;
    for (int a = layout.rank - 2; a >= 0; --a) {
        layout.strides[a] = size;
        layout.first += reach[static_cast<std::size_t>(a)] * size;
        size *= layout.shape[a] + reach[static_cast<std::size_t>(a)];
    }
    layout.total = layout.first + size + kSlack;
    return layout;
}

std::int64_t words_to(const Layout& layout, const std::vector<std::int64_t>& steps) {
    std::int64_t offset = 0;
    for (std::size_t a = 0; a < steps.size(); ++a) offset += steps[a] * layout.strides[a];
    return offset;
}

Tap tap_at(Buffer from, std::int64_t offset, std::int64_t sample) {
    const std::int64_t shift = ((sample % 64) + 64) % 64;
    return {from, offset + (sample - shift) / 64, static_cast<int>(shift)};
}

Pass pass_of(Buffer to, std::vector<Tap> taps) {
    const auto unshifted = std::stable_partition(taps.begin(), taps.end(), [](const Tap& t) { return t.shift == 0; });
    const std::int64_t count = unshifted - taps.begin();
    return {to, std::move(taps), count};
}

// Every sample of the structure is a tap.
std::vector<Pass> direct_passes(const Layout& layout, const Rows& rows) {
    std::vector<Tap> taps;
    for (const auto& [steps, samples] : rows) {
        const std::int64_t offset = words_to(layout, steps);
        for (const std::int64_t sample : samples) taps.push_back(tap_at(Buffer::before, offset, sample));
    }
    return {pass_of(Buffer::after, std::move(taps))};
}

bool holds(const Run& outer, const Run& inner) {
    return outer.first <= inner.first && inner.second <= outer.second;
}

// Samples of the structure that lie side by side in a row are combined once for all rows that have the same ones.
std::vector<Pass> run_passes(const Layout& layout, const Rows& rows) {
    std::map<Run, std::vector<std::int64_t>> offsets_of;
    std::vector<Tap> singles;
    for (const auto& [steps, samples] : rows) {
        const std::int64_t offset = words_to(layout, steps);
        for (std::size_t i = 0; i < samples.size();) {
            std::size_t last = i;
            while (last + 1 < samples.size() && samples[last + 1] == samples[last] + 1) ++last;
            if (last == i) {
                singles.push_back(tap_at(Buffer::before, offset, samples[i]));
            } else {
                offsets_of[{samples[i], samples[last]}].push_back(offset);
            }
            i = last + 1;
        }
    }
    std::vector<Run> runs;
    for (const auto& entry : offsets_of) runs.push_back(entry.first);
    std::stable_sort(runs.begin(), runs.end(),
                     [](const Run& a, const Run& b) { return a.second - a.first < b.second - b.first; });

    std::vector<Pass> passes;
    if (!singles.empty()) passes.push_back(pass_of(Buffer::after, singles));
    for (std::size_t k = 0; k < runs.size(); ++k) {
        const Run& run = runs[k];
        const bool grows = k > 0 && holds(run, runs[k - 1]);
        std::vector<Tap> taps;
        if (grows) taps.push_back({Buffer::runs, 0, 0});
        for (std::int64_t sample = run.first; sample <= run.second; ++sample) {
            const bool there = grows && runs[k - 1].first <= sample && sample <= runs[k - 1].second;
            if (!there) taps.push_back(tap_at(Buffer::before, 0, sample));
        }
        const bool more = !passes.empty();
        passes.push_back(pass_of(Buffer::runs, std::move(taps)));
        taps.clear();
        if (more) taps.push_back({Buffer::after, 0, 0});
        for (const std::int64_t offset : offsets_of[run]) taps.push_back({Buffer::runs, offset, 0});
        passes.push_back(pass_of(Buffer::after, std::move(taps)));
    }
    return passes;
}

std::int64_t cost(const std::vector<Pass>& passes) {
    std::int64_t taps = 0;
    for (const Pass& pass : passes) taps += static_cast<std::int64_t>(pass.taps.size()) + kPassCost;
    return taps;
}

}  // namespace

std::int64_t Layout::word_of_strip(std::int64_t strip) const {
    std::int64_t index[kMaxRank];
    unravel(strip, rank - 2, shape, index);
    std::int64_t word = first;
    for (int a = 0; a < rank - 2; ++a) word += index[a] * strides[a];
    return word;
}

std::vector<int> order_of(const ArrayView& out) {
    std::vector<int> order;
    for (const int a : slowest_first(out.rank, out.strides)) {
        if (out.shape[a] != 1) order.push_back(a);
    }
    if (order.empty()) order.push_back(0);
    return order;
}

Plan plan_of(const std::int64_t* shape, const std::vector<int>& order, const std::vector<Step>& steps) {
    Plan plan;
    std::vector<Rows> structures;
    std::vector<std::int64_t> reach(order.size(), 0);
    for (const Step& step : steps) {
        PlannedStep planned;
        planned.any = step.any;
        planned.border = step.border;
        planned.iterations = step.iterations;
        bool outside = false;
        structures.push_back(rows_of(shape, order, step, &outside));
        planned.outside_decides = outside && step.border == step.any;
        for (const auto& [away, samples] : structures.back()) {
            for (std::size_t a = 0; a < away.size(); ++a) reach[a] = std::max(reach[a], std::abs(away[a]));
            reach.back() = std::max({reach.back(), -samples.front(), samples.back()});
            const bool same_row = std::count(away.begin(), away.end(), 0) == static_cast<std::ptrdiff_t>(away.size());
            planned.settles = planned.settles || (same_row && std::count(samples.begin(), samples.end(), 0) > 0);
        }
        plan.steps.push_back(planned);
    }
    plan.layout = layout_of(shape, order, reach);
    for (std::size_t s = 0; s < plan.steps.size(); ++s) {
        std::vector<Pass> direct = direct_passes(plan.layout, structures[s]);
        std::vector<Pass> runs = run_passes(plan.layout, structures[s]);
        const bool fewer = !runs.empty() && cost(runs) < cost(direct);
        plan.steps[s].passes = fewer ? std::move(runs) : std::move(direct);
    }
    return plan;
}

}  // namespace voxkern::morphology

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>

#include "kernels/extrema1d/extrema1d_plan.hpp"

namespace voxkern::extrema1d {
namespace {

constexpr std::size_t kMostLengths = 8;  // more are made of two runs, each a power of two long
constexpr std::int64_t kLargestRatio = 4;
constexpr std::int64_t kInterleaved = 8;

struct Segment {
    std::vector<std::int64_t> far;
    std::int64_t z, y, x, length;
    std::size_t place;  // of its first sample in the footprint
};

// Axes of an array, the slowest first; those of one sample before all others.
std::vector<int> order_of(const ArrayView& out) {
    std::vector<int> order = slowest_first(out.rank, out.strides);
    std::stable_partition(order.begin(), order.end(), [&](int a) { return out.shape[a] == 1; });
    return order;
}

// What is set, by runs along the last of `axes`, of one sample each where they have heights. The axes start with the
// far ones and are all that windows run along.
std::vector<Segment> segments_of(const Footprint& footprint, const std::vector<int>& axes, std::size_t far) {
    std::vector<std::int64_t> strides(footprint.windows.size(), 1);
    for (std::size_t a = strides.size() - 1; a-- > 0;) strides[a] = strides[a + 1] * footprint.windows[a + 1].size;
    std::vector<std::int64_t> shape;
    for (const int a : axes) shape.push_back(footprint.windows[static_cast<std::size_t>(a)].size);
    const std::int64_t along = shape.back();
    const std::int64_t step = strides[static_cast<std::size_t>(axes.back())];
    const auto rank = axes.size();
    const auto rows = static_cast<std::int64_t>(footprint.set.size()) / along;
    std::vector<Segment> segments;
    std::vector<std::int64_t> at(rank, 0);
    for (std::int64_t row = 0; row < rows; ++row) {
        unravel(row, static_cast<int>(rank) - 1, shape.data(), at.data());
        std::int64_t first = 0;
        for (std::size_t a = 0; a + 1 < rank; ++a) first += at[a] * strides[static_cast<std::size_t>(axes[a])];
        const auto set = [&](std::int64_t i) {
            return i < along && footprint.set[static_cast<std::size_t>(first + i * step)] != 0;
        };
        const std::int64_t y = rank > far + 1 ? at[rank - 2] : 0;
        const std::int64_t z = rank > far + 2 ? at[rank - 3] : 0;
        for (std::int64_t i = 0; i < along; ++i) {
            if (!set(i)) continue;
            std::int64_t end = i + 1;
            while (footprint.heights.empty() && set(end)) ++end;
            segments.push_back({{at.begin(), at.begin() + static_cast<std::ptrdiff_t>(far)},
                                z,
                                y,
                                i,
                                end - i,
                                static_cast<std::size_t>(first + i * step)});
            i = end - 1;
        }
    }
    return segments;
}

std::int64_t largest_power(std::int64_t length) {
    std::int64_t power = 1;
    while (2 * power <= length) power *= 2;
    return power;
}

// Lengths of the runs that are tabled, each made from the one before.
std::vector<std::int64_t> lengths_of(const std::vector<Segment>& segments) {
    std::vector<std::int64_t> lengths = {1};
    for (const Segment& s : segments) lengths.push_back(s.length);
    std::sort(lengths.begin(), lengths.end());
    lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
    if (lengths.size() > kMostLengths) {
        const std::int64_t longest = lengths.back();
        lengths.clear();
        for (std::int64_t length = 1; length <= longest; length *= 2) lengths.push_back(length);
    }
    std::vector<std::int64_t> all = {1};
    for (const std::int64_t length : lengths) {
        while (length > kLargestRatio * all.back()) all.push_back(kLargestRatio * all.back());
        if (length > all.back()) all.push_back(length);
    }
    return all;
}

// The heights of the runs. The last run is made the first sample in the order of the footprint, whatever the order of
// the axes in memory: its sum is another than the others'.
void add_heights(const Footprint& footprint, const std::vector<Segment>& segments, FootprintPlan& plan) {
    for (const Segment& s : segments) plan.heights.push_back(footprint.heights[s.place]);
    std::reverse(plan.heights.begin(), plan.heights.end());
    const auto earlier = [](const Segment& a, const Segment& b) { return a.place < b.place; };
    const auto first = std::min_element(segments.begin(), segments.end(), earlier) - segments.begin();
    const std::size_t run = segments.size() - 1 - static_cast<std::size_t>(first);
    std::swap(plan.runs[run], plan.runs.back());
    std::swap(plan.heights[run], plan.heights.back());
}

}  // namespace

FootprintPlan footprint_plan(const ConstArrayView& in, const ArrayView& out, const Footprint& footprint) {
    FootprintPlan plan;
    std::vector<int> order = order_of(out);
    const auto window = [&](int a) -> const Window& { return footprint.windows[static_cast<std::size_t>(a)]; };
    const auto walk = [&](int a) { plan.outer.push(in.shape[a], {in.strides[a], out.strides[a]}); };
    // Channels that lie interleaved are no line of their own.
    std::int64_t channels = 1;
    if (order.size() > 1) {
        const int last = order.back();
        const int next = order[order.size() - 2];
        const std::int64_t n = in.shape[last];
        const bool flush = in.strides[last] == 1 && out.strides[last] == 1 && in.strides[next] == n;
        if (window(last).size == 1 && n <= kInterleaved && flush && out.strides[next] == n) channels = n;
        if (channels > 1) order.pop_back();
    }
    const auto rank = static_cast<int>(order.size());
    const int inner = std::min(rank, 3);
    std::vector<int> used;
    for (int k = 0; k < rank - inner; ++k) {
        const int a = order[static_cast<std::size_t>(k)];
        if (window(a).size == 1) {
            walk(a);
        } else {
            used.push_back(a);
            plan.far.push_back(line_of(in, out, window(a)));
        }
    }
    plan.outer.merge();
    used.insert(used.end(), order.end() - inner, order.end());
    plan.x = line_of(in, out, window(order.back()));
    if (inner > 1) plan.y = line_of(in, out, window(order[order.size() - 2]));
    if (inner > 2) plan.z = line_of(in, out, window(order[order.size() - 3]));
    if (channels > 1) {
        plan.width = channels;
        plan.x.in_stride = plan.x.out_stride = 1;
    }

    const std::vector<Segment> segments = segments_of(footprint, used, plan.far.size());
    plan.lengths = lengths_of(segments);
    for (const Segment& s : segments) {
        auto slab = std::find(plan.slabs.begin(), plan.slabs.end(), s.far);
        if (slab == plan.slabs.end()) slab = plan.slabs.insert(slab, s.far);
        const auto place = static_cast<std::size_t>(slab - plan.slabs.begin());
        const auto table = std::find(plan.lengths.begin(), plan.lengths.end(), s.length);
        if (table != plan.lengths.end()) {
            plan.runs.push_back({place, s.z, s.y, s.x, static_cast<std::size_t>(table - plan.lengths.begin())});
            continue;
        }
        const std::int64_t power = largest_power(s.length);
        const auto half = std::find(plan.lengths.begin(), plan.lengths.end(), power) - plan.lengths.begin();
        for (const std::int64_t x : {s.x, s.x + s.length - power}) {
            plan.runs.push_back({place, s.z, s.y, x, static_cast<std::size_t>(half)});
        }
    }
    std::reverse(plan.runs.begin(), plan.runs.end());
    if (!footprint.heights.empty()) add_heights(footprint, segments, plan);
    return plan;
}

}  // namespace voxkern::extrema1d

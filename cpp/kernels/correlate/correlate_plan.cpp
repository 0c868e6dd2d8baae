// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate/correlate_plan.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "core/axes.hpp"

namespace voxkern::correlate {
namespace {

constexpr std::int64_t kTileBytes = std::int64_t{384} << 10;  // a part of L2
constexpr std::int64_t kShortAxis = 64;                       // of channels that become parts of a sample
constexpr std::int64_t kRuns = 48;                            // enough for the threads there may be
constexpr std::int64_t kLongestRun = 8;

void cut(Axis& axis, std::int64_t block, std::int64_t least) {
    axis.tiles = (axis.extent + block - 1) / block;
    if (axis.extent / axis.tiles < least) axis.tiles = std::max<std::int64_t>(axis.extent / least, 1);
    axis.block = (axis.extent + axis.tiles - 1) / axis.tiles;
}

}  // namespace

std::vector<Axis> axes_of(const ConstArrayView& in, const ArrayView& out, const Filter& filter, Edges edges,
                          bool free_order) {
    std::vector<std::int64_t> weight_strides(static_cast<std::size_t>(in.rank));
    std::int64_t stride = 1;
    for (int a = in.rank - 1; a >= 0; --a) {
        weight_strides[static_cast<std::size_t>(a)] = stride;
        stride *= filter.shape[static_cast<std::size_t>(a)];
    }
    std::vector<int> order(static_cast<std::size_t>(in.rank));
    for (int a = 0; a < in.rank; ++a) order[static_cast<std::size_t>(a)] = a;
    if (free_order) order = slowest_first(out.rank, out.strides);
    std::vector<Axis> axes;
    for (const int a : order) {
        const auto k = static_cast<std::size_t>(a);
        Axis axis;
        axis.number = a;
        axis.extent = out.shape[a];
        axis.in_stride = in.strides[a];
        axis.out_stride = out.strides[a];
        axis.taps = filter.shape[k];
        axis.before = edges == Edges::padded ? 0 : axis.taps / 2 + filter.origins[k];
        axis.weight_stride = weight_strides[k];
        if (axis.extent == 1 && axis.taps == 1) continue;
        const bool flush = !axes.empty() && axes.back().in_stride == axis.extent * axis.in_stride &&
                           axes.back().out_stride == axis.extent * axis.out_stride;
        if (flush && axis.taps == 1 && axes.back().taps == 1) {
            axis.extent *= axes.back().extent;
            axes.back() = axis;
        } else {
            axes.push_back(axis);
        }
    }
    return axes;
}

void extend(Axis& axis, Boundary mode, Edges edges) {
    for (std::int64_t i = -axis.ahead(); i < 0; ++i) axis.extension.push_back(fold_index(i, axis.extent, mode));
    for (std::int64_t i = 0; i < axis.behind(); ++i) {
        const std::int64_t at = axis.extent + i;
        axis.extension.push_back(edges == Edges::padded ? at : fold_index(at, axis.extent, mode));
    }
}

AxisTask task_of(const Axis& axis) {
    AxisTask task;
    task.extent = axis.extent;
    task.in_stride = axis.in_stride;
    task.out_stride = axis.out_stride;
    task.taps = axis.taps;
    task.before = axis.before;
    task.ahead = axis.ahead();
    task.tiles = axis.tiles;
    task.extension = axis.extension.data();
    return task;
}

double unit_of(const Filter& filter) {
    double unit = 1.0;
    for (const double w : filter.weights) {
        if (is_zero(w)) continue;
        while (w * unit != std::trunc(w * unit) && unit < 4096.0) unit *= 2.0;
        if (w * unit != std::trunc(w * unit)) return 0.0;
    }
    const bool whole = !is_constant(filter.mode) || filter.cval == std::trunc(filter.cval);
    return whole ? unit : 0.0;
}

// Integers, or integers over a small power of two, add up exactly while all sums stay below 2^24 of their unit.
Arithmetic arithmetic_of(DType in, DType out, const Filter& filter) {
    if (in == DType::f32 && out == DType::f32) return Arithmetic::f32;
    const double unit = narrow_integer(in) ? unit_of(filter) : 0.0;
    if (unit == 0.0) return Arithmetic::f64;
    double sum = 0.0;
    for (const double w : filter.weights) sum += is_zero(w) ? 0.0 : std::abs(w);
    const double largest = std::max(largest_of(in), is_constant(filter.mode) ? std::abs(filter.cval) : 0.0);
    return sum * unit * largest <= 16777216.0 ? Arithmetic::f32_exact : Arithmetic::f64;
}

bool any_order(DType out, Arithmetic arithmetic) {
    return is_float(out) || arithmetic != Arithmetic::f64;
}

std::int64_t work_of(const ConstArrayView& in, const Filter& filter) {
    return in.size() * (1 + static_cast<std::int64_t>(filter.weights.size()) / 16);
}

template <class C>
Plan<C>::Plan(const ConstArrayView& in, const ArrayView& out, const Filter& filter, Arithmetic arithmetic, Edges edges)
    : weights(filter.weights.begin(), filter.weights.end()) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (is_zero(filter.weights[i])) weights[i] = C{0};
    }
    take_axes(axes_of(in, out, filter, edges, any_order(out.dtype, arithmetic)));
    choose_tiles();
    for (Axis& axis : outer) extend(axis, filter.mode, edges);
    extend(row, filter.mode, edges);
    // Long chains of additions round like their length; the sums of parts as long as there are parts round least.
    const auto even = static_cast<std::int64_t>(std::sqrt(static_cast<double>(weights.size())));
    add_steps(arithmetic == Arithmetic::f32 ? std::max(even, kShortestPart) : std::numeric_limits<std::int64_t>::max());
}

template <class C>
void Plan<C>::take_axes(std::vector<Axis> axes) {
    outer = std::move(axes);
    if (outer.empty()) outer.emplace_back();
    row = outer.back();
    outer.pop_back();
    if (row.taps == 1 && row.extent < kShortAxis && !outer.empty() &&
        outer.back().in_stride == row.extent * row.in_stride &&
        outer.back().out_stride == row.extent * row.out_stride) {
        width = row.extent;
        const Axis channels = row;
        row = outer.back();
        outer.pop_back();
        row.in_stride = channels.in_stride;
        row.out_stride = channels.out_stride;
    }
    if (outer.empty()) outer.emplace_back();
    // Rows side by side lie along the last axis with taps: those behind it have none, so the order of taps stays.
    auto beside = std::find_if(outer.rbegin(), outer.rend(), [](const Axis& axis) { return axis.taps > 1; });
    if (beside == outer.rend()) {
        beside = std::max_element(outer.rbegin(), outer.rend(),
                                  [](const Axis& a, const Axis& b) { return a.extent < b.extent; });
    }
    std::rotate(beside.base() - 1, beside.base(), outer.end());
    rows = outer.back().extent >= kRows ? kRows : 1;
}

template <class C>
void Plan<C>::choose_tiles() {
    struct Shape {
        std::int64_t row, rows, other;
    };
    static constexpr Shape kShapes[] = {{4096, 24, 8}, {1024, 24, 8}, {512, 24, 8}, {512, 24, 4}, {256, 24, 4},
                                        {256, 18, 4},  {256, 12, 4},  {128, 12, 4}, {128, 12, 2}, {64, 6, 1}};
    // Rows are loaded across an axis a cache line at a time.
    static constexpr Shape kAcross[] = {{512, 12, 16}, {256, 12, 16}, {128, 12, 16}, {64, 12, 16}, {64, 6, 16}};
    for (std::size_t a = 0; a < outer.size() && width == 1 && row.in_stride != 1; ++a) {
        if (outer[a].in_stride == 1 && (outer[a].taps > 1 || a + 1 == outer.size())) across = static_cast<int>(a);
    }
    std::vector<Shape> shapes(std::begin(kShapes), std::end(kShapes));
    if (across >= 0) shapes.assign(std::begin(kAcross), std::end(kAcross));
    for (const Shape& shape : shapes) {
        cut(row, std::max<std::int64_t>(shape.row / width, 1), 1);
        for (Axis& axis : outer) cut(axis, axis.taps > 1 ? shape.other : 1, 1);
        cut(outer.back(), shape.rows, rows);
        const std::int64_t slack = std::max<std::int64_t>(kLongestBlock - row.block * width, 0);
        // An odd number of cache lines: rows side by side then lie in different sets of L1.
        const std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(C));
        pitch = ((row.padded() * width + slack + line - 1) / line | 1) * line;
        if (tile_rows() * pitch * static_cast<std::int64_t>(sizeof(C)) <= kTileBytes) break;
    }
    while (slid + 1 < static_cast<int>(outer.size()) && outer[static_cast<std::size_t>(slid)].taps == 1) ++slid;
    std::int64_t tiles = row.tiles;
    for (const Axis& axis : outer) tiles *= axis.tiles;
    run_tiles = std::clamp<std::int64_t>(tiles / kRuns, 1, kLongestRun);
}

// For each result row the taps come in the order of the weights: rows of a tile from the first to the last, and along
// each of them.
template <class C>
void Plan<C>::add_steps(std::int64_t longest_part) {
    const Axis& beside = outer.back();
    Axes<2> taps;  // of the other axes: offsets of weights and of samples
    std::int64_t stride = pitch * beside.padded();
    std::vector<std::int64_t> strides(outer.size());
    for (std::size_t a = outer.size() - 1; a-- > 0;) {
        strides[a] = stride;
        stride *= outer[a].padded();
    }
    for (std::size_t a = 0; a + 1 < outer.size(); ++a) taps.push(outer[a].taps, {outer[a].weight_stride, strides[a]});

    std::vector<std::int64_t> added(static_cast<std::size_t>(rows));  // taps of each row in this part
    for (std::int64_t t = 0; t < taps.size(); ++t) {
        const auto [weight, sample] = taps.at(t);
        for (std::int64_t y = 0; y < rows + beside.taps - 1; ++y) {
            const auto used = [&, first = weight](std::int64_t r, std::int64_t x) {  // C++17: no binding by reference
                const std::int64_t tap = y - r;
                if (tap < 0 || tap >= beside.taps) return false;
                const std::int64_t at = first + tap * beside.weight_stride + x * row.weight_stride;
                return weights[static_cast<std::size_t>(at)] != C{0};
            };
            for (std::int64_t x = 0; x < row.taps; ++x) {
                const auto same = [&](std::int64_t other) {
                    for (std::int64_t r = 0; r < rows; ++r) {
                        if (used(r, x) != used(r, other)) return false;
                    }
                    return true;
                };
                std::int64_t end = x + 1;
                while (end < row.taps && same(end)) ++end;
                for (std::int64_t r = 0; r < rows; ++r) {
                    if (!used(r, x)) continue;
                    Step step;
                    step.offset = sample + y * pitch + x * width;
                    step.weight = weight + (y - r) * beside.weight_stride + x * row.weight_stride;
                    step.count = static_cast<std::int32_t>(end - x);
                    step.first = static_cast<std::int16_t>(r);
                    for (; r < rows && used(r, x); ++r) added[static_cast<std::size_t>(r)] += end - x;
                    step.last = static_cast<std::int16_t>(r);
                    steps.push_back(step);
                }
                x = end - 1;
            }
            if (*std::max_element(added.begin(), added.end()) >= longest_part) {
                parts.push_back(static_cast<std::int64_t>(steps.size()));
                std::fill(added.begin(), added.end(), 0);
            }
        }
    }
    const auto end = static_cast<std::int64_t>(steps.size());
    if (parts.empty() || parts.back() != end) parts.push_back(end);
}

template <class C>
std::int64_t Plan<C>::runs() const {
    std::int64_t n = row.tiles;
    for (std::size_t a = 0; a < outer.size(); ++a) {
        n *= static_cast<int>(a) == slid ? (outer[a].tiles + run_tiles - 1) / run_tiles : outer[a].tiles;
    }
    return n;
}

template <class C>
std::int64_t Plan<C>::tile_rows() const {
    std::int64_t n = 1;
    for (const Axis& axis : outer) n *= axis.padded();
    return n;
}

template <class C>
std::int64_t Plan<C>::result_size() const {
    const std::int64_t loaded = across < 0 ? 0 : outer[static_cast<std::size_t>(across)].padded();
    return std::max(rows, loaded) * kLongestBlock;
}

template <class C>
Task<C> Plan<C>::task(const ConstArrayView& in, const ArrayView& out, C cval) const {
    Task<C> task;
    task.in = static_cast<const char*>(in.data);
    task.out = static_cast<char*>(out.data);
    task.in_dtype = in.dtype;
    task.out_dtype = out.dtype;
    task.in_itemsize = size_of(in.dtype);
    task.out_itemsize = size_of(out.dtype);
    task.n_outer = static_cast<int>(outer.size());
    task.slid = slid;
    task.run_tiles = run_tiles;
    task.across = across;
    std::int64_t stride = pitch;
    for (std::size_t a = outer.size(); a-- > 0;) {
        task.outer[a] = task_of(outer[a]);
        task.outer[a].tile_stride = stride;
        stride *= outer[a].padded();
    }
    task.row = task_of(row);
    task.in_step = row.in_stride;
    task.out_step = row.out_stride;
    task.width = width;
    task.rows = rows;
    task.pitch = pitch;
    task.weight_step = row.weight_stride;
    task.weight_row = outer.back().weight_stride;
    task.weights = weights.data();
    task.steps = steps.data();
    task.parts = parts.data();
    task.n_parts = static_cast<std::int64_t>(parts.size());
    task.cval = cval;
    return task;
}

template struct Plan<float>;
template struct Plan<double>;

}  // namespace voxkern::correlate

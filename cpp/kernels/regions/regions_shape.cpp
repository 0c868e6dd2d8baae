// SPDX-License-Identifier: Apache-2.0
// What a surface and a diameter are made of: pairs of unlike neighbours, and corners of convex hulls.
#include <cmath>
#include <numeric>

#include "kernels/regions/regions_run.hpp"

namespace voxkern::regions {

std::array<std::array<int, 3>, kDirections> directions() {
    std::array<std::array<int, 3>, kDirections> found = {};
    std::size_t count = 0;
    for (int code = 14; code < 27; ++code) found[count++] = {code / 9 - 1, code / 3 % 3 - 1, code % 3 - 1};
    return found;
}

namespace {

// A slice across the slowest axis, with a rim around it.
struct Slice {
    std::vector<std::int32_t> ids;    // the row of each label in the table, or -1
    std::vector<std::uint8_t> empty;  // 1 for a row of the slice with nothing but -1
};

class Slices {
  public:
    Slices(const ConstArrayView& labels, const Names& names) : labels_(labels), names_(names) {
        const std::int64_t step = size_of(labels.dtype);
        std::int64_t reach[3];
        for (int a = 0; a < 3; ++a) reach[a] = std::abs(labels.strides[a]) * step;
        order_ = slowest_first(3, reach);
        is_unsigned_ = labels.dtype == DType::u64;
    }

    std::int64_t extent(int a) const { return labels_.shape[order_[static_cast<std::size_t>(a)]]; }
    int axis(int a) const { return order_[static_cast<std::size_t>(a)]; }
    std::int64_t width() const { return extent(2) + 2; }
    std::int64_t size() const { return (extent(1) + 2) * width(); }

    // Outside of the array all is -1.
    void read(std::int64_t number, Slice& slice) const {
        slice.ids.assign(static_cast<std::size_t>(size()), -1);
        slice.empty.assign(static_cast<std::size_t>(extent(1) + 2), 1);
        if (number < 0 || number >= extent(0)) return;
        Buffers buffers;
        const std::int64_t stride = labels_.strides[axis(2)];
        for (std::int64_t y = 0; y < extent(1); ++y) {
            std::int32_t* const row = slice.ids.data() + (y + 1) * width() + 1;
            const std::int64_t start = number * labels_.strides[axis(0)] + y * labels_.strides[axis(1)];
            for (std::int64_t x = 0; x < extent(2); x += kSegment) {
                const std::int64_t n = std::min(kSegment, extent(2) - x);
                const std::int64_t runs = active_ops().changes(labels_.dtype, labels_.at(start + x * stride), stride, n,
                                                               buffers.scratch, buffers.begins, buffers.names);
                for (std::int64_t r = 0; r < runs; ++r) {
                    std::int64_t id;
                    if (!names_.find(buffers.names[r], is_unsigned_, id)) continue;
                    std::fill(row + x + buffers.begins[r], row + x + buffers.begins[r + 1],
                              static_cast<std::int32_t>(id));
                    slice.empty[static_cast<std::size_t>(y + 1)] = 0;
                }
            }
        }
    }

  private:
    const ConstArrayView& labels_;
    const Names& names_;
    std::vector<int> order_;
    bool is_unsigned_ = false;
};

// The number of a direction of the walk among those of the array.
int number_of(const std::array<int, 3>& walked, const Slices& slices) {
    std::array<int, 3> step = {};
    for (int a = 0; a < 3; ++a) step[static_cast<std::size_t>(slices.axis(a))] = walked[static_cast<std::size_t>(a)];
    const int code = step[0] * 9 + step[1] * 3 + step[2];  // 1 to 13, or the opposite
    return std::abs(code) - 1;
}

struct Crossings {
    std::vector<std::int64_t> keys;  // row * kDirections + direction
    std::vector<std::int64_t> counts;
};

// Pairs of one direction from one slice to another, or within it.
template <class Add>
void cross(const Slices& slices, const Slice& from, const Slice& to, int dy, int dx, std::vector<std::uint64_t>& words,
           const Add& add) {
    const std::int64_t width = slices.width();
    const std::int64_t left = dx < 0 ? 1 : 0;
    const std::int64_t n = width - std::abs(dx);
    const std::int64_t rows = slices.extent(1) + 2;
    for (std::int64_t y = std::max(0, -dy); y < rows - std::max(0, dy); ++y) {
        if (from.empty[static_cast<std::size_t>(y)] && to.empty[static_cast<std::size_t>(y + dy)]) continue;
        const std::int32_t* const a = from.ids.data() + y * width + left;
        const std::int32_t* const b = to.ids.data() + (y + dy) * width + left + dx;
        active_ops().differ(a, b, n, words.data());
        for (std::int64_t w = 0; 64 * w < n; ++w) {
            for (std::uint64_t word = words[static_cast<std::size_t>(w)]; word != 0; word &= word - 1) {
                const std::int64_t i = 64 * w + __builtin_ctzll(word);
                if (a[i] >= 0) add(a[i]);
                if (b[i] >= 0) add(b[i]);
            }
        }
    }
}

constexpr std::int64_t kSlices = 8;  // that one thread takes at a time

// Pairs within slices from `first` on, and from each of them to the next; slice -1 is the rim before all.
Crossings crossings_of(const Slices& slices, const Names& names, std::int64_t first) {
    Slots slots(std::max<std::int64_t>(names.count(), 1) * kDirections);
    Crossings found;
    std::vector<std::uint64_t> words(static_cast<std::size_t>(slices.width() / 64 + 1));
    Slice here;
    Slice next;
    slices.read(first, next);
    for (std::int64_t slice = first; slice < std::min(first + kSlices, slices.extent(0)); ++slice) {
        std::swap(here, next);
        slices.read(slice + 1, next);
        for (const std::array<int, 3>& step : directions()) {
            const int number = number_of(step, slices);
            const auto add = [&](std::int64_t row) {
                const auto slot = static_cast<std::size_t>(slots.of(row * kDirections + number));
                if (slot == found.counts.size()) found.counts.push_back(0);
                ++found.counts[slot];
            };
            cross(slices, here, step[0] == 0 ? here : next, step[1], step[2], words, add);
        }
    }
    found.keys = std::move(slots).keys();
    return found;
}

struct Point {
    std::int64_t row;
    std::int64_t at[3];  // along the axes of the walk
};

// Keeps the corners of the convex hull of points that lie in one plane across axis `across`, sorted along the two
// others, the slower one first. All arithmetic is of whole numbers. `corners` grows.
void add_corners(const Point* points, std::size_t count, int across, std::vector<Point>& corners) {
    const int u = across == 0 ? 1 : 0;
    const int v = across == 2 ? 1 : 2;
    if (count <= 2) {
        corners.insert(corners.end(), points, points + count);
        return;
    }
    const auto turn = [&](const Point& a, const Point& b, const Point& c) {
        return (b.at[u] - a.at[u]) * (c.at[v] - a.at[v]) - (b.at[v] - a.at[v]) * (c.at[u] - a.at[u]);
    };
    const std::size_t base = corners.size();
    const auto push = [&](const Point& p, std::size_t least) {
        while (corners.size() >= least + 2 && turn(corners[corners.size() - 2], corners.back(), p) <= 0) {
            corners.pop_back();
        }
        corners.push_back(p);
    };
    for (std::size_t i = 0; i < count; ++i) push(points[i], base);
    const std::size_t upper = corners.size() - 1;  // the last point starts the way back
    for (std::size_t i = count - 1; i-- > 0;) push(points[i], upper);
    corners.pop_back();  // the first point again
}

// Keeps points that are corners of the hull of their plane across an axis, for each plane.
std::vector<Point> corners_across(std::vector<Point> points, int across) {
    const int u = across == 0 ? 1 : 0;
    const int v = across == 2 ? 1 : 2;
    std::sort(points.begin(), points.end(), [&](const Point& a, const Point& b) {
        if (a.row != b.row) return a.row < b.row;
        if (a.at[across] != b.at[across]) return a.at[across] < b.at[across];
        return a.at[u] != b.at[u] ? a.at[u] < b.at[u] : a.at[v] < b.at[v];
    });
    std::vector<Point> corners;
    for (std::size_t begin = 0; begin < points.size();) {
        std::size_t end = begin + 1;
        while (end < points.size() && points[end].row == points[begin].row &&
               points[end].at[across] == points[begin].at[across]) {
            ++end;
        }
        add_corners(points.data() + begin, end - begin, across, corners);
        begin = end;
    }
    return corners;
}

// The corners of each label's hull in a slice.
std::vector<Point> corners_of_slice(const Slices& slices, std::int64_t slice) {
    Slice here;
    slices.read(slice, here);
    std::vector<Point> ends;
    for (std::int64_t y = 0; y < slices.extent(1); ++y) {
        if (here.empty[static_cast<std::size_t>(y + 1)]) continue;
        const std::int32_t* const row = here.ids.data() + (y + 1) * slices.width() + 1;
        for (std::int64_t x = 0; x < slices.extent(2);) {
            std::int64_t last = x;
            while (last + 1 < slices.extent(2) && row[last + 1] == row[x]) ++last;
            if (row[x] >= 0) {
                ends.push_back({row[x], {slice, y, x}});
                if (last > x) ends.push_back({row[x], {slice, y, last}});
            }
            x = last + 1;
        }
    }
    return corners_across(std::move(ends), 0);
}

// The largest distance between two of the points, which lie at `mm`. Those far from the middle come first: no pair of
// the rest can be longer than the sum of their distances from it.
double diameter_of(const std::vector<std::array<double, 3>>& mm) {
    std::array<double, 3> middle = {};
    for (const auto& p : mm) {
        for (std::size_t a = 0; a < 3; ++a) middle[a] += p[a] / static_cast<double>(mm.size());
    }
    const auto squared = [](const std::array<double, 3>& p, const std::array<double, 3>& q) {
        const double d[] = {p[0] - q[0], p[1] - q[1], p[2] - q[2]};
        return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    };
    std::vector<double> radius(mm.size());
    for (std::size_t i = 0; i < mm.size(); ++i) radius[i] = std::sqrt(squared(mm[i], middle));
    std::vector<std::size_t> order(mm.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t k) { return radius[i] > radius[k]; });
    double best = 0.0;
    double reach = 0.0;  // a little less than its root, so that no rounding hides a pair
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (radius[order[i]] + radius[order[0]] < reach) break;
        for (std::size_t k = 0; k < i; ++k) {
            if (radius[order[i]] + radius[order[k]] < reach) break;
            const double length = squared(mm[order[i]], mm[order[k]]);
            if (length > best) {
                best = length;
                reach = std::sqrt(best) * (1.0 - 1e-12);
            }
        }
    }
    return std::sqrt(best);
}

}  // namespace
}  // namespace voxkern::regions

namespace voxkern {

std::vector<std::int64_t> cpu::region_crossings(const ConstArrayView& labels, const regions::Names& names,
                                                const Exec& exec) {
    using namespace voxkern::regions;
    std::vector<std::int64_t> table(static_cast<std::size_t>(names.count() * kDirections));
    if (labels.size() == 0) return table;
    const Slices slices(labels, names);
    make_and_join((slices.extent(0) + 1 + kSlices - 1) / kSlices, limited_to_work(exec, 8 * labels.size()),
                  [&](std::int64_t k) { return crossings_of(slices, names, k * kSlices - 1); },
                  [&](const Crossings& part) {
                      for (std::size_t k = 0; k < part.keys.size(); ++k) {
                          table[static_cast<std::size_t>(part.keys[k])] += part.counts[k];
                      }
                  });
    return table;
}

std::vector<double> cpu::region_diameters(const ConstArrayView& labels, const regions::Names& names,
                                          const std::array<double, 9>& matrix, const Exec& exec) {
    using namespace voxkern::regions;
    std::vector<double> found(static_cast<std::size_t>(names.count()), -1.0);
    if (labels.size() == 0) return found;
    const Slices slices(labels, names);
    std::vector<Point> points;
    make_and_join(
        slices.extent(0), limited_to_work(exec, 2 * labels.size()),
        [&](std::int64_t slice) { return corners_of_slice(slices, slice); },
        [&](const std::vector<Point>& part) { points.insert(points.end(), part.begin(), part.end()); });
    points = corners_across(corners_across(std::move(points), 1), 2);
    std::vector<std::size_t> begins;  // of the rows, the end of all behind
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (i == 0 || points[i].row != points[i - 1].row) begins.push_back(i);
    }
    begins.push_back(points.size());
    const auto rows = static_cast<std::int64_t>(begins.size()) - 1;
    constexpr std::int64_t kRows = 16;
    parallel_for((rows + kRows - 1) / kRows, limited_to_work(exec, 256 * static_cast<std::int64_t>(points.size())),
                 [&](std::int64_t part) {
                     for (std::int64_t k = part * kRows; k < std::min(rows, (part + 1) * kRows); ++k) {
                         const std::size_t begin = begins[static_cast<std::size_t>(k)];
                         std::vector<std::array<double, 3>> mm(begins[static_cast<std::size_t>(k) + 1] - begin);
                         for (std::size_t i = 0; i < mm.size(); ++i) {
                             for (int a = 0; a < 3; ++a) {
                                 const auto at = static_cast<double>(points[begin + i].at[a]);
                                 for (std::size_t c = 0; c < 3; ++c) {
                                     mm[i][c] += matrix[3 * c + static_cast<std::size_t>(slices.axis(a))] * at;
                                 }
                             }
                         }
                         found[static_cast<std::size_t>(points[begin].row)] = diameter_of(mm);
                     }
                 });
    return found;
}

}  // namespace voxkern

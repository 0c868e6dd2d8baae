// SPDX-License-Identifier: Apache-2.0
// The adjoint of warp. Slabs of the image belong to one chunk each, which goes through all grid values that
// reach it, in order: no two threads add to one sample, and the sum never depends on their number.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/resample/resample.hpp"
#include "kernels/warp/warp_math.hpp"
#include "kernels/warp/warp_source.hpp"

namespace voxkern {
namespace {

constexpr std::int64_t kSlab = 4;  // planes

// Grid values as rows, with the coordinates of each.
class GridRows {
  public:
    GridRows(const ConstArrayView& values, const CoordinateMap& map) : values_(values), map_(map) {
        for (int j = 0; j + 1 < map.grid_axes; ++j) rows_ *= values.shape[j];
    }

    std::int64_t rows() const { return rows_; }
    std::int64_t length() const { return values_.shape[map_.grid_axes - 1]; }

    void locate(std::int64_t row, std::int64_t* at) const {
        for (int j = map_.grid_axes - 2; j >= 0; --j) {
            at[j] = row % values_.shape[j];
            row /= values_.shape[j];
        }
        at[map_.grid_axes - 1] = 0;
    }

    double value(const std::int64_t* at) const { return number(values_, 0, at); }

    double coordinate(int a, const std::int64_t* at) const {
        const auto axis = static_cast<std::size_t>(a);
        double c = map_.offset.empty() ? 0.0 : map_.offset[axis];
        const auto grid = static_cast<std::size_t>(map_.grid_axes);
        for (std::size_t j = 0; j < grid && !map_.matrix.empty(); ++j) {
            c += map_.matrix[axis * grid + j] * static_cast<double>(at[j]);
        }
        if (map_.field.data == nullptr) return c;
        if (map_.field_matrix.empty()) return c + number(map_.field, a * map_.field.strides[0], at);
        const auto components = static_cast<std::size_t>(map_.field.shape[0]);
        for (std::size_t v = 0; v < components; ++v) {
            const auto offset = static_cast<std::int64_t>(v) * map_.field.strides[0];
            c += map_.field_matrix[axis * components + v] * number(map_.field, offset, at);
        }
        return c;
    }

  private:
    double number(const ConstArrayView& view, std::int64_t offset, const std::int64_t* at) const {
        const int lead = &view == &map_.field ? 1 : 0;
        for (int j = 0; j < map_.grid_axes; ++j) offset += at[j] * view.strides[j + lead];
        return visit(view.dtype, [&](auto type) {
            using T = typename decltype(type)::type;
            return static_cast<double>(static_cast<const T*>(view.data)[offset]);
        });
    }

    const ConstArrayView& values_;
    const CoordinateMap& map_;
    std::int64_t rows_ = 1;
};

// First and last sample of axis 0 (of the padded line) that the taps of a row reach.
struct Reach {
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    std::int64_t last = -1;
};

bool finite_taps(const WarpTask& task, int a, double c, AxisTaps& taps) {
    if (!(c > -1e15 && c < 1e15)) return false;
    return interpolator_taps(c, task.source.shape[a], task.source.pad, task.kernel, task.mode, taps.index, taps.weight);
}

Reach reach_of(const WarpTask& task, const GridRows& grid, std::int64_t row) {
    Reach reach;
    std::int64_t at[kMaxWarpAxes];
    grid.locate(row, at);
    for (std::int64_t l = 0; l < grid.length(); ++l) {
        at[task.grid_axes - 1] = l;
        AxisTaps taps;
        if (!finite_taps(task, 0, grid.coordinate(0, at), taps)) continue;
        const auto range = std::minmax_element(taps.index, taps.index + task.kernel.taps());
        reach.first = std::min(reach.first, *range.first);
        reach.last = std::max(reach.last, *range.second);
    }
    return reach;
}

// Adds what one row gives to planes [begin, end) of the padded image at `base`.
template <class C>
void push_row(const WarpTask& task, const GridRows& grid, std::int64_t row, std::int64_t begin, std::int64_t end,
              C* base) {
    const int taps = task.kernel.taps();
    std::int64_t at[kMaxWarpAxes];
    grid.locate(row, at);
    for (std::int64_t l = 0; l < grid.length(); ++l) {
        at[task.grid_axes - 1] = l;
        AxisTaps axis[kMaxWarpAxes];
        bool reaches = finite_taps(task, 0, grid.coordinate(0, at), axis[0]);
        const auto range = std::minmax_element(axis[0].index, axis[0].index + (reaches ? taps : 0));
        reaches = reaches && *range.first < end && *range.second >= begin;
        for (int a = 1; a < task.axes && reaches; ++a) {
            reaches = finite_taps(task, a, grid.coordinate(a, at), axis[a]);
        }
        if (!reaches) continue;
        const double value = grid.value(at);
        int tap[kMaxWarpAxes] = {};
        do {
            const std::int64_t plane = axis[0].index[tap[0]];
            if (plane < begin || plane >= end) continue;
            double weight = value;
            std::int64_t place = 0;
            for (int a = 0; a < task.axes; ++a) {
                weight *= axis[a].weight[tap[a]];
                place += axis[a].index[tap[a]] * task.source.strides[a];
            }
            base[place] += static_cast<C>(weight);
        } while (next_tap(task.axes, taps, tap));
    }
}

// Multiplies the first and last sample of every line along axis a.
template <class C>
void scale_ends(const ArrayView& view, int a, C factor) {
    std::int64_t positions = 1;
    for (int b = 0; b < view.rank; ++b) positions *= b == a ? 1 : view.shape[b];
    for (std::int64_t p = 0; p < positions; ++p) {
        std::int64_t rest = p;
        std::int64_t element = 0;
        for (int b = view.rank - 1; b >= 0; --b) {
            if (b == a) continue;
            element += rest % view.shape[b] * view.strides[b];
            rest /= view.shape[b];
        }
        C* const line = static_cast<C*>(view.data) + element;
        line[0] *= factor;
        line[(view.shape[a] - 1) * view.strides[a]] *= factor;
    }
}

// The transposed prefilter. Mirrored lines weigh their ends half: with W for those weights, W times the
// matrix that the prefilter inverts is symmetric; for the other extensions the matrix itself is.
template <class C>
void prefilter_transposed(const ArrayView& line, const WarpParams& params, const Exec& exec) {
    const bool mirrors = prefilter_boundary(params.mode) == Boundary::mirror;
    for (int a = 0; a < line.rank && mirrors; ++a) {
        if (line.shape[a] > 1) scale_ends(line, a, C(2));
    }
    prefilter(as_const(line), line, params.kernel, params.mode, exec);
    for (int a = 0; a < line.rank && mirrors; ++a) {
        if (line.shape[a] > 1) scale_ends(line, a, C(0.5));
    }
}

// The transposed padding: what lies in the pad of axis a goes back to the edge it repeats.
template <class C>
void fold_pad(const Padded& geometry, C* data, int a) {
    std::int64_t positions = 1;
    for (int b = 0; b < geometry.axes; ++b) positions *= b == a ? 1 : geometry.shape[b] + 2 * geometry.margin;
    for (std::int64_t p = 0; p < positions; ++p) {
        std::int64_t rest = p;
        std::int64_t element = geometry.margin * geometry.strides[a];
        for (int b = geometry.axes - 1; b >= 0; --b) {
            if (b == a) continue;
            const std::int64_t count = geometry.shape[b] + 2 * geometry.margin;
            element += rest % count * geometry.strides[b];
            rest /= count;
        }
        C* const line = data + element;
        C* const end = line + (geometry.shape[a] - 1) * geometry.strides[a];
        for (std::int64_t k = 1; k <= geometry.margin; ++k) {
            *line += line[-k * geometry.strides[a]];
            *end += end[k * geometry.strides[a]];
        }
    }
}

template <class C>
void push_item(const ConstArrayView& values, const ArrayView& image, const WarpParams& params, const Exec& exec) {
    const bool filters = params.kernel.filters() && params.prefilter;
    const std::int64_t pad = filters ? prefilter_pad(params.kernel, params.mode) : 0;
    const Padded geometry = padded_geometry(image.rank, image.shape, pad);
    Workspace workspace(Workspace::padded(geometry.size * static_cast<std::int64_t>(sizeof(C))));
    C* const sum = workspace.take<C>(geometry.size);
    WarpTask task;
    task.axes = image.rank;
    task.grid_axes = params.map.grid_axes;
    std::copy_n(geometry.shape, geometry.axes, task.source.shape);
    std::copy_n(geometry.strides, geometry.axes, task.source.strides);
    task.source.pad = pad;
    task.kernel = params.kernel;
    task.mode = params.mode;

    const GridRows grid(values, params.map);
    std::vector<Reach> reach(static_cast<std::size_t>(grid.rows()));
    constexpr std::int64_t kRows = 64;
    parallel_for((grid.rows() + kRows - 1) / kRows, exec, [&](std::int64_t chunk) {
        for (std::int64_t row = chunk * kRows; row < std::min(grid.rows(), (chunk + 1) * kRows); ++row) {
            reach[static_cast<std::size_t>(row)] = reach_of(task, grid, row);
        }
    });
    const std::int64_t planes = image.shape[0] + 2 * pad;
    const std::int64_t plane = geometry.strides[0];
    parallel_for((planes + kSlab - 1) / kSlab, exec, [&](std::int64_t slab) {
        const std::int64_t begin = slab * kSlab;
        const std::int64_t end = std::min(begin + kSlab, planes);
        std::fill(sum + begin * plane, sum + end * plane, C{0});
        for (std::int64_t row = 0; row < grid.rows(); ++row) {
            const Reach& near = reach[static_cast<std::size_t>(row)];
            if (near.first < end && near.last >= begin) push_row(task, grid, row, begin, end, sum);
        }
    });
    if (filters) prefilter_transposed<C>(view_within(geometry, sum, pad), params, exec);
    if (params.mode == Boundary::nearest) {
        for (int a = 0; a < geometry.axes; ++a) fold_pad(geometry, sum, a);
    }
    ResampleParams copy;
    copy.kernel.order = 0;
    copy.float64 = params.float64;
    for (int a = 0; a < image.rank; ++a) {
        AxisSampling axis;
        for (std::int64_t i = 0; i < image.shape[a]; ++i) axis.coordinates.push_back(static_cast<double>(i));
        copy.axes.push_back(axis);
    }
    resample(as_const(view_within(geometry, sum, 0)), image, copy, exec);
}

}  // namespace

void push(const ConstArrayView& values, const ArrayView& image, const WarpParams& params, const Exec& exec) {
    if (image.size() == 0) return;
    const int axes = params.map.image_axes;
    ArrayView item = image;
    item.rank = axes;
    ConstArrayView grid = values;
    grid.rank = params.map.grid_axes;
    Exec limited = exec;
    if (image.size() + values.size() < kInlineWork / 4) limited.threads = 1;
    std::int64_t items = 1;
    for (int b = axes; b < image.rank; ++b) items *= image.shape[b];
    for (std::int64_t i = 0; i < items; ++i) {
        std::int64_t rest = i;
        std::int64_t to = 0;
        std::int64_t from = 0;
        for (int b = image.rank - 1; b >= axes; --b) {
            const std::int64_t index = rest % image.shape[b];
            rest /= image.shape[b];
            to += index * image.strides[b];
            from += index * values.strides[b - axes + params.map.grid_axes];
        }
        item.data = image.at(to);
        grid.data = values.at(from);
        if (exact_in_f32(values.dtype) && exact_in_f32(image.dtype) && !params.float64) {
            push_item<float>(grid, item, params, limited);
        } else {
            push_item<double>(grid, item, params, limited);
        }
    }
}

}  // namespace voxkern

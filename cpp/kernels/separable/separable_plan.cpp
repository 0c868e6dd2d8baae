// SPDX-License-Identifier: Apache-2.0
#include "kernels/separable/separable_plan.hpp"

#include <algorithm>
#include <map>

#include "core/axes.hpp"

namespace voxkern::separable {
namespace {

using correlate1d::AxisFilter;

constexpr std::int64_t kRingBytes = std::int64_t{512} << 10;  // half of L2
constexpr std::int64_t kLongestRow = 1024;                    // of a tile: rows of all nodes fit L1
constexpr std::int64_t kRowsOfTile = 128;                     // so that a few slabs make work for many threads
constexpr std::int64_t kMostPlanes = 32;
constexpr std::int64_t kFewestPlanes = 8;  // fewer would load more halo than planes
constexpr std::int64_t kSpareRows = 16;    // rows that a ring takes before it is moved back to its start

const AxisFilter* filter_along(const Term& term, int axis) {
    for (const AxisFilter& filter : term) {
        if (filter.axis == axis) return &filter;
    }
    return nullptr;
}

std::int64_t even_blocks(std::int64_t n, std::int64_t most) {
    const std::int64_t blocks = (n + most - 1) / most;
    return (n + blocks - 1) / blocks;
}

}  // namespace

SweptAxes swept_axes(const ArrayView& out, int rank, const std::vector<Term>& terms) {
    const std::vector<int> order = slowest_first(rank, out.strides);
    std::vector<bool> swept(static_cast<std::size_t>(rank), false);
    std::size_t count = 0;
    const auto take = [&](int axis) {
        if (swept[static_cast<std::size_t>(axis)] || count == 3) return;
        swept[static_cast<std::size_t>(axis)] = true;
        ++count;
    };
    for (const Term& term : terms) {
        for (const AxisFilter& filter : term) take(filter.axis);
    }
    for (auto axis = order.rbegin(); axis != order.rend(); ++axis) take(*axis);  // the fastest of the others
    SweptAxes axes;
    std::size_t next = 3 - count;
    for (const int axis : order) {
        if (swept[static_cast<std::size_t>(axis)]) {
            axes.swept[next++] = axis;
        } else {
            axes.others.push_back(axis);
        }
    }
    return axes;
}

bool is_one_sweep(const ArrayView& out, const std::vector<Term>& terms) {
    std::map<int, Boundary> modes;
    for (const Term& term : terms) {
        for (const AxisFilter& filter : term) {
            if (modes.emplace(filter.axis, filter.mode).first->second != filter.mode) return false;
        }
    }
    return (out.dtype == DType::f32 || out.dtype == DType::f64) && modes.size() <= 3;
}

bool computes_in_f32(DType in, DType out) {
    return out == DType::f32 && exact_in_f32(in);
}

int outputs_of(const Options& options, std::size_t terms) {
    return options.combine == Combine::eigenvalues ? (terms == 3 ? 2 : 3) : 1;
}

std::int64_t work_of(const ConstArrayView& in, const std::vector<Term>& terms) {
    std::int64_t taps = 0;
    for (const Term& term : terms) {
        for (const AxisFilter& filter : term) taps += filter.size();
    }
    return in.size() * std::max<std::int64_t>(taps, 4) / 4;  // a vector instruction does several
}

template <class C>
Plan<C>::Plan(const ConstArrayView& in, const ArrayView& out, const SweptAxes& axes, const std::vector<Term>& terms,
              const Options& options) {
    for (int stage = 0; stage < 3; ++stage) {
        make_axis(stage, in, out, axes.swept[static_cast<std::size_t>(stage)], terms);
    }
    make_nodes(axes, terms);
    task.in_dtype = in.dtype;
    task.in_itemsize = size_of(in.dtype);
    task.out_dtype = out.dtype;
    task.out_itemsize = size_of(out.dtype);
    task.component = out.strides[in.rank];
    task.options = options;
    task.outputs = outputs_of(options, terms.size());
    choose_tiles();
}

template <class C>
void Plan<C>::make_axis(int stage, const ConstArrayView& in, const ArrayView& out, int axis,
                        const std::vector<Term>& terms) {
    if (axis < 0) return;
    SweepAxis& swept = task.axes[stage];
    swept.n = in.shape[axis];
    swept.in_stride = in.strides[axis];
    swept.out_stride = out.strides[axis];
    Boundary mode = Boundary::reflect;
    for (const Term& term : terms) {
        const AxisFilter* const filter = filter_along(term, axis);
        if (filter == nullptr) continue;
        mode = filter->mode;
        swept.before = std::max(swept.before, filter->before());
        swept.after = std::max(swept.after, filter->size() - 1 - filter->before());
    }
    std::vector<std::int64_t>& extension = extensions_[static_cast<std::size_t>(stage)];
    for (std::int64_t e = 0; e < swept.before; ++e) extension.push_back(fold_index(e - swept.before, swept.n, mode));
    for (std::int64_t e = 0; e < swept.after; ++e) extension.push_back(fold_index(swept.n + e, swept.n, mode));
    swept.extension = extension.data();
    swept.has_outside = std::find(extension.begin(), extension.end(), kOutside) != extension.end();
}

// The node of a stage that does this to what the parent made; equal ones are one.
template <class C>
int Plan<C>::node_of(int stage, int parent, const AxisFilter* filter) {
    Node<C> node;
    node.parent = parent;
    node.first = task.axes[stage].before;
    std::vector<C> weights;
    if (filter != nullptr) {
        node.size = filter->size();
        node.first = task.axes[stage].before - filter->before();
        weights.assign(filter->weights.begin(), filter->weights.end());
        if (filter->box > 0) weights.assign(static_cast<std::size_t>(filter->box), C{1});
        const std::vector<double> ones(static_cast<std::size_t>(filter->box), 1.0);
        node.symmetry = filter_symmetry(filter->box > 0 ? ones.data() : filter->weights.data(), node.size);
        node.divisor = static_cast<C>(std::max<std::int64_t>(filter->box, 1));
    }
    for (int k = 0; k < task.count[stage]; ++k) {
        const Node<C>& other = task.nodes[stage][k];
        const bool same = other.parent == parent && other.size == node.size && other.first == node.first &&
                          other.symmetry == node.symmetry && other.divisor == node.divisor &&
                          (other.weights == nullptr) == weights.empty();
        if (same && std::equal(weights.begin(), weights.end(), other.weights)) return k;
    }
    if (!weights.empty()) {
        weights_.push_back(std::move(weights));
        node.weights = weights_.back().data();
    }
    task.nodes[stage][task.count[stage]] = node;
    return task.count[stage]++;
}

template <class C>
void Plan<C>::make_nodes(const SweptAxes& axes, const std::vector<Term>& terms) {
    for (const Term& term : terms) {
        int parent = 0;
        for (int stage = 0; stage < 2; ++stage) {
            parent = node_of(stage, parent, filter_along(term, axes.swept[static_cast<std::size_t>(stage)]));
        }
        // Terms are not merged: there is one value for each.
        const int before = task.count[2];
        const int node = node_of(2, parent, filter_along(term, axes.swept[2]));
        if (node < before) task.nodes[2][task.count[2]++] = task.nodes[2][node];
    }
}

template <class C>
void Plan<C>::choose_tiles() {
    constexpr std::int64_t kAlign = 64 / static_cast<std::int64_t>(sizeof(C));
    SweepAxis& planes = task.axes[0];
    SweepAxis& rows = task.axes[1];
    SweepAxis& columns = task.axes[2];
    const std::int64_t row_halo = rows.before + rows.after;
    const std::int64_t column_halo = columns.before + columns.after;
    columns.block = even_blocks(columns.n, std::max(kLongestRow, 2 * column_halo));
    rows.block = even_blocks(rows.n, std::max(kRowsOfTile, 4 * row_halo));
    // A line more than needed: rows whose distance is a power of two would share few sets of a cache.
    task.row = (columns.block + column_halo + kAlign - 1) / kAlign * kAlign + 2 * kAlign;
    task.rows = row_halo + std::max(kSpareRows, row_halo / 2);
    const std::int64_t plane_bytes = task.count[0] * task.rows * task.row * static_cast<std::int64_t>(sizeof(C));
    planes.block = even_blocks(planes.n, std::clamp(kRingBytes / plane_bytes, kFewestPlanes, kMostPlanes));
    for (SweepAxis& axis : task.axes) {
        axis.blocks = (axis.n + axis.block - 1) / axis.block;
        tiles *= axis.blocks;
    }
}

template <class C>
Tile Plan<C>::tile(std::int64_t index) const {
    Tile tile;
    for (int a : {2, 1, 0}) {
        const SweepAxis& axis = task.axes[a];
        tile.first[a] = index % axis.blocks * axis.block;
        tile.count[a] = std::min(axis.block, axis.n - tile.first[a]);
        index /= axis.blocks;
    }
    return tile;
}

template struct Plan<float>;
template struct Plan<double>;

}  // namespace voxkern::separable

// SPDX-License-Identifier: Apache-2.0
// Axes of arrays that are walked together: their order in memory, neighbours that merge into one axis, and the
// position of the i-th step of a walk. Every loop over axes, batches and rows is built on this.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "core/view.hpp"

namespace voxkern {

// Numbers of the axes, the one with the largest stride first; equal strides keep their order.
inline std::vector<int> slowest_first(int rank, const std::int64_t* strides) {
    std::vector<int> order(static_cast<std::size_t>(rank));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return std::abs(strides[a]) > std::abs(strides[b]); });
    return order;
}

// View without gaps of memory that the caller owns, of the shape of `like` and in its memory order: passes from one to
// the other walk both along their fastest axes.
template <class Void>
ArrayView packed_like(void* data, DType dtype, const BasicArrayView<Void>& like) {
    ArrayView view = contiguous_at(data, dtype, like);
    const std::vector<int> order = slowest_first(like.rank, like.strides);
    std::int64_t stride = 1;
    for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
        view.strides[*axis] = stride;
        stride *= view.shape[*axis];
    }
    return view;
}

// Index along every axis of step `position` of a walk in C order. Axis `skip` is left at 0.
inline void unravel(std::int64_t position, int rank, const std::int64_t* shape, std::int64_t* index, int skip = -1) {
    for (int a = rank - 1; a >= 0; --a) {
        index[a] = a == skip ? 0 : position % shape[a];
        if (a != skip) position /= shape[a];
    }
}

// Axes of N arrays of one shape, walked in C order: the last axis goes fastest. Strides count elements.
template <int N>
class Axes {
  public:
    using Offsets = std::array<std::int64_t, N>;

    struct Axis {
        std::int64_t extent = 1;
        Offsets strides = {};
    };

    void push(std::int64_t extent, const Offsets& strides) { axes_[rank_++] = {extent, strides}; }

    Axis pop() { return axes_[--rank_]; }

    int rank() const { return rank_; }

    const Axis& operator[](int a) const { return axes_[a]; }

    // Sorts by the strides of one of the arrays.
    void slowest_first(int array) {
        std::stable_sort(axes_, axes_ + rank_, [&](const Axis& a, const Axis& b) {
            return std::abs(a.strides[static_cast<std::size_t>(array)]) >
                   std::abs(b.strides[static_cast<std::size_t>(array)]);
        });
    }

    // Makes one axis of neighbours that lie flush in all arrays.
    void merge() {
        int merged = 0;
        for (int a = 0; a < rank_; ++a) {
            const Axis inner = axes_[a];
            if (merged > 0 && flush(axes_[merged - 1], inner)) {
                axes_[merged - 1] = {axes_[merged - 1].extent * inner.extent, inner.strides};
            } else {
                axes_[merged++] = inner;
            }
        }
        rank_ = merged;
    }

    // Steps of a walk.
    std::int64_t size() const {
        std::int64_t n = 1;
        for (int a = 0; a < rank_; ++a) n *= axes_[a].extent;
        return n;
    }

    // Elements from the start of each array to where step `position` is.
    Offsets at(std::int64_t position) const {
        Offsets offsets = {};
        for (int a = rank_ - 1; a >= 0; --a) {
            const std::int64_t index = position % axes_[a].extent;
            position /= axes_[a].extent;
            for (std::size_t k = 0; k < N; ++k) offsets[k] += index * axes_[a].strides[k];
        }
        return offsets;
    }

  private:
    static bool flush(const Axis& outer, const Axis& inner) {
        for (std::size_t k = 0; k < N; ++k) {
            if (outer.strides[k] != inner.strides[k] * inner.extent) return false;
        }
        return true;
    }

    Axis axes_[kMaxRank];
    int rank_ = 0;
};

// Where a walk is. It goes on along its row, and from row to row, without a division.
template <int N>
class Walk {
  public:
    // Stands at step `position` of a walk of at least one axis.
    Walk(const Axes<N>& axes, std::int64_t position) : axes_(axes), row_(axes.rank() - 1), offsets_(axes.at(position)) {
        for (int a = row_; a >= 0; --a) {
            index_[a] = position % axes[a].extent;
            position /= axes[a].extent;
        }
    }

    const typename Axes<N>::Offsets& offsets() const { return offsets_; }
    std::int64_t index(int a) const { return index_[a]; }
    // Steps to the end of the row.
    std::int64_t left() const { return axes_[row_].extent - index_[row_]; }

    // Takes `n` steps, at most those that are left.
    void step(std::int64_t n) {
        int a = row_;
        move(a, n);
        while (index_[a] == axes_[a].extent && a > 0) {
            move(a, -axes_[a].extent);
            move(--a, 1);
        }
    }

  private:
    void move(int a, std::int64_t n) {
        index_[a] += n;
        for (std::size_t k = 0; k < N; ++k) offsets_[k] += n * axes_[a].strides[k];
    }

    const Axes<N>& axes_;
    int row_;
    typename Axes<N>::Offsets offsets_;
    std::int64_t index_[kMaxRank] = {};
};

// Calls visit(walk, n) for steps [first, last): n of them in a row at a time, at most `longest`.
template <int N, class Visit>
void for_stretches(const Axes<N>& axes, std::int64_t first, std::int64_t last, std::int64_t longest,
                   const Visit& visit) {
    if (first >= last) return;  // an axis may have no element
    Walk<N> walk(axes, first);
    while (first < last) {
        const std::int64_t n = std::min({longest, last - first, walk.left()});
        visit(walk, n);
        walk.step(n);
        first += n;
    }
}

// The axes of two arrays of one shape that a kernel may walk in any order: sorted by the strides of `out`,
// merged, without those of one sample and without axis `skip`.
inline Axes<2> walk_of(const ConstArrayView& in, const ArrayView& out, int skip = -1) {
    Axes<2> axes;
    for (int a = 0; a < in.rank; ++a) {
        if (a != skip && in.shape[a] != 1) axes.push(in.shape[a], {in.strides[a], out.strides[a]});
    }
    axes.slowest_first(1);
    axes.merge();
    return axes;
}

}  // namespace voxkern

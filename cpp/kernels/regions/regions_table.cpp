// SPDX-License-Identifier: Apache-2.0
// Which labels have rows, and how the rows of two tables are joined.
#include "kernels/regions/regions_table.hpp"

#include <algorithm>

#include "core/moments.hpp"

namespace voxkern::regions {

Names Names::every(bool zero) {
    return Names(zero ? Kind::every : Kind::not_zero);
}

Names Names::range(std::int64_t lowest, std::int64_t count) {
    return Names(Kind::range, lowest, count);
}

Names Names::listed(const std::vector<std::int64_t>& labels) {
    Names names(Kind::listed, 0, static_cast<std::int64_t>(labels.size()));
    for (const std::int64_t label : labels) names.listed_.of(label);
    if (names.listed_.size() != labels.size()) throw InvalidArgument("labels: got one twice, allowed each once");
    return names;
}

Names Names::positive() {
    return Names(Kind::positive, 0, 1);
}

void Table::resize(std::size_t rows) {
    const auto axes = static_cast<std::size_t>(rank);
    counts.resize(rows);
    if (wanted.sums) sums.resize(rows);
    if (wanted.moments) spreads.resize(rows);
    if (wanted.extremes) extremes.resize(rows);
    if (wanted.boxes) boxes.resize(2 * axes * rows);
    if (wanted.indices) indices.resize(axes * rows);
    if (wanted.centres) centres.resize(axes * rows);
}

namespace {

template <class T>
void join_extremes(Extremes& a, const Extremes& b) {
    if (b.minimum_at >= 0 && is_better<T, true>(as<T>(b.minimum), b.minimum_at, a.minimum, a.minimum_at)) {
        a.minimum = b.minimum;
        a.minimum_at = b.minimum_at;
    }
    if (b.maximum_at >= 0 && is_better<T, false>(as<T>(b.maximum), b.maximum_at, a.maximum, a.maximum_at)) {
        a.maximum = b.maximum;
        a.maximum_at = b.maximum_at;
    }
    if (b.not_number_at >= 0 && (a.not_number_at < 0 || b.not_number_at < a.not_number_at)) {
        a.not_number_at = b.not_number_at;
    }
}

// Both means are counted from the pivot of a.
void join_spreads(Spread& a, std::int64_t count_a, const Spread& b, std::int64_t count_b) {
    if (count_a == 0) {
        a = b;
        return;
    }
    const double moved = b.pivot - a.pivot;
    const Moments both = joined({static_cast<double>(count_a), a.mean, a.squares},
                                {static_cast<double>(count_b), moved + b.mean, b.squares});
    a.mean = both.mean;
    a.squares = both.squares;
}

}  // namespace

void join_row(Table& a, std::size_t to, const Table& b, std::size_t from, DType image) {
    const auto rank = static_cast<std::size_t>(a.rank);
    const bool fresh = a.counts[to] == 0;
    if (a.wanted.sums) {
        a.sums[to].sum += b.sums[from].sum;
        a.sums[to].whole = static_cast<std::int64_t>(static_cast<std::uint64_t>(a.sums[to].whole) +
                                                     static_cast<std::uint64_t>(b.sums[from].whole));
    }
    if (a.wanted.moments) join_spreads(a.spreads[to], a.counts[to], b.spreads[from], b.counts[from]);
    if (a.wanted.extremes) {
        const auto join = image == DType::i64   ? join_extremes<std::int64_t>
                          : image == DType::u64 ? join_extremes<std::uint64_t>
                                                : join_extremes<double>;
        join(a.extremes[to], b.extremes[from]);
    }
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const std::size_t i = to * rank + axis;
        const std::size_t k = from * rank + axis;
        if (a.wanted.boxes) widen(&a.boxes[2 * i], fresh, b.boxes[2 * k], b.boxes[2 * k + 1]);
        if (a.wanted.indices) a.indices[i] += b.indices[k];
        if (a.wanted.centres) a.centres[i] += b.centres[k];
    }
    a.counts[to] += b.counts[from];
}

}  // namespace voxkern::regions

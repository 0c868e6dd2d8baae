// SPDX-License-Identifier: Apache-2.0
// Samples of a tile to spline coefficients, in place. Included inside a level's namespace, after vec.inl.hpp;
// the including file includes core/prefilter.hpp.

template <int U, class C>
inline void initial_sum(const InitialSum<C>& sum, const C* column, std::int64_t width, Vec<C>* value) {
    for (int u = 0; u < U; ++u) value[u] = splat(C{0});
    for (std::int64_t k = 0; k < sum.count; ++k) {
        const C* sample = column + sum.index[k] * width;
        const Vec<C> w = splat(sum.weight[k]);
        for (int u = 0; u < U; ++u) value[u] = madd(load(sample + u * kVec<C>), w, value[u]);
    }
}

// Causal, then anticausal recursion down U vectors of columns, in place.
template <int U, class C>
inline void pole_columns(const PoleFilter<C>& filter, C* column, std::int64_t n, std::int64_t width) {
    const Vec<C> z = splat(filter.pole);
    Vec<C> c[U];
    initial_sum<U>(filter.causal, column, width, c);
    for (int u = 0; u < U; ++u) store(column + u * kVec<C>, c[u]);
    for (std::int64_t i = 1; i < n; ++i) {
        C* row = column + i * width;
        for (int u = 0; u < U; ++u) {
            c[u] = madd(z, c[u], load(row + u * kVec<C>));
            store(row + u * kVec<C>, c[u]);
        }
    }
    initial_sum<U>(filter.anticausal, column, width, c);
    for (int u = 0; u < U; ++u) store(column + (n - 1) * width + u * kVec<C>, c[u]);
    for (std::int64_t i = n - 2; i >= 0; --i) {
        C* row = column + i * width;
        for (int u = 0; u < U; ++u) {
            // z (c - x), with the product of x off the chain of dependent operations.
            c[u] = madd(z, c[u], -(z * load(row + u * kVec<C>)));
            store(row + u * kVec<C>, c[u]);
        }
    }
}

// Samples in the first `columns` of a tile -> spline coefficients: whole vectors. `line` is sample 0; `pad` rows lie on
// either side of it.
template <class C>
void prefilter_tile(const Prefilter<C>& filter, C* line, std::int64_t width, std::int64_t columns) {
    C* const first = line - filter.pad * width;
    for (std::int64_t p = 0; p < filter.pad; ++p) {
        for (std::int64_t l = 0; l < columns; ++l) {
            first[p * width + l] = filter.pad_edge ? line[l] : C{0};
            line[(filter.n + p) * width + l] = filter.pad_edge ? line[(filter.n - 1) * width + l] : C{0};
        }
    }
    const std::int64_t n = filter.n + 2 * filter.pad;
    for (int p = 0; p < filter.poles; ++p) {
        std::int64_t l = 0;
        for (; l + 4 * kVec<C> <= columns; l += 4 * kVec<C>) pole_columns<4>(filter.filter[p], first + l, n, width);
        for (; l < columns; l += kVec<C>) pole_columns<1>(filter.filter[p], first + l, n, width);
    }
}

// Samples [start, stop) of a line of n whose sample 0 is at `first`, each less `offset`. Beyond its ends stands the
// sample that `beyond` names, or zero where that is kOutside. Some of them lie inside.
template <class C, class Beyond>
void load_past_ends(const LineSide& from, const char* first, C offset, std::int64_t n, std::int64_t start,
                    std::int64_t stop, C* to, const Beyond& beyond) {
    const LoadRow<C> load_line = load_row_of<C>(from.dtype);
    const auto load_samples = [&](std::int64_t i, C* row, std::int64_t count) {
        load_line(first + i * from.step * from.itemsize, from.step, row, count);
        for (std::int64_t k = 0; k < count && offset != C{0}; ++k) row[k] -= offset;
    };
    const auto extend = [&](std::int64_t i, std::int64_t end) {
        for (; i < end; ++i) {
            const std::int64_t same = beyond(i);
            to[i - start] = C{0};
            if (same != kOutside) load_samples(same, to + (i - start), 1);
        }
    };
    const std::int64_t low = start > 0 ? start : 0;
    const std::int64_t high = stop < n ? stop : n;
    extend(start, low);
    load_samples(low, to + (low - start), high - low);
    extend(high, stop);
}

// Coefficients [begin, end) of a padded long line whose sample 0 is at `first`, each less `offset`. They are made in
// `buffer`, kSegmentRoom<C> elements; returns where they start. A cache line of parts of the segment is filtered side
// by side, each with its own run-in.
template <class C>
C* segment_coefficients(const LongLine<C>& line, const LineSide& from, const char* first, C offset, std::int64_t begin,
                        std::int64_t end, C* buffer) {
    constexpr std::int64_t W = kRowAlign<C>;
    const std::int64_t part = round_up(end - begin, W) / W;
    const std::int64_t run_in = line.poles > 0 ? kRunIn : 0;
    const std::int64_t start = begin - run_in - line.pad;
    const std::int64_t stop = line.poles > 0 ? begin + W * part + run_in - line.pad : end - line.pad;
    load_past_ends(from, first, offset, line.n, start, stop, buffer, [&](std::int64_t i) {
        const std::int64_t at = fold_index(i + line.pad, line.n + 2 * line.pad, line.extension) - line.pad;
        if (at >= 0 && at < line.n) return at;
        return line.pad_edge ? (at < 0 ? 0 : line.n - 1) : kOutside;
    });
    if (line.poles == 0) return buffer;
    Prefilter<C> filter;  // from any start
    filter.n = part + 2 * run_in;
    filter.poles = line.poles;
    for (int p = 0; p < line.poles; ++p) filter.filter[p].pole = line.pole[p];
    C* const tile = buffer + round_up(stop - start, W);
    transpose(buffer, part, tile, W, W, filter.n);
    prefilter_tile(filter, tile, W, W);
    transpose(tile + run_in * W, W, buffer, part, part, W);
    return buffer;
}

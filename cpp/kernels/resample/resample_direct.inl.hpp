// SPDX-License-Identifier: Apache-2.0
// Output straight from the input: samples taken as they are, means over cells, long lines. Included by
// resample_simd.inl.hpp, which has the row loops it shares.

// Along one row: what lies at the indices of the last axis. Permutations of `samples` do it where they can; they may
// read two vectors from any sample on and write a whole last one.
template <class E, class C>
void gather_row(const AxisPlan<C>& last, const E* from, std::int64_t lane, E cval, C* samples, E* row) {
    if (last.identity && lane == 1) {
        __builtin_memcpy(row, from, static_cast<std::size_t>(last.n_out) * sizeof(E));
    } else if (lane != 1) {
        for (std::int64_t i = 0; i < last.n_out; ++i) row[i] = from[last.index[i] * lane];
    } else if (last.picks.start == nullptr) {
        for (std::int64_t i = 0; i < last.n_out; ++i) row[i] = from[last.index[i]];
    } else if constexpr (kHasPick<C> && sizeof(E) == sizeof(C)) {
        __builtin_memcpy(samples, from, static_cast<std::size_t>(last.n_in) * sizeof(E));
        for (std::int64_t i = 0, g = 0; i < last.n_out; i += kVec<C>, ++g) {
            const Vec<C> picked = pick(samples + last.picks.start[g], last.picks.index + i);
            __builtin_memcpy(row + i, &picked, sizeof(picked));
        }
    }
    if (last.outside == nullptr) return;
    for (std::int64_t i = 0; i < last.n_out; ++i) row[i] = last.outside[i] != 0 ? cval : row[i];
}

// E is an unsigned integer of the size of a sample. A row that repeats its neighbour is made once.
template <class E, class C>
void gather_elements(const Task<C>& task, std::int64_t k, std::int64_t begin, std::int64_t end, C* samples, E* row) {
    const AxisPlan<C>& first = task.axis[0];
    const AxisPlan<C>& middle = task.axis[1];
    const AxisPlan<C>& last = task.axis[2];
    const VolumeSide& to = task.target;
    const E* const plane = reinterpret_cast<const E*>(task.source.base) + first.index[k] * task.source.step;
    E cval;
    store_row_of<RoundSaturate, C>(to.dtype)(&task.cval, &cval, 1, 1);
    const bool outside = first.outside != nullptr && first.outside[k] != 0;
    std::int64_t made = kOutside - 1;
    for (std::int64_t j = begin; j < end; ++j) {
        const bool all_outside = outside || (middle.outside != nullptr && middle.outside[j] != 0);
        const std::int64_t wanted = all_outside ? kOutside : middle.index[j];
        if (wanted != made && all_outside) fill_row(row, cval, last.n_out);
        if (wanted != made && !all_outside) {
            const std::int64_t ahead = middle.index[j + kRowsAhead < end ? j + kRowsAhead : end - 1];
            if (task.source.lane == 1) fetch_ahead(plane + ahead * task.source.row, last.n_in * to.itemsize);
            gather_row(last, plane + wanted * task.source.row, task.source.lane, cval, samples, row);
        }
        made = wanted;
        E* const target = reinterpret_cast<E*>(to.base) + k * to.step + j * to.row;
        if (task.stream) {
            stream_bytes(target, row, last.n_out * to.itemsize);
        } else if (to.lane == 1) {
            __builtin_memcpy(target, row, static_cast<std::size_t>(last.n_out) * sizeof(E));
        } else {
            for (std::int64_t i = 0; i < last.n_out; ++i) target[i * to.lane] = row[i];
        }
    }
    if (task.stream) stream_fence();
}

template <class C>
void gather_rows(const Task<C>& task, std::int64_t k, std::int64_t begin, std::int64_t end, const Scratch<C>& scratch) {
    C* const samples = scratch.rows;
    void* const row = scratch.staging;
    switch (task.target.itemsize) {
        case 1: gather_elements(task, k, begin, end, samples, static_cast<std::uint8_t*>(row)); break;
        case 2: gather_elements(task, k, begin, end, samples, static_cast<std::uint16_t*>(row)); break;
        case 4: gather_elements(task, k, begin, end, samples, static_cast<std::uint32_t*>(row)); break;
        default: gather_elements(task, k, begin, end, samples, static_cast<std::uint64_t*>(row)); break;
    }
}

// Sum of any number of weighted rows, a few at a time.
template <class C>
struct RowSum {
    const SourceRows<C>& source;
    C* sum;
    C* part;
    bool empty = true;
    int taps = 0;
    std::int64_t offsets[4] = {};
    C weights[4] = {};

    void add(std::int64_t offset, C weight) {
        offsets[taps] = offset;
        weights[taps] = weight;
        if (++taps == 4) flush();
    }

    void flush() {
        if (taps == 0) return;
        source.combine_at(taps, offsets, weights, empty ? sum : part);
        if (!empty) {
            for (std::int64_t i = 0; i < source.n; ++i) sum[i] += part[i];
        }
        empty = false;
        taps = 0;
    }
};

// Weighted sums of the samples of a row; an output sample's taps of weight 0 come last.
template <class C>
void mean_row(const AxisPlan<C>& last, const C* row, C* VOXKERN_RESTRICT out) {
    const std::int64_t* index = last.index;
    const C* weights = last.weights;
    for (std::int64_t i = 0; i < last.n_out; ++i, index += last.taps, weights += last.taps) {
        C sum = row[index[0]] * weights[0];
        for (int t = 1; t < last.taps && weights[t] != C{0}; ++t) sum = madd(row[index[t]], weights[t], sum);
        out[i] = sum;
    }
}

template <class C>
void mean_rows(const Task<C>& task, std::int64_t k, std::int64_t begin, std::int64_t end, const Scratch<C>& scratch) {
    const AxisPlan<C>& first = task.axis[0];
    const AxisPlan<C>& middle = task.axis[1];
    const AxisPlan<C>& last = task.axis[2];
    const std::int64_t width = round_up(last.n_in, kRowAlign<C>);
    const SourceRows<C> source = {task.source, task.source_offset, last.n_in, scratch.taps, width};
    const bool outside = first.outside != nullptr && first.outside[k] != 0;
    for (std::int64_t j = begin; j < end; ++j) {
        const bool row_outside = outside || (middle.outside != nullptr && middle.outside[j] != 0);
        C* results = scratch.staging;
        if (!row_outside) {
            RowSum<C> sum{source, scratch.rows, scratch.rows + width};
            for (int s = 0; s < first.taps; ++s) {
                const C weight = first.weights[k * first.taps + s];
                const std::int64_t plane = first.index[k * first.taps + s] * task.source.step;
                for (int t = 0; t < middle.taps && weight != C{0}; ++t) {
                    const C w = middle.weights[j * middle.taps + t];
                    if (w != C{0}) sum.add(plane + middle.index[j * middle.taps + t] * task.source.row, weight * w);
                }
            }
            sum.flush();
            if (last.identity) {
                results = scratch.rows;
            } else {
                mean_row(last, scratch.rows, results);
            }
        }
        if (task.finishes) finish_row(task, row_outside, results);
        store_block(task, k, j, 1, results, last.n_out, scratch.converted);
    }
    if (task.stream) stream_fence();
}

template <class C>
void line_smoothed(const LineTask<C>& task, std::int64_t begin, std::int64_t end, C* buffer, C* smoothed) {
    const std::int64_t n = task.line.n;
    const std::int64_t radius = task.smooth_size / 2;
    load_past_ends(task.source, task.source.base, task.offset, n, begin - radius, end + radius, buffer,
                   [&](std::int64_t i) { return fold_index(i, n, task.mode); });
    fir_row(buffer, 1, task.smooth_weights, task.smooth_size, FilterSymmetry::even, smoothed + begin, end - begin);
}

template <class C>
void line_segment(const LineTask<C>& task, std::int64_t begin, std::int64_t end, C* buffer, C* coefficients) {
    const C* const from =
        segment_coefficients(task.line, task.source, task.source.base, task.offset, begin, end, buffer);
    __builtin_memcpy(coefficients + begin, from, static_cast<std::size_t>(end - begin) * sizeof(C));
}

// Indices and weights of the taps at one coordinate of a long line. They are found as the line is walked: tables would
// take eight times the memory of the result.
template <class C>
struct LineTaps {
    std::int64_t index[kMaxInterpolatorTaps] = {};
    double weight[kMaxInterpolatorTaps] = {};

    // False where all of the sample is cval.
    VOXKERN_INLINE bool find(const LineTask<C>& task, std::int64_t i) {
        return interpolator_taps(task.coordinates[i], task.line.n, task.line.pad, task.kernel, task.mode, index,
                                 weight);
    }
};

template <class C>
void line_samples(const LineTask<C>& task, const C* coefficients, std::int64_t begin, std::int64_t end, C* buffer) {
    const Finish<C> finish = task.finish;
    const int count = task.kernel.radius > 0 ? 2 * task.kernel.radius : task.kernel.order + 1;
    LineTaps<C> taps;
    for (std::int64_t i = begin; i < end; ++i) {
        C& value = buffer[i - begin];
        if (!taps.find(task, i)) {
            value = task.cval;
            continue;
        }
        C sum = coefficients[taps.index[0]] * static_cast<C>(task.gain * taps.weight[0]);
        for (int t = 1; t < count; ++t) {
            sum = madd(coefficients[taps.index[t]], static_cast<C>(task.gain * taps.weight[t]), sum);
        }
        value = finish(sum);
    }
    const LineSide& to = task.target;
    store_row_of<RoundSaturate, C>(to.dtype)(buffer, to.base + begin * to.step * to.itemsize, to.step, end - begin);
}

// E is an unsigned integer of the size of a sample.
template <class E, class C>
void line_elements(const LineTask<C>& task, std::int64_t begin, std::int64_t end) {
    E cval;
    store_row_of<RoundSaturate, C>(task.target.dtype)(&task.cval, &cval, 1, 1);
    const E* const from = reinterpret_cast<const E*>(task.source.base);
    E* const to = reinterpret_cast<E*>(task.target.base);
    LineTaps<C> taps;
    for (std::int64_t i = begin; i < end; ++i) {
        to[i * task.target.step] = taps.find(task, i) ? from[taps.index[0] * task.source.step] : cval;
    }
}

template <class C>
void line_gather(const LineTask<C>& task, std::int64_t begin, std::int64_t end) {
    switch (task.target.itemsize) {
        case 1: line_elements<std::uint8_t>(task, begin, end); break;
        case 2: line_elements<std::uint16_t>(task, begin, end); break;
        case 4: line_elements<std::uint32_t>(task, begin, end); break;
        default: line_elements<std::uint64_t>(task, begin, end); break;
    }
}

// SPDX-License-Identifier: Apache-2.0
// Row loops of resample, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/resample/resample_task.hpp"

namespace voxkern::resample {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/simd.inl.hpp"

// Antialiasing of the first `columns` of a tile whose line starts at `from` and has room for the halo around it.
template <class C>
void smooth_tile(const AxisPlan<C>& plan, C* from, C* to, std::int64_t width, std::int64_t columns) {
    const std::int64_t radius = plan.smooth_size / 2;
    for (std::int64_t e = 0; e < 2 * radius; ++e) {
        C* const row = from + (e < radius ? e - radius : plan.n_in + e - radius) * width;
        if (plan.smooth_extension[e] < 0) {
            fill_row(row, C{0}, columns);
        } else {
            const C* const same = from + plan.smooth_extension[e] * width;
            for (std::int64_t l = 0; l < columns; ++l) row[l] = same[l];
        }
    }
    for (std::int64_t i = 0; i < plan.n_in; ++i) {
        fir_row(from + (i - radius) * width, width, plan.smooth_weights, plan.smooth_size, FilterSymmetry::even,
                to + i * width, columns);
    }
}

// Reads rows of the source, whatever its dtype and stride; `staging` takes what is not contiguous
// or has cval to lose.
template <class C>
struct SourceRows {
    const VolumeSide& from;
    C offset;
    std::int64_t n;
    C* staging;
    std::int64_t width;

    void combine_at(int taps, const std::int64_t* offsets, const C* weights, C* out) const {
        if (from.lane != 1 || offset != C{0}) {
            const LoadRow<C> load_line = load_row_of<C>(from.dtype);
            const C* rows[kMaxInterpolatorTaps];
            for (int t = 0; t < taps; ++t) {
                C* const row = staging + t * width;
                load_line(from.base + offsets[t] * from.itemsize, from.lane, row, n);
                if (offset != C{0}) {
                    for (std::int64_t i = 0; i < n; ++i) row[i] -= offset;
                }
                rows[t] = row;
            }
            combine(taps, rows, weights, out, n);
            return;
        }
        switch (from.dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: typed<T>(taps, offsets, weights, out); break;
            VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
        }
    }

  private:
    template <class T>
    void typed(int taps, const std::int64_t* offsets, const C* weights, C* out) const {
        const T* rows[kMaxInterpolatorTaps];
        for (int t = 0; t < taps; ++t) rows[t] = reinterpret_cast<const T*>(from.base) + offsets[t];
        combine(taps, rows, weights, out, n);
    }
};

// Output row i of an axis from the rows of a tile; `first` is row 0 of the padded line.
template <class C>
inline void interpolate_row(const AxisPlan<C>& plan, std::int64_t i, const C* first, std::int64_t width, C* out,
                            std::int64_t n) {
    const C* rows[kMaxInterpolatorTaps];
    for (int t = 0; t < plan.taps; ++t) rows[t] = first + plan.index[i * plan.taps + t] * width;
    combine(plan.taps, rows, plan.weights + i * plan.taps, out, n);
}

// Output rows [begin, end) of a tile of width W.
template <int T, std::int64_t W, class C>
void interpolate_columns(const AxisPlan<C>& plan, std::int64_t begin, std::int64_t end, const C* first,
                         C* VOXKERN_RESTRICT out) {
    constexpr int U = static_cast<int>(W / kVec<C>);
    const std::int64_t* index = plan.index + begin * T;
    const C* weights = plan.weights + begin * T;
    for (std::int64_t i = begin; i < end; ++i, index += T, weights += T, out += W) {
        Vec<C> sum[U];
        for (int u = 0; u < U; ++u) sum[u] = load(first + index[0] * W + u * kVec<C>) * splat(weights[0]);
        for (int t = 1; t < T; ++t) {
            const Vec<C> w = splat(weights[t]);
            for (int u = 0; u < U; ++u) sum[u] = madd(load(first + index[t] * W + u * kVec<C>), w, sum[u]);
        }
        for (int u = 0; u < U; ++u) store(out + u * kVec<C>, sum[u]);
    }
}

template <std::int64_t W, class C>
void interpolate_columns(const AxisPlan<C>& plan, std::int64_t begin, std::int64_t end, const C* first, C* out) {
    switch (plan.taps) {
        case 1: interpolate_columns<1, W>(plan, begin, end, first, out); break;
        case 2: interpolate_columns<2, W>(plan, begin, end, first, out); break;
        case 3: interpolate_columns<3, W>(plan, begin, end, first, out); break;
        case 4: interpolate_columns<4, W>(plan, begin, end, first, out); break;
        case 5: interpolate_columns<5, W>(plan, begin, end, first, out); break;
        case 6: interpolate_columns<6, W>(plan, begin, end, first, out); break;
        case 8: interpolate_columns<8, W>(plan, begin, end, first, out); break;
        default: interpolate_columns<10, W>(plan, begin, end, first, out); break;
    }
}

// Results transposed back at a time: few enough to be still in L1.
constexpr std::int64_t kTransposeRows = 64;

template <class C>
inline void subtract(C* row, C offset, std::int64_t n) {
    if (offset != C{0}) {
        for (std::int64_t i = 0; i < n; ++i) row[i] -= offset;
    }
}

template <class C>
void first_axis(const Task<C>& task, const AxisPlan<C>& plan, const Lines& lines, const TilePosition& at,
                const Scratch<C>& scratch) {
    const std::int64_t width = round_up(at.lanes, kRowAlign<C>);
    C* const line = scratch.plane + plan.prefilter.pad * width;
    C* const loaded = plan.smooth_size > 0 ? scratch.smoothed + plan.smooth_size / 2 * width : line;
    load_tile(lines.in, at.in_offset, false, plan.n_in, at.lanes, loaded, width, static_cast<C*>(nullptr));
    subtract(loaded, task.source_offset, plan.n_in * width);
    if (plan.smooth_size > 0) smooth_tile(plan, loaded, line, width, width);
    prefilter_tile(plan.prefilter, line, width, width);
    C* const to = reinterpret_cast<C*>(lines.out.base) + at.out_offset;
    for (std::int64_t i = 0; i < plan.n_out; ++i) {
        // The last vector of a row may reach into its neighbour: rows go through the buffer there.
        C* const row = to + i * lines.out.step;
        const bool in_place = at.lanes == width && !task.stream_between;
        interpolate_row(plan, i, scratch.plane, width, in_place ? row : scratch.staging, width);
        if (in_place) continue;
        const std::int64_t bytes = at.lanes * static_cast<std::int64_t>(sizeof(C));
        if (task.stream_between) {
            stream_bytes(row, scratch.staging, bytes);
        } else {
            __builtin_memcpy(row, scratch.staging, static_cast<std::size_t>(bytes));
        }
    }
    if (task.stream_between) stream_fence();
}

// Rows [begin, end) of plane k before axes 1 and 2, as samples of a tile along axis 1.
template <class C>
void combine_first_axis(const Task<C>& task, const SourceRows<C>& source, std::int64_t k, std::int64_t begin,
                        std::int64_t end, C* plane, std::int64_t width) {
    const AxisPlan<C>& first = task.axis[0];
    for (std::int64_t j = begin; j < end; ++j) {
        std::int64_t offsets[kMaxInterpolatorTaps];
        for (int t = 0; t < first.taps; ++t) {
            offsets[t] = first.index[k * first.taps + t] * task.source.step + j * task.source.row;
        }
        C* const row = plane + j * width;
        source.combine_at(first.taps, offsets, first.weights + k * first.taps, row);
        fill_row(row + source.n, C{0}, width - source.n);
    }
}

// Row (k, j) of the result before axis 2, straight from the source: for orders 0 and 1, where axis 1
// needs no coefficients, no plane has to be kept.
template <class C>
void combine_two_axes(const Task<C>& task, const SourceRows<C>& source, std::int64_t k, std::int64_t j, C* row) {
    const AxisPlan<C>& first = task.axis[0];
    const AxisPlan<C>& middle = task.axis[1];
    std::int64_t offsets[kMaxInterpolatorTaps];
    C weights[kMaxInterpolatorTaps];
    int taps = 0;
    for (int s = 0; s < first.taps; ++s) {
        for (int t = 0; t < middle.taps; ++t, ++taps) {
            offsets[taps] = first.index[k * first.taps + s] * task.source.step +
                            middle.index[j * middle.taps + t] * task.source.row;
            weights[taps] = first.weights[k * first.taps + s] * middle.weights[j * middle.taps + t];
        }
    }
    source.combine_at(taps, offsets, weights, row);
}

template <class C>
void finish_row(const Task<C>& task, bool row_outside, C* row) {
    const AxisPlan<C>& last = task.axis[2];
    if (row_outside) {
        fill_row(row, task.cval, last.n_out);
        return;
    }
    const Finish<C> finish = task.finish;
    if (finish.clip) {
        for (std::int64_t i = 0; i < last.n_out; ++i) row[i] = finish(row[i]);
    } else {
        for (std::int64_t i = 0; i < last.n_out; ++i) row[i] += finish.offset;
    }
    if (last.outside != nullptr) {
        for (std::int64_t i = 0; i < last.n_out; ++i) row[i] = last.outside[i] != 0 ? task.cval : row[i];
    }
}

// A block of W rows along axis 2: samples in scratch.rows -> results in scratch.staging.
template <std::int64_t W, class C>
void resample_last_axis(const AxisPlan<C>& last, std::int64_t width, const Scratch<C>& scratch) {
    C* const line = scratch.columns + last.prefilter.pad * W;
    C* const transposed = last.smooth_size > 0 ? scratch.halo + last.smooth_size / 2 * W : line;
    transpose(scratch.rows, width, transposed, W, W, last.n_in);
    if (last.smooth_size > 0) smooth_tile(last, transposed, line, W, W);
    prefilter_tile(last.prefilter, line, W, W);
    for (std::int64_t i = 0; i < last.n_out; i += kTransposeRows) {
        const std::int64_t end = i + kTransposeRows < last.n_out ? i + kTransposeRows : last.n_out;
        interpolate_columns<W>(last, i, end, scratch.columns, scratch.result);
        transpose(scratch.result, W, scratch.staging + i, last.n_out, end - i, W);
    }
}

// Rows j0 on of plane k into the output, converted to its dtype. Streamed rows that touch each other
// in memory go as one run: only its two ends share a cache line with other data.
template <class C>
void store_block(const Task<C>& task, std::int64_t k, std::int64_t j0, std::int64_t rows, const C* results,
                 std::int64_t stride, C* converted) {
    const VolumeSide& to = task.target;
    const std::int64_t n = task.axis[2].n_out;
    const StoreRow<C> store_line = store_row_of<RoundSaturate, C>(to.dtype);
    const std::int64_t row_bytes = n * to.itemsize;
    char* const block = to.base + (k * to.step + j0 * to.row) * to.itemsize;
    if (task.turned) {
        transpose(results, stride, converted, rows, rows, n);
        for (std::int64_t i = 0; i < n; ++i)
            store_line(converted + i * rows, block + i * to.lane * to.itemsize, 1, rows);
        return;
    }
    if (!task.stream) {
        for (std::int64_t r = 0; r < rows; ++r) {
            store_line(results + r * stride, block + r * to.row * to.itemsize, to.lane, n);
        }
        return;
    }
    const char* packed = reinterpret_cast<const char*>(results);
    if (to.dtype != kOwnDType<C> || stride != n) {
        for (std::int64_t r = 0; r < rows; ++r) {
            store_line(results + r * stride, reinterpret_cast<char*>(converted) + r * row_bytes, 1, n);
        }
        packed = reinterpret_cast<const char*>(converted);
    }
    if (to.row == n) {
        stream_bytes(block, packed, rows * row_bytes);
    } else {
        for (std::int64_t r = 0; r < rows; ++r) {
            stream_bytes(block + r * to.row * to.itemsize, packed + r * row_bytes, row_bytes);
        }
    }
}

// Where the samples along axis 1 lie before its filters.
template <class C>
inline C* combined_plane(const AxisPlan<C>& middle, const Scratch<C>& scratch, std::int64_t width) {
    return middle.smooth_size > 0 ? scratch.smoothed + middle.smooth_size / 2 * width
                                  : scratch.plane + middle.prefilter.pad * width;
}

template <class C>
void combine_plane(const Task<C>& task, std::int64_t k, std::int64_t begin, std::int64_t end,
                   const Scratch<C>& scratch) {
    const std::int64_t width = round_up(task.axis[2].n_in, kRowAlign<C>);
    const SourceRows<C> source = {task.source, task.source_offset, task.axis[2].n_in, scratch.taps, width};
    combine_first_axis(task, source, k, begin, end, combined_plane(task.axis[1], scratch, width), width);
}

template <class C>
void filter_plane(const Task<C>& task, std::int64_t begin, std::int64_t end, const Scratch<C>& scratch) {
    const AxisPlan<C>& middle = task.axis[1];
    const std::int64_t width = round_up(task.axis[2].n_in, kRowAlign<C>);
    C* const line = scratch.plane + middle.prefilter.pad * width + begin;
    if (middle.smooth_size > 0) {
        smooth_tile(middle, combined_plane(middle, scratch, width) + begin, line, width, end - begin);
    }
    prefilter_tile(middle.prefilter, line, width, end - begin);
}

// The samples along axis 1 that rows [begin, end) are made of; filtered ones are all needed.
template <class C>
void prepare_plane(const Task<C>& task, std::int64_t k, std::int64_t begin, std::int64_t end,
                   const Scratch<C>& scratch) {
    const AxisPlan<C>& middle = task.axis[1];
    if (middle.prefilter.poles > 0 || middle.smooth_size > 0) {
        combine_plane(task, k, 0, middle.n_in, scratch);
        filter_plane(task, 0, round_up(task.axis[2].n_in, kRowAlign<C>), scratch);
        return;
    }
    std::int64_t low = middle.index[begin * middle.taps];
    std::int64_t high = low;
    for (std::int64_t t = begin * middle.taps; t < end * middle.taps; ++t) {
        low = middle.index[t] < low ? middle.index[t] : low;
        high = middle.index[t] > high ? middle.index[t] : high;
    }
    combine_plane(task, k, low, high + 1, scratch);
}

template <class C>
void resample_rows(const Task<C>& task, std::int64_t k, std::int64_t begin, std::int64_t end,
                   const Scratch<C>& scratch) {
    constexpr std::int64_t W = kRowAlign<C>;
    const AxisPlan<C>& middle = task.axis[1];
    const AxisPlan<C>& last = task.axis[2];
    const bool outside = task.axis[0].outside != nullptr && task.axis[0].outside[k] != 0;
    const std::int64_t width = round_up(last.n_in, W);
    const SourceRows<C> source = {task.source, task.source_offset, last.n_in, scratch.taps, width};
    if (!outside && !task.direct && !task.shares_plane) prepare_plane(task, k, begin, end, scratch);
    const bool transposes = !last.identity && last.picks.start == nullptr;
    const std::int64_t stride = last.identity ? width : last.n_out;
    C* const results = last.identity ? scratch.rows : scratch.staging;
    // Rows that need no transposing are better still in L1.
    const std::int64_t block = transposes || task.turned ? kBlockRows<C> : W / 4;
    for (std::int64_t j0 = begin; j0 < end; j0 += block) {
        const std::int64_t rows = end - j0 < block ? end - j0 : block;
        for (std::int64_t r = 0; r < rows && !outside; ++r) {
            // Rows are kept until they are transposed together; permuted ones are used up at once.
            C* const row = scratch.rows + (transposes || last.identity ? r * width : 0);
            if (task.direct) {
                combine_two_axes(task, source, k, j0 + r, row);
            } else {
                interpolate_row(middle, j0 + r, scratch.plane, width, row, width);
            }
            if (last.picks.start != nullptr) pick_row(last.picks, row, scratch.staging + r * last.n_out);
        }
        if (transposes && !outside && rows > W) resample_last_axis<kBlockRows<C>>(last, width, scratch);
        if (transposes && !outside && rows <= W) resample_last_axis<W>(last, width, scratch);
        if (task.finishes) {
            for (std::int64_t r = 0; r < rows; ++r) {
                const bool row_outside = outside || (middle.outside != nullptr && middle.outside[j0 + r] != 0);
                finish_row(task, row_outside, results + r * stride);
            }
        }
        store_block(task, k, j0, rows, results, stride, scratch.converted);
    }
    if (task.stream) stream_fence();
}

#include "kernels/resample/resample_direct.inl.hpp"

template <class C>
void range_of_tile(const Lines& lines, const TilePosition& at, C* row, C* lowest, C* highest) {
    const LoadRow<C> load_line = load_row_of<C>(lines.in.dtype);
    const LineSide side = lines.transposed ? swap_directions(lines.in) : lines.in;
    const std::int64_t count = at.count * lines.width;
    const std::int64_t rows = lines.transposed ? at.lanes : count;
    const std::int64_t n = lines.transposed ? count : at.lanes;
    const std::int64_t first = at.in_offset + at.first * lines.width * lines.in.step;
    for (std::int64_t i = 0; i < rows; ++i) {
        load_line(side.base + (first + i * side.step) * side.itemsize, side.lane, row, n);
        for (std::int64_t l = 0; l < n; ++l) {
            *lowest = row[l] < *lowest ? row[l] : *lowest;
            *highest = row[l] > *highest ? row[l] : *highest;
        }
    }
}

template <class C>
constexpr Kernels<C> kernels_of() {
    return {first_axis<C>,   combine_plane<C>, filter_plane<C>,  resample_rows<C>,
            mean_rows<C>,    gather_rows<C>,   line_smoothed<C>, line_segment<C>,
            line_samples<C>, line_gather<C>,   range_of_tile<C>, kHasPick<C> ? kVec<C> : 0};
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {kernels_of<float>(), kernels_of<double>()};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::resample

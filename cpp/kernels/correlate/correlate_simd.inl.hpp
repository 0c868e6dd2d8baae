// SPDX-License-Identifier: Apache-2.0
// Row loops of correlate, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/correlate/correlate_task.hpp"

namespace voxkern::correlate {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/simd.inl.hpp"

// Vectors of a result row that stay in registers, for kRows rows: 24 sums of 32 registers, or 12 of 16.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kWide = 4;
#else
constexpr int kWide = 2;
#endif

// --- tiles ---

// The source of sample i of an axis, or kOutside.
inline std::int64_t source_of(const AxisTask& axis, std::int64_t i) {
    if (i >= 0 && i < axis.extent) return i;
    return axis.extension[i < 0 ? i + axis.ahead : i - axis.extent + axis.ahead];
}

struct Part {
    std::int64_t first;
    std::int64_t count;
};

// The results of a tile along an axis: tiles differ by one sample at most.
inline Part part_of(const AxisTask& axis, std::int64_t tile) {
    const std::int64_t first = tile * axis.extent / axis.tiles;
    return {first, (tile + 1) * axis.extent / axis.tiles - first};
}

// Samples of a row for the results of `part`, from the row that starts at `src`.
template <class C>
void load_extended(const Task<C>& task, const char* src, const Part& part, LoadRow<C> load_line, C* to) {
    const AxisTask& row = task.row;
    const std::int64_t width = task.width;
    const std::int64_t begin = part.first - row.before;
    const std::int64_t end = begin + part.count + row.taps - 1;
    const std::int64_t low = begin > 0 ? begin : 0;
    const std::int64_t high = end < row.extent ? end : row.extent;
    const auto samples = [&](std::int64_t first, std::int64_t count, std::int64_t at) {
        const char* const from = src + first * width * task.in_step * task.in_itemsize;
        load_line(from, task.in_step, to + (at - begin) * width, count * width);
    };
    if (low < high) samples(low, high - low, low);
    for (std::int64_t i = begin; i < end; ++i) {
        if (i == low && low < high) i = high;
        if (i >= end) break;
        const std::int64_t source = source_of(row, i);
        if (source < 0) {
            fill_row(to + (i - begin) * width, task.cval, width);
        } else {
            samples(source, 1, i);
        }
    }
    const std::int64_t filled = (end - begin) * width;
    fill_row(to + filled, C{0}, task.pitch - filled);
}

// All rows of a tile, those that lie outside the array too.
template <class C>
void load_box(const Task<C>& task, const Part* parts, const Part& along, C* samples) {
    const LoadRow<C> load_line = load_row_of<C>(task.in_dtype);
    const int last = task.n_outer - 1;
    std::int64_t index[kMaxRank] = {};
    for (;;) {
        const char* src = task.in;
        C* to = samples;
        bool outside = false;
        for (int a = 0; a <= last; ++a) {
            const AxisTask& axis = task.outer[a];
            const std::int64_t source = source_of(axis, parts[a].first - axis.before + index[a]);
            outside = outside || source < 0;
            src += source * axis.in_stride * task.in_itemsize;
            to += index[a] * axis.tile_stride;
        }
        if (outside) {
            fill_row(to, task.cval, task.pitch);
        } else {
            load_extended(task, src, along, load_line, to);
        }
        int a = last;
        while (a >= 0 && ++index[a] == parts[a].count + task.outer[a].taps - 1) index[a--] = 0;
        if (a < 0) return;
    }
}

// --- sums ---

// Adds the taps of a step to the sums of result rows First <= r < Last: each sample loaded serves them all.
template <int First, int Last, int R, int N, class C>
VOXKERN_INLINE void add_step(const Task<C>& task, const Step& step, const C* x, Vec<C> (&sum)[R][N]) {
    const C* from = x + step.offset;
    const C* w = task.weights + step.weight;
    for (std::int32_t i = 0; i < step.count; ++i) {
        Vec<C> sample[N];
        for (int v = 0; v < N; ++v) sample[v] = load(from + v * kVec<C>);
        for (int r = First; r < Last; ++r) {
            const Vec<C> weight = splat(w[(First - r) * task.weight_row]);
            for (int v = 0; v < N; ++v) sum[r][v] = tap(sample[v], weight, sum[r][v]);
        }
        from += task.width;
        w += task.weight_step;
    }
}

// Result rows 0 <= r < R, N vectors each. `x` is the first sample under the first tap of row 0.
template <int R, int N, class C>
void make_block(const Task<C>& task, const C* x, C* to, std::int64_t to_row) {
    const Step* step = task.steps;
    for (std::int64_t p = 0; p < task.n_parts; ++p) {
        const Step* const end = task.steps + task.parts[p];
        Vec<C> sum[R][N];
        for (int r = 0; r < R; ++r) {
            for (int v = 0; v < N; ++v) sum[r][v] = splat(C{0});
        }
        for (; step < end; ++step) {
            switch (step->first * 8 + step->last) {
#define VOXKERN_STEP(first, last)                                                              \
    case first * 8 + last:                                                                     \
        if constexpr (last <= R) add_step<first, last>(task, *step, x, sum); \
        break;
                VOXKERN_STEP(0, 1)
                VOXKERN_STEP(0, 2)
                VOXKERN_STEP(0, 3)
                VOXKERN_STEP(0, 4)
                VOXKERN_STEP(0, 5)
                VOXKERN_STEP(0, 6)
                VOXKERN_STEP(1, 2)
                VOXKERN_STEP(1, 3)
                VOXKERN_STEP(1, 4)
                VOXKERN_STEP(1, 5)
                VOXKERN_STEP(1, 6)
                VOXKERN_STEP(2, 3)
                VOXKERN_STEP(2, 4)
                VOXKERN_STEP(2, 5)
                VOXKERN_STEP(2, 6)
                VOXKERN_STEP(3, 4)
                VOXKERN_STEP(3, 5)
                VOXKERN_STEP(3, 6)
                VOXKERN_STEP(4, 5)
                VOXKERN_STEP(4, 6)
                VOXKERN_STEP(5, 6)
#undef VOXKERN_STEP
                default: break;
            }
        }
        for (int r = 0; r < R; ++r) {
            for (int v = 0; v < N; ++v) {
                C* const at = to + r * to_row + v * kVec<C>;
                store(at, p == 0 ? sum[r][v] : load(at) + sum[r][v]);
            }
        }
    }
}

template <class C>
using MakeBlock = void (*)(const Task<C>&, const C*, C*, std::int64_t);

// The block that fits n elements of a row, and its length.
template <int R, class C>
MakeBlock<C> block_for(std::int64_t n, std::int64_t* length) {
    const int vectors = n <= kVec<C> ? 1 : (n <= 2 * kVec<C> ? 2 : kWide);
    *length = vectors * kVec<C>;
    if (vectors == 1) return make_block<R, 1, C>;
    if (vectors == 2) return make_block<R, 2, C>;
    return make_block<R, kWide, C>;
}

// The result rows that lie side by side, from those of the tile that start at `x`. A last block that would stick out
// overlaps the one before it instead.
template <class C>
void make_rows(const Task<C>& task, const C* x, char* out, std::int64_t rows, std::int64_t n, C* results) {
    const AxisTask& beside = task.outer[task.n_outer - 1];
    std::int64_t length = 0;
    const MakeBlock<C> make = task.rows == 1 ? block_for<1, C>(n, &length) : block_for<kRows, C>(n, &length);
    const bool in_place = task.out_dtype == kOwnDType<C> && task.out_step == 1 && n >= length;
    const StoreRow<C> store_line = store_row_of<TruncateWrap, C>(task.out_dtype);
    const std::int64_t buffer_row = round_up(n > length ? n : length, kRowAlign<C>);
    for (std::int64_t y = 0; y < rows; y += task.rows) {
        const std::int64_t row = y + task.rows <= rows ? y : rows - task.rows;
        char* const target = out + row * beside.out_stride * task.out_itemsize;
        C* const to = in_place ? reinterpret_cast<C*>(target) : results;
        const std::int64_t to_row = in_place ? beside.out_stride : buffer_row;
        for (std::int64_t i = 0; i < n; i += length) {
            const std::int64_t at = i + length <= n || n < length ? i : n - length;
            make(task, x + row * task.pitch + at, to + at, to_row);
        }
        for (std::int64_t r = 0; !in_place && r < task.rows; ++r) {
            store_line(results + r * buffer_row, target + r * beside.out_stride * task.out_itemsize, task.out_step, n);
        }
    }
}

template <class C>
void filter_tile(const Task<C>& task, std::int64_t tile, C* samples, C* results) {
    const int last = task.n_outer - 1;
    const Part along = part_of(task.row, tile % task.row.tiles);
    tile /= task.row.tiles;
    Part parts[kMaxRank];
    for (int a = last; a >= 0; --a) {
        parts[a] = part_of(task.outer[a], tile % task.outer[a].tiles);
        tile /= task.outer[a].tiles;
    }
    load_box(task, parts, along, samples);
    std::int64_t index[kMaxRank] = {};
    for (;;) {
        const C* x = samples;
        std::int64_t offset = along.first * task.width * task.out_step;
        for (int a = 0; a <= last; ++a) {
            x += index[a] * task.outer[a].tile_stride;
            offset += (parts[a].first + index[a]) * task.outer[a].out_stride;
        }
        make_rows(task, x, task.out + offset * task.out_itemsize, parts[last].count, along.count * task.width, results);
        int a = last - 1;
        while (a >= 0 && ++index[a] == parts[a].count) index[a--] = 0;
        if (a < 0) return;
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {filter_tile<float>, filter_tile<double>};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::correlate

// SPDX-License-Identifier: Apache-2.0
// Row loops of correlate, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/correlate/correlate_task.hpp"

namespace voxkern::correlate {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/simd.inl.hpp"
// clang-format off: after those
#include "core/simd/fourier.inl.hpp"
// clang-format on

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

// Samples of a row for the results of `part`, from the row that starts at `src`; `there`: but for those of its
// extension they have been loaded.
template <class C>
void load_extended(const Task<C>& task, const char* src, const Part& part, LoadRow<C> load_line, bool there, C* to) {
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
    if (low < high && !there) samples(low, high - low, low);
    for (std::int64_t i = begin; i < end; ++i) {
        if (i == low && low < high) i = high;
        if (i >= end) break;
        const std::int64_t source = source_of(row, i);
        C* const at = to + (i - begin) * width;
        if (source < 0) {
            fill_row(at, task.cval, width);
        } else if (source >= low && source < high) {  // of the samples that have been loaded
            for (std::int64_t c = 0; c < width; ++c) at[c] = at[(source - i) * width + c];
        } else {
            samples(source, 1, i);
        }
    }
    const std::int64_t filled = (end - begin) * width;
    fill_row(to + filled, C{0}, task.pitch - filled);
}

// Rows whose samples lie apart, side by side along an axis whose samples are neighbours in memory: `count` rows from
// the one at `src`, without their extension.
template <class C>
void load_across(const Task<C>& task, const char* src, const Part& part, std::int64_t count, LoadRow<C> load_line,
                 C* staging, C* to) {
    const std::int64_t begin = part.first - task.row.before;
    const std::int64_t end = begin + part.count + task.row.taps - 1;
    const std::int64_t low = begin > 0 ? begin : 0;
    const std::int64_t high = end < task.row.extent ? end : task.row.extent;
    const std::int64_t stride = task.outer[task.across].tile_stride;
    for (std::int64_t i = low; i < high; i += kLongestBlock) {
        const std::int64_t n = high - i < kLongestBlock ? high - i : kLongestBlock;
        const char* const from = src + i * task.in_step * task.in_itemsize;
        if (task.in_dtype == kOwnDType<C>) {
            transpose(reinterpret_cast<const C*>(from), task.in_step, to + i - begin, stride, n, count);
            continue;
        }
        for (std::int64_t k = 0; k < n; ++k) {
            load_line(from + k * task.in_step * task.in_itemsize, 1, staging + k * count, count);
        }
        transpose(staging, count, to + i - begin, stride, n, count);
    }
}

// All rows of a tile, those that lie outside the array too; but for its first `ready` planes along the slid axis.
template <class C>
void load_box(const Task<C>& task, const Part* parts, const Part& along, std::int64_t ready, C* staging, C* samples) {
    const LoadRow<C> load_line = load_row_of<C>(task.in_dtype);
    const int last = task.n_outer - 1;
    std::int64_t index[kMaxRank] = {};
    index[task.slid] = ready;
    for (;;) {
        const char* src = task.in;
        C* to = samples;
        bool outside = false;
        bool there = false;
        std::int64_t neighbours = 0;
        for (int a = 0; a <= last; ++a) {
            const AxisTask& axis = task.outer[a];
            const std::int64_t i = parts[a].first - axis.before + index[a];
            const std::int64_t source = source_of(axis, i);
            outside = outside || source < 0;
            src += source * axis.in_stride * task.in_itemsize;
            to += index[a] * axis.tile_stride;
            if (a == task.across && i == source) {
                there = true;
                const std::int64_t end = parts[a].first - axis.before + parts[a].count + axis.taps - 1;
                const bool first = i == 0 || index[a] == (a == task.slid ? ready : 0);
                if (first) neighbours = (end < axis.extent ? end : axis.extent) - i;
            }
        }
        if (outside) {
            fill_row(to, task.cval, task.pitch);
        } else {
            if (neighbours > 0) load_across(task, src, along, neighbours, load_line, staging, to);
            load_extended(task, src, along, load_line, there, to);
        }
        int a = last;
        while (a >= 0 && ++index[a] == parts[a].count + task.outer[a].taps - 1) {
            index[a] = a == task.slid ? ready : 0;
            --a;
        }
        if (a < 0) return;
    }
}

// --- sums ---

// Keeps a sample in its register. GCC would rather load it again for every row, and of loads that cross cache lines
// only one is made in a cycle.
template <class V>
VOXKERN_INLINE void keep(V& sample) {
#if defined(__AVX512F__)
    asm("" : "+v"(sample));
#elif defined(__SSE2__)
    asm("" : "+x"(sample));
#elif defined(__aarch64__)
    asm("" : "+w"(sample));
#endif
}

// Adds the taps of a step to the sums of result rows First <= r < Last: each sample loaded serves them all.
template <int First, int Last, int R, int N, class C>
VOXKERN_INLINE void add_step(const Task<C>& task, const Step& step, const C* x, Vec<C> (&sum)[R][N]) {
    const C* from = x + step.offset;
    const C* w = task.weights + step.weight;
    for (std::int32_t i = 0; i < step.count; ++i) {
        Vec<C> sample[N];
        for (int v = 0; v < N; ++v) {
            sample[v] = load(from + v * kVec<C>);
            keep(sample[v]);
        }
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
#define VOXKERN_STEP(first, last)                                            \
    case first * 8 + last:                                                   \
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

// Calls visit(samples, offset of the results) for every position of a tile along all outer axes but the last.
template <class C, class Visit>
VOXKERN_INLINE void for_positions(const Task<C>& task, const Part* parts, const C* samples, const Visit& visit) {
    const int others = task.n_outer - 1;
    std::int64_t index[kMaxRank] = {};
    for (;;) {
        const C* x = samples;
        std::int64_t offset = 0;
        for (int a = 0; a < others; ++a) {
            x += index[a] * task.outer[a].tile_stride;
            offset += index[a] * task.outer[a].out_stride;
        }
        visit(x, offset * task.out_itemsize);
        int a = others - 1;
        while (a >= 0 && ++index[a] == parts[a].count) index[a--] = 0;
        if (a < 0) return;
    }
}

// Blocks one behind the other along the slower axes: most of a block's samples are those of the block before, in L1.
// A last block that would stick out overlaps its neighbour instead.
template <class C>
void make_tile(const Task<C>& task, const Part* parts, const Part& along, const C* samples, C* results) {
    const AxisTask& beside = task.outer[task.n_outer - 1];
    const std::int64_t rows = parts[task.n_outer - 1].count;
    const std::int64_t n = along.count * task.width;
    std::int64_t length = 0;
    const MakeBlock<C> make = task.rows == 1 ? block_for<1, C>(n, &length) : block_for<kRows, C>(n, &length);
    const std::int64_t used = length < n ? length : n;
    const bool in_place = task.out_dtype == kOwnDType<C> && task.out_step == 1 && used == length;
    const StoreRow<C> store_line = store_row_of<TruncateWrap, C>(task.out_dtype);
    const std::int64_t row_bytes = beside.out_stride * task.out_itemsize;
    std::int64_t first = along.first * task.width * task.out_step;
    for (int a = 0; a < task.n_outer; ++a) first += parts[a].first * task.outer[a].out_stride;
    char* const out = task.out + first * task.out_itemsize;
    for (std::int64_t y = 0; y < rows; y += task.rows) {
        const std::int64_t row = y + task.rows <= rows ? y : rows - task.rows;
        for (std::int64_t i = 0; i < n; i += used) {
            const std::int64_t at = i + used <= n ? i : n - used;
            char* const target = out + row * row_bytes + at * task.out_step * task.out_itemsize;
            for_positions(task, parts, samples + row * task.pitch + at, [&](const C* x, std::int64_t offset) {
                if (in_place) {
                    make(task, x, reinterpret_cast<C*>(target + offset), beside.out_stride);
                    return;
                }
                make(task, x, results, length);
                for (std::int64_t r = 0; r < task.rows; ++r) {
                    store_line(results + r * length, target + offset + r * row_bytes, task.out_step, used);
                }
            });
        }
    }
}

// A run of tiles one behind the other along the slid axis. Each keeps the planes that it shares with the one before.
template <class C>
void filter_run(const Task<C>& task, std::int64_t run, C* samples, C* results) {
    const Part along = part_of(task.row, run % task.row.tiles);
    run /= task.row.tiles;
    Part parts[kMaxRank];
    for (int a = task.n_outer - 1; a >= 0; --a) {
        if (a == task.slid) continue;
        parts[a] = part_of(task.outer[a], run % task.outer[a].tiles);
        run /= task.outer[a].tiles;
    }
    const AxisTask& slid = task.outer[task.slid];
    const std::int64_t end = (run + 1) * task.run_tiles;
    for (std::int64_t t = run * task.run_tiles; t < end && t < slid.tiles; ++t) {
        std::int64_t ready = 0;
        if (t > run * task.run_tiles) {
            ready = slid.taps - 1;
            const C* const shared = samples + parts[task.slid].count * slid.tile_stride;
            __builtin_memmove(samples, shared, static_cast<std::size_t>(ready * slid.tile_stride) * sizeof(C));
        }
        parts[task.slid] = part_of(slid, t);
        load_box(task, parts, along, ready, results, samples);
        make_tile(task, parts, along, samples, results);
    }
}

// --- tiles in Fourier space ---

#include "kernels/correlate/correlate_fourier.inl.hpp"

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {{filter_run<float>, kFourierOps<float>}, {filter_run<double>, kFourierOps<double>}};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::correlate

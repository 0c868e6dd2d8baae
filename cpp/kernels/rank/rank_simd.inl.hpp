// SPDX-License-Identifier: Apache-2.0
// Row loops of rank, compiled once per ISA level inside that level's namespace: samples to keys and back, the steps of
// a program, selection bit by bit.
#include "core/simd/intrinsics.hpp"
#include "kernels/rank/rank_nets.hpp"
#include "kernels/rank/rank_task.hpp"

namespace voxkern::rank {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/vec.inl.hpp"
#include "core/simd/convert.inl.hpp"
#include "kernels/rank/rank_keys.inl.hpp"
#include "kernels/rank/rank_slide.inl.hpp"
// clang-format on

template <class K>
using V = Vec<K>;

constexpr int kRowVecs = kRowBytes / VOXKERN_VEC_BYTES;

// --- the steps of a program ---

template <class Which, int kAt, class K>
VOXKERN_INLINE void read_all(const K* base, const std::int32_t* from, std::int64_t at, V<K>* x) {
    if constexpr (kAt < Which::kCount) {
        x[kAt] = load(base + from[kAt] + at);
        read_all<Which, kAt + 1>(base, from, at, x);
    }
}

template <class Which, int kAt, class K>
VOXKERN_INLINE void write_all(K* base, const std::int32_t* to, std::int64_t at, const V<K>* x) {
    if constexpr (kAt < Which::kCount) {
        store(base + to[kAt] + at, x[Which::net.order[kAt]]);
        write_all<Which, kAt + 1>(base, to, at, x);
    }
}

template <class K>
using RunNet = void (*)(const K* from, K* rows, const std::int32_t* operands, std::int64_t n);

// `n` elements of each row; a multiple of a vector.
template <class Which, class K>
void run_net(const K* from, K* rows, const std::int32_t* operands, std::int64_t n) {
    constexpr std::int64_t lanes = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(K));
    for (std::int64_t at = 0; at < n; at += lanes) {
        V<K> x[Which::kCount];
        read_all<Which, 0>(from, operands, at, x);
        compare_all<Which, 0>(x);
        write_all<Which, 0>(rows, operands + Which::kCount, at, x);
    }
}

template <class K>
struct Nets {
    static constexpr RunNet<K> sort[] = {nullptr,
                                         run_net<SortOf<1>, K>,
                                         run_net<SortOf<2>, K>,
                                         run_net<SortOf<3>, K>,
                                         run_net<SortOf<4>, K>,
                                         run_net<SortOf<5>, K>,
                                         run_net<SortOf<6>, K>,
                                         run_net<SortOf<7>, K>,
                                         run_net<SortOf<8>, K>,
                                         run_net<SortOf<9>, K>};
    // By p + q; where that is odd, the longer list comes first.
    static constexpr RunNet<K> merge[] = {nullptr,
                                          nullptr,
                                          nullptr,
                                          run_net<MergeOf<2, 1>, K>,
                                          run_net<MergeOf<2, 2>, K>,
                                          run_net<MergeOf<3, 2>, K>,
                                          run_net<MergeOf<3, 3>, K>,
                                          run_net<MergeOf<4, 3>, K>,
                                          run_net<MergeOf<4, 4>, K>,
                                          run_net<MergeOf<5, 4>, K>,
                                          run_net<MergeOf<5, 5>, K>,
                                          run_net<MergeOf<6, 5>, K>,
                                          run_net<MergeOf<6, 6>, K>,
                                          run_net<MergeOf<7, 6>, K>,
                                          run_net<MergeOf<7, 7>, K>,
                                          run_net<MergeOf<8, 7>, K>,
                                          run_net<MergeOf<8, 8>, K>,
                                          run_net<MergeOf<9, 8>, K>,
                                          run_net<MergeOf<9, 9>, K>};
};

// The smallest of the larger ones of each pair of rows, for four vectors at a time.
template <class K>
void pick_row(K* rows, const std::int32_t* pairs, std::int64_t count, std::int64_t n) {
    constexpr std::int64_t lanes = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(K));
    for (std::int64_t at = 0; at < n; at += 4 * lanes) {
        V<K> least[4];
        for (int v = 0; v < 4; ++v) {
            least[v] = higher(load(rows + pairs[0] + at + v * lanes), load(rows + pairs[1] + at + v * lanes));
        }
        for (std::int64_t i = 1; i < count; ++i) {
            const K* const a = rows + pairs[2 * i] + at;
            const K* const b = rows + pairs[2 * i + 1] + at;
            for (int v = 0; v < 4; ++v) {
                least[v] = lower(least[v], higher(load(a + v * lanes), load(b + v * lanes)));
            }
        }
        for (int v = 0; v < 4; ++v) store(rows + pairs[2 * count] + at + v * lanes, least[v]);
    }
}

template <class K>
void swap_rows(K* rows, const std::int32_t* operands, std::int64_t count, std::int64_t n) {
    constexpr std::int64_t lanes = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(K));
    for (std::int64_t i = 0; i < count; ++i, operands += 4) {
        for (std::int64_t at = 0; at < n; at += 4 * lanes) {
            V<K> a[4];
            V<K> b[4];
            for (int v = 0; v < 4; ++v) {
                a[v] = load(rows + operands[0] + at + v * lanes);
                b[v] = load(rows + operands[1] + at + v * lanes);
            }
            for (int v = 0; v < 4; ++v) {
                store(rows + operands[2] + at + v * lanes, lower(a[v], b[v]));
                store(rows + operands[3] + at + v * lanes, higher(a[v], b[v]));
            }
        }
    }
}

template <bool kLow, class K>
void halve(K* rows, const std::int32_t* operands, std::int64_t n) {
    constexpr std::int64_t lanes = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(K));
    for (std::int64_t at = 0; at < n; at += lanes) {
        const V<K> a = load(rows + operands[0] + at);
        const V<K> b = load(rows + operands[1] + at);
        store(rows + operands[2] + at, kLow ? lower(a, b) : higher(a, b));
    }
}

// Runs a program on the first `n` elements of its rows.
template <class K>
void run_program(const Program& program, const K* staged, K* rows, std::int64_t n) {
    constexpr std::int64_t lanes = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(K));
    const std::int64_t whole = (n + lanes - 1) / lanes * lanes;
    for (std::int64_t i = 0; i < program.count; ++i) {
        const Step& step = program.steps[i];
        const std::int32_t* const operands = program.operands + step.first;
        switch (step.op) {
            case Op::sort: Nets<K>::sort[step.p](staged, rows, operands, whole); break;
            case Op::merge: Nets<K>::merge[step.p + step.q](rows, rows, operands, whole); break;
            case Op::swap: swap_rows(rows, operands, step.p, whole); break;
            case Op::low: halve<true>(rows, operands, whole); break;
            case Op::high: halve<false>(rows, operands, whole); break;
            case Op::pick: pick_row(rows, operands, step.p, whole); break;
        }
    }
}

// --- tiles ---

// Samples [first, first + n) of a line, which may lie beyond its ends, as keys. kNoRow: the line is outside.
template <class K>
void stage(const Task& task, const Codec<K>& codec, std::int64_t line, std::int64_t first, std::int64_t n, K* to) {
    const AxisTask& x = task.x;
    const auto fill = [&](K* p) { *p = codec.outside; };
    if (line == kNoRow) {
        for (std::int64_t i = 0; i < n; ++i) fill(to + i);
        return;
    }
    const char* const base = task.in + line * task.in_itemsize;
    const auto samples = [&](std::int64_t i, std::int64_t count, K* p) {
        codec.load(task, base + i * x.in_stride * task.in_itemsize, p, count);
    };
    const std::int64_t last = first + n;
    const std::int64_t low = first > 0 ? first : 0;
    const std::int64_t high = last < x.n ? last : x.n;
    if (low < high) samples(low, high - low, to + (low - first));
    for (std::int64_t p = first; p < last; ++p) {
        if (p == low && low < high) p = high;
        if (p >= last) break;
        const std::int64_t i = x.index[p + x.before];
        K* const here = to + (p - first);
        if (i == kOutside) {
            fill(here);
        } else if (i >= low && i < high) {
            *here = to[i - first];
        } else {
            samples(i, 1, here);
        }
    }
}

// All samples of a block of boxes: plane i of them at i + 1, for step 0 has a plane before the first.
template <class K>
void stage_block(const Task& task, const Codec<K>& codec, const Tile& tile, K* staged) {
    for (std::int64_t i = 0; i < tile.n_z + task.z.size - 1; ++i) {
        const std::int64_t z = task.z.index[tile.z + i];
        for (std::int64_t r = 0; r < tile.n_y + task.y.size - 1; ++r) {
            const std::int64_t y = task.y.index[tile.y + r];
            const bool outside = z == kOutside || y == kOutside;
            const std::int64_t line = outside ? kNoRow : tile.in_offset + z * task.z.in_stride + y * task.y.in_stride;
            stage(task, codec, line, tile.x - task.x.before, tile.n_x + task.x.size - 1,
                  staged + (i + 1) * task.plane + r * task.pitch);
        }
    }
}

// Whether all samples under the windows of a strip are the same: the background of most images.
template <class K>
bool is_constant(const Task& task, const Tile& tile, const K* staged) {
    const K first = staged[task.plane];
    for (std::int64_t i = 0; i < tile.n_z + task.z.size - 1; ++i) {
        for (std::int64_t r = 0; r < tile.n_y + task.y.size - 1; ++r) {
            const K* const row = staged + (i + 1) * task.plane + r * task.pitch;
            K differ = 0;
            for (std::int64_t x = 0; x < tile.n_x + task.x.size - 1; ++x) differ |= row[x] ^ first;
            if (differ != 0) return false;
        }
    }
    return true;
}

// Where the results of a strip at z and r of its tile go.
VOXKERN_INLINE char* target(const Task& task, const Tile& tile, std::int64_t z, std::int64_t r) {
    const std::int64_t to = tile.out_offset + (tile.z + z) * task.z.out_stride + (tile.y + r) * task.y.out_stride +
                            tile.x * task.x.out_stride;
    return task.out + to * task.out_itemsize;
}

// Two results along z from z on; those of one place along y lie next to each other.
template <class K>
void store_results(const Task& task, const Codec<K>& codec, const Tile& tile, std::int64_t z, const K* results) {
    constexpr std::int64_t width = kRowBytes / static_cast<std::int64_t>(sizeof(K));
    for (std::int64_t k = 0; k < 2 && z + k < tile.n_z; ++k) {
        for (std::int64_t r = 0; r < tile.n_y; ++r) {
            codec.store(task, results + (2 * r + k) * width, target(task, tile, z + k, r), tile.n_x);
        }
    }
}

// Stores retire in order: those that wait for memory would hold up the rows of the network behind them.
// Inline: GCC drops the call of a function that only prefetches.
VOXKERN_INLINE void prefetch_targets(const Task& task, const Tile& tile, std::int64_t z) {
    if (task.x.out_stride != 1) return;
    const std::int64_t bytes = tile.n_x * task.out_itemsize;
    for (std::int64_t k = z < 0 ? 0 : z; k < z + 2 && k < tile.n_z; ++k) {
        for (std::int64_t r = 0; r < tile.n_y; ++r) {
            char* const to = target(task, tile, k, r);
            for (std::int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(to + at, 1);
        }
    }
}

// One strip of a block, at rows_y places along y: steps along z.
template <class K>
void march(const Task& task, const Codec<K>& codec, const Tile& tile, const K* staged, K* rows) {
    K* const results = rows + task.results;
    if (is_constant(task, tile, staged)) {
        const std::int64_t n = 2 * task.rows_y * kRowBytes / static_cast<std::int64_t>(sizeof(K));
        for (std::int64_t i = 0; i < n; ++i) results[i] = staged[task.plane];
        for (std::int64_t z = 0; z < tile.n_z; z += 2) store_results(task, codec, tile, z, results);
        return;
    }
    constexpr std::int64_t kAhead = 6;  // results along z
    for (std::int64_t step = 0; 2 * (step - task.lag) < tile.n_z; ++step) {
        const bool full = step >= task.lag;
        const std::int64_t z = 2 * (step - task.lag);
        prefetch_targets(task, tile, z + kAhead);
        const Program& program = task.programs[step % task.phases + (full ? 0 : task.phases)];
        run_program(program, staged + 2 * step * task.plane, rows, tile.n_x);
        if (full) store_results(task, codec, tile, z, results);
    }
}

template <class K>
void box_block(const Task& task, const Tile& block, void* staged_memory, void* rows) {
    constexpr std::int64_t width = kRowBytes / static_cast<std::int64_t>(sizeof(K));
    K* const staged = static_cast<K*>(staged_memory);
    const Codec<K> codec = codec_of(task, K{});
    stage_block(task, codec, block, staged);
    for (std::int64_t r = 0; r < block.n_y; r += task.rows_y) {
        for (std::int64_t x = 0; x < block.n_x; x += width) {
            Tile tile = block;
            tile.y = block.y + r;
            tile.n_y = task.rows_y < block.n_y - r ? task.rows_y : block.n_y - r;
            tile.x = block.x + x;
            tile.n_x = width < block.n_x - x ? width : block.n_x - x;
            march(task, codec, tile, staged + r * task.pitch + x, static_cast<K*>(rows));
        }
    }
}

template <class K>
void stage_footprint(const Task& task, const Codec<K>& codec, const Tile& tile, K* staged) {
    for (std::int64_t r = 0; r < tile.n_rows; ++r) {
        stage(task, codec, tile.rows[r], tile.x - task.x.before, tile.n_x + task.x.size - 1, staged + r * task.pitch);
    }
}

template <class K>
void store_tile(const Task& task, const Codec<K>& codec, const Tile& tile, const K* row) {
    const std::int64_t to = tile.out_offset + tile.x * task.x.out_stride;
    codec.store(task, row, task.out + to * task.out_itemsize, tile.n_x);
}

template <class K>
void network_tile(const Task& task, const Tile& tile, void* staged, void* rows) {
    const Codec<K> codec = codec_of(task, K{});
    stage_footprint(task, codec, tile, static_cast<K*>(staged));
    run_program(task.programs[0], static_cast<const K*>(staged), static_cast<K*>(rows), tile.n_x);
    store_tile(task, codec, tile, static_cast<const K*>(rows));
}

// How many of the samples are smaller than the bound, per lane. Short counters are emptied before they overflow.
template <class K>
inline void count_below(const K* staged, const Task& task, V<K> bound, std::int32_t* total) {
    constexpr int lanes = VOXKERN_VEC_BYTES / static_cast<int>(sizeof(K));
    constexpr std::int64_t most = sizeof(K) == 1 ? 255 : (sizeof(K) == 2 ? 65535 : INT32_MAX);
    for (int l = 0; l < lanes; ++l) total[l] = 0;
    for (std::int64_t first = 0; first < task.count; first += most) {
        const std::int64_t last = first + most < task.count ? first + most : task.count;
        V<K> below = {};
        for (std::int64_t t = first; t < last; ++t) below -= (V<K>)(load(staged + task.taps[t]) < bound);
        for (int l = 0; l < lanes; ++l) total[l] += static_cast<std::int32_t>(below[l]);
    }
}

// The largest bound that no more than `rank` samples are smaller than is the sample sought. Its bits are found from the
// highest one that differs between samples.
template <class K>
inline V<K> bisect(const K* staged, const Task& task) {
    constexpr int lanes = VOXKERN_VEC_BYTES / static_cast<int>(sizeof(K));
    V<K> least = load(staged + task.taps[0]);
    V<K> most = least;
    for (std::int64_t t = 1; t < task.count; ++t) {
        const V<K> x = load(staged + task.taps[t]);
        least = lower(least, x);
        most = higher(most, x);
    }
    std::uint64_t differ = 0;
    for (int l = 0; l < lanes; ++l) {
        differ |= static_cast<std::uint64_t>(least[l] ^ most[l]) & (~std::uint64_t{0} >> (64 - 8 * sizeof(K)));
    }
    if (differ == 0) return least;
    const int top = 63 - __builtin_clzll(differ);
    const auto below_top = static_cast<K>((std::uint64_t{2} << top) - 1);
    // The lowest key with the bits above: of a signed key, the sign is the one bit that is set in lower keys.
    const bool sign = kSigned<K> && top == 8 * static_cast<int>(sizeof(K)) - 1;
    const K lowest = sign ? static_cast<K>(std::uint64_t{1} << top) : K{0};
    V<K> found = (least & ~(below_top - V<K>{})) | (lowest - V<K>{});
    for (int bit = top; bit >= 0; --bit) {
        const auto one = static_cast<K>(std::uint64_t{1} << bit);
        const V<K> bound = found ^ (one - V<K>{});
        std::int32_t total[lanes];
        count_below(staged, task, bound, total);
        for (int l = 0; l < lanes; ++l) found[l] = total[l] <= task.rank ? bound[l] : found[l];
    }
    return found;
}

template <class K>
void bisect_tile(const Task& task, const Tile& tile, void* staged_memory, void* /*rows*/) {
    constexpr std::int64_t lanes = VOXKERN_VEC_BYTES / static_cast<std::int64_t>(sizeof(K));
    K* const staged = static_cast<K*>(staged_memory);
    const Codec<K> codec = codec_of(task, K{});
    stage_footprint(task, codec, tile, staged);
    K row[kRowBytes / sizeof(K)];
    for (std::int64_t at = 0; at < tile.n_x; at += lanes) store(row + at, bisect(staged + at, task));
    store_tile(task, codec, tile, row);
}

template <class K>
void slide_tile(const Task& task, const Tile& tile, void* staged_memory, void* memory) {
    K* const staged = static_cast<K*>(staged_memory);
    const Codec<K> codec = codec_of(task, K{});
    stage_footprint(task, codec, tile, staged);
    const SlideScratch scratch(memory, tile.n_rows * task.pitch);
    sort_positions(task, tile, staged, scratch);
    K* const results = static_cast<K*>(scratch.results);
    slide(task, tile, staged, scratch, results);
    store_tile(task, codec, tile, static_cast<const K*>(results));
}

template <class K>
constexpr KeyOps ops_of() {
    return {box_block<K>, network_tile<K>, bisect_tile<K>, slide_tile<K>};
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {
        {ops_of<std::uint8_t>(), ops_of<std::uint16_t>(), ops_of<std::int32_t>(), ops_of<std::int64_t>()}};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::rank

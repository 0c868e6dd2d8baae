// SPDX-License-Identifier: Apache-2.0
// rank on the GPU. Windows of 3 x 3 and 3 x 3 x 3 samples are sorted by a network in registers, which neighbours along
// z share. Of any other window the bits of the result are found one by one: count the samples below a bound.
#include "core/cuda/block.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/keys.hpp"
#include "core/cuda/window.hpp"
#include "kernels/correlate1d/correlate1d.hpp"
#include "kernels/rank/rank_nets.hpp"
#include "kernels/rank/rank_plan.hpp"

namespace voxkern::rank {
namespace {

// --- networks ---

// to[i] = the i-th smallest of what compare_all() has left in x.
template <class Which, int kAt, class K>
__device__ __forceinline__ void read_sorted(const K* x, K* to) {
    if constexpr (kAt < Which::kCount) {
        constexpr int from = Which::net.order[kAt];
        to[kAt] = x[from];
        read_sorted<Which, kAt + 1>(x, to);
    }
}

template <class K>
struct Nine {
    K sample[9];
};

// The results of one thread, a column along z, and the tile of its block.
struct Column {
    cuda::WindowTile tile;
    std::int64_t offset;  // of the tile's slab in the input
    bool inside;          // the slab lies within the input
    int planes;           // of results
    bool idle;            // the output ends before this thread
    std::int64_t base;    // where results begin
};

__device__ __forceinline__ Column column_of(const cuda::Windows& w) {
    Column c = {};
    c.tile = cuda::window_tile(w);
    c.inside = cuda::slab_is_inside(w, c.tile.far, 0, c.offset);
    c.planes = cuda::least<int>(w.planes, w.z.n - c.tile.z);
    const int x = c.tile.x + static_cast<int>(threadIdx.x);
    const int y = c.tile.y + static_cast<int>(threadIdx.y);
    c.idle = x >= w.x.n || y >= w.y.n;
    c.base = cuda::window_column(w, c.tile) + y * w.y.out_stride + c.tile.z * w.z.out_stride;
    return c;
}

// All threads of the block stage a plane; each sorts what lies under its window.
template <class Codec>
__device__ Nine<typename Codec::Value> sorted_plane(const cuda::Windows& w, const Codec& codec, const Column& c,
                                                    int plane, typename Codec::Value outside) {
    using K = typename Codec::Value;
    K* const staged = cuda::dynamic_shared<K>();
    const int rows = cuda::least<int>(w.threads_y, w.y.n - c.tile.y);
    const int columns = cuda::least<int>(w.threads_x, w.x.n - c.tile.x);
    cuda::stage_plane(w, codec, c.inside, c.offset, c.tile.z - w.z.before + plane, c.tile.y - w.y.before, rows + 2,
                      c.tile.x - w.x.before, columns + 2, outside, staged);
    K x[9];
    const K* const from = staged + static_cast<int>(threadIdx.y) * w.pitch + static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < 9; ++i) x[i] = from[i / 3 * w.pitch + i % 3];
    compare_all<SortOf<9>, 0>(x);
    Nine<K> sorted;
    read_sorted<SortOf<9>, 0>(x, sorted.sample);
    return sorted;
}

// x[k] without an index that only a run knows: registers have none.
template <int kCount, class K>
__device__ __forceinline__ K chosen(const K* x, int k) {
    K value = 0;
#pragma unroll
    for (int i = 0; i < kCount; ++i) value |= x[i] & (i == k ? static_cast<K>(~K{0}) : K{0});
    return value;
}

// The sample of that rank of 18 and 9 sorted ones; of the median, kRank says it beforehand: j samples of the nine and
// 14 - j of the others, the least of the largest samples of these choices.
template <int kRank, class K>
__device__ __forceinline__ K select(const K* merged, const Nine<K>& nine, int rank) {
    if constexpr (kRank > 0) {
        K least = merged[kRank];
#pragma unroll
        for (int j = 1; j <= 9; ++j) least = lower(least, higher(merged[kRank - j], nine.sample[j - 1]));
        return least;
    } else {
        using All = MergeOf<18, 9>;
        K x[27];
        K sorted[27];
#pragma unroll
        for (int i = 0; i < 27; ++i) x[i] = i < 18 ? merged[i] : nine.sample[i - 18];
        compare_all<All, 0>(x);
        read_sorted<All, 0>(x, sorted);
        return chosen<27>(sorted, rank);
    }
}

template <class Codec>
__device__ void store(const cuda::Windows& w, const Codec& codec, const Column& c, int k, typename Codec::Value key) {
    if (c.idle) return;
    codec.with_output([&](auto type) {
        using T = typename decltype(type)::type;
        static_cast<T*>(w.out)[c.base + k * w.z.out_stride] = codec.template save<T>(key);
    });
}

// Steps of two planes of results along z: they share the two planes of samples in the middle.
template <int kRank, class Codec>
__global__ void sort_cubes(cuda::Windows w, Codec codec, int rank, typename Codec::Value outside) {
    using K = typename Codec::Value;
    const Column column = column_of(w);
    Nine<K> first = {};
    Nine<K> second = {};
    Nine<K> third = {};
#pragma unroll 1
    for (int p = 0; p < column.planes + 2; ++p) {
        const Nine<K> next = sorted_plane(w, codec, column, p, outside);
        if (p == 0) {
            first = next;
        } else if (p == 1) {
            second = next;
        } else if (p % 2 == 0 && p <= column.planes) {
            third = next;  // the plane after it comes as well
        } else {
            const bool two = p % 2 != 0;
            if (!two) third = next;
            K x[18];
            K merged[18];
#pragma unroll
            for (int i = 0; i < 18; ++i) x[i] = i < 9 ? second.sample[i] : third.sample[i - 9];
            compare_all<MergeOf<9, 9>, 0>(x);
            read_sorted<MergeOf<9, 9>, 0>(x, merged);
            store(w, codec, column, p - (two ? 3 : 2), select<kRank>(merged, first, rank));
            if (two) store(w, codec, column, p - 2, select<kRank>(merged, next, rank));
            first = third;
            second = next;
        }
    }
}

template <class Codec>
__global__ void sort_squares(cuda::Windows w, Codec codec, int rank, typename Codec::Value outside) {
    const Column column = column_of(w);
#pragma unroll 1
    for (int k = 0; k < column.planes; ++k) {
        const auto sorted = sorted_plane(w, codec, column, k, outside);
        store(w, codec, column, k, chosen<9>(sorted.sample, rank));
    }
}

// --- bit by bit ---

// Bits above the highest in which two samples of a window differ are those of any of them. Then, from there: a bit of
// the result is set if no more than `rank` samples lie below the number that has it.
template <class Codec>
__global__ void find_bits(cuda::Windows w, Codec codec, const unsigned char* set, int rank,
                          typename Codec::Value outside) {
    using K = typename Codec::Value;
    constexpr int kPlanes = cuda::kWindowPlanes;
    constexpr int kRows = cuda::kWindowRows;
    const cuda::WindowTile tile = cuda::window_tile(w);
    K found[kPlanes][kRows] = {};
    K differ = 0;
    unsigned seen = 0;
    const auto compare = [&](int k, int r, K sample, unsigned char) {
        const unsigned bit = 1U << (k * kRows + r);
        if ((seen & bit) == 0) found[k][r] = sample;
        seen |= bit;
        differ |= sample ^ found[k][r];
    };
    cuda::for_window_samples(w, codec, tile, set, outside, compare, [](int) {});
    bool begun = false;
#pragma unroll 1
    for (int bit = 8 * static_cast<int>(sizeof(K)) - 1; bit >= 0; --bit) {
        if (!begun) {
            begun = __syncthreads_or((differ >> bit) != 0 ? 1 : 0) != 0;
            if (!begun) continue;
            const K above = static_cast<K>(~((K{2} << bit) - 1));
#pragma unroll
            for (auto& plane : found) {
#pragma unroll
                for (K& one : plane) one &= above;
            }
        }
        const K one = K{1} << bit;
        int below[kPlanes][kRows] = {};
        const auto count = [&](int k, int r, K sample, unsigned char) {
            below[k][r] += sample < (found[k][r] | one) ? 1 : 0;
        };
        cuda::for_window_samples(w, codec, tile, set, outside, count, [](int) {});
#pragma unroll
        for (int k = 0; k < kPlanes; ++k) {
#pragma unroll
            for (int r = 0; r < kRows; ++r) found[k][r] |= below[k][r] <= rank ? one : K{0};
        }
    }
    cuda::store_window_results(w, codec, tile, [&](int k, int r) { return found[k][r]; });
}

// --- host side ---

// Windows of three samples along two axes or three, for a network.
bool is_small(const cuda::Windows& w) {
    return w.slabs == 1 && w.x.size == 3 && w.y.size == 3 && (w.z.size == 3 || w.z.size == 1);
}

template <class Codec>
void run_network(const cuda::Windows& w, const Codec& codec, int rank, typename Codec::Value outside,
                 const cuda::Exec& exec) {
    const cudaLaunchConfig_t config = cuda::config_of(w, sizeof(outside), exec.stream);
    if (w.z.size == 1) {
        cuda::launch("sort_squares", config, sort_squares<Codec>, w, codec, rank, outside);
    } else if (rank == 13) {
        cuda::launch("sort_cubes", config, sort_cubes<13, Codec>, w, codec, rank, outside);
    } else {
        cuda::launch("sort_cubes", config, sort_cubes<0, Codec>, w, codec, rank, outside);
    }
}

template <class Codec>
void run(const ConstArrayView& in, const ArrayView& out, const Options& options, const Codec& codec,
         typename Codec::Value outside, const cuda::Exec& exec) {
    constexpr int kNetworkPlanes = 16;  // two more are sorted
    std::vector<cuda::WindowSide> sides;
    for (std::size_t a = 0; a < options.size.size(); ++a) {
        sides.push_back({options.size[a], options.before[a], options.mode[a]});
    }
    const std::vector<int> order = cuda::window_axes(out, sides, true);
    const auto rank = static_cast<int>(options.rank);
    const auto small = cuda::make_windows(in, out, sides, order, sizeof(outside), kNetworkPlanes, 1);
    if (is_box(options) && is_small(small)) {
        run_network(small, codec, rank, outside, exec);
        return;
    }
    const auto windows = cuda::make_windows(in, out, sides, order, sizeof(outside));
    std::vector<unsigned char> set(options.footprint.begin(), options.footprint.end());
    if (set.empty()) set.assign(static_cast<std::size_t>(options.count()), 1);
    const auto marks = cuda::upload(cuda::in_window_order(set, sides, order), exec);
    cuda::launch("find_bits", cuda::config_of(windows, sizeof(outside), exec.stream), find_bits<Codec>, windows, codec,
                 marks.data(), rank, outside);
}

// Arrays of one dtype, whose samples are compared as they are.
void run(const ConstArrayView& in, const ArrayView& out, const Options& options, double outside,
         const cuda::Exec& exec) {
    cuda::with_keys(in.dtype, cuda::Order::ascending, cuda::NanKey::highest, [&](const auto& keys) {
        run(in, out, options, keys, cuda::key_of(keys, in.dtype, outside), exec);
    });
}

}  // namespace
}  // namespace voxkern::rank

namespace voxkern::cuda {

void rank(const ConstArrayView& in, const ArrayView& out, const rank::Options& options, const Exec& exec) {
    if (in.size() == 0) return;
    const rank::Coding coding = rank::coding_of(in.dtype, out.dtype, options);
    const double outside = rank::outside_of(in.dtype, coding, options);
    if (coding != rank::Coding::wide) {
        rank::run(in, out, options, outside, exec);
        return;
    }
    const auto convert = [&](const ConstArrayView& from, const ArrayView& to) { correlate1d(from, to, {}, exec); };
    through_f64(in, out, exec, convert, [&](const ConstArrayView& source, const ArrayView& target) {
        rank::run(source, target, options, outside, exec);
    });
}

}  // namespace voxkern::cuda

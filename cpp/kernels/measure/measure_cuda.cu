// SPDX-License-Identifier: Apache-2.0
// measure on the GPU: moments, extremes, histograms and boxes. The number of blocks follows from the size alone and
// parts are joined in a fixed tree: the same bits in every run, on any device. Counts and extremes of places are whole
// numbers, whose order does not matter.
#include <cmath>

#include "core/cuda/block.hpp"
#include "core/cuda/moments.hpp"
#include "core/cuda/tiles.hpp"
#include "kernels/measure/measure_cuda.inl.hpp"

namespace voxkern::measure {
namespace {

constexpr std::int64_t kMostBins = 4096;  // that a block counts in shared memory

struct Line {
    double centre;
    double scale;
};

// What a thread gathers, and how parts of it become one.
struct ExtremeSum {
    using Part = Extremes;
    Extremes all = {0, 0, HUGE_VAL, -HUGE_VAL};

    __device__ void take(double x) {
        ++all.count;
        all.not_numbers += x != x ? 1 : 0;
        all.minimum = x < all.minimum ? x : all.minimum;
        all.maximum = x > all.maximum ? x : all.maximum;
    }
    __device__ Extremes part() const { return all; }
};

__device__ Moments join(const Moments& a, const Moments& b) {
    return joined(a, b);
}
__device__ Extremes join(const Extremes& a, const Extremes& b) {
    return {a.count + b.count, a.not_numbers + b.not_numbers, a.minimum < b.minimum ? a.minimum : b.minimum,
            a.maximum > b.maximum ? a.maximum : b.maximum};
}

// Of all threads of the block.
template <class Part>
__device__ Part join_block(const Part& mine) {
    return cuda::block_join<cuda::kBlockThreads>(mine, [](const Part& a, const Part& b) { return join(a, b); });
}

template <class T, class Sum>
__global__ void gather_parts(const T* in, Voxels voxels, typename Sum::Part* parts) {
    Sum sum;
    for (std::int64_t p = cuda::first_position(); p < voxels.positions.size; p += cuda::position_step()) {
        const auto offsets = voxels.positions.at(p);
        if (voxels.inside(offsets.of[1])) sum.take(as_double(in[offsets.of[0]]));
    }
    const typename Sum::Part all = join_block(sum.part());
    if (cuda::thread_rank() == 0) parts[blockIdx.x] = all;
}

// One block. `line` null: nobody asks for it.
template <class Sum>
__global__ void join_parts(typename Sum::Part* parts, int count, Line* line) {
    typename Sum::Part mine = Sum().part();
    for (int k = cuda::thread_rank(); k < count; k += cuda::kBlockThreads) mine = join(mine, parts[k]);
    const typename Sum::Part all = join_block(mine);
    if (cuda::thread_rank() != 0) return;
    parts[0] = all;
    if constexpr (kSame<Sum, cuda::MomentSum>) {
        if (line == nullptr) return;
        const double deviation = std::sqrt(all.squares / all.count);
        const bool usable = all.count > 0.0 && deviation > 0.0 && deviation < HUGE_VAL;
        line->centre = usable ? all.mean : static_cast<double>(NAN);
        line->scale = usable ? 1.0 / deviation : static_cast<double>(NAN);
    }
}

// As bins_of of the CPU: a guess from the equal steps is put right by the edges. In shared memory where there is some.
template <class T>
__global__ void count_bins(const T* in, Voxels voxels, const double* edges, std::int64_t bins, double scale,
                           bool shared, unsigned long long* counts) {
    unsigned* const own = cuda::dynamic_shared<unsigned>();
    if (shared) {
        for (std::int64_t b = threadIdx.x; b < bins; b += blockDim.x) own[b] = 0;
        __syncthreads();
    }
    const double top = static_cast<double>(bins - 1);
    for (std::int64_t p = cuda::first_position(); p < voxels.positions.size; p += cuda::position_step()) {
        const auto offsets = voxels.positions.at(p);
        if (!voxels.inside(offsets.of[1])) continue;
        const double x = as_double(in[offsets.of[0]]);
        if (!(x >= edges[0] && x <= edges[bins])) continue;
        const double place = (x - edges[0]) * scale;
        auto bin = static_cast<std::int64_t>(place < top ? place : top);
        while (x < edges[bin]) --bin;
        while (bin + 1 < bins && x >= edges[bin + 1]) ++bin;
        if (shared) {
            atomicAdd(&own[bin], 1U);
        } else {
            atomicAdd(&counts[bin], 1ULL);
        }
    }
    if (!shared) return;
    __syncthreads();
    for (std::int64_t b = threadIdx.x; b < bins; b += blockDim.x) {
        if (own[b] != 0) atomicAdd(&counts[b], static_cast<unsigned long long>(own[b]));
    }
}

constexpr long long kNowhere = 0x7F7F7F7F7F7F7F7F;  // beyond every axis; one byte, again and again

struct Corner {
    long long first[kMaxRank];
    long long last[kMaxRank];
};

// `box`: first of each axis, then last of each.
template <class T>
__global__ void find_box(const T* in, cuda::Tiles tiles, bool above, double threshold, long long* box) {
    bool counts = true;
    std::int64_t place = 0;
    for (int a = 0; a < tiles.rank; ++a) {
        const std::int64_t i = tiles.index(a);
        counts = counts && i < tiles.axis[a].extent;
        place += i * tiles.axis[a].stride;
    }
    if (counts && above) {
        counts = as_double(in[place]) > threshold;
    } else if (counts) {
        Word<T> word;
        __builtin_memcpy(&word, in + place, sizeof(word));
        counts = is_set<T>(word);
    }
    if (__syncthreads_or(counts ? 1 : 0) == 0) return;
    Corner& corner = cuda::block_shared<Corner>();
    const int rank = cuda::thread_rank();
    if (rank < tiles.rank) {
        corner.first[rank] = kNowhere;
        corner.last[rank] = -1;
    }
    __syncthreads();
    for (int a = 0; a < tiles.rank && counts; ++a) {
        const long long i = tiles.index(a);
        if (i < cuda::load_relaxed(&corner.first[a])) atomicMin(&corner.first[a], i);
        if (i > cuda::load_relaxed(&corner.last[a])) atomicMax(&corner.last[a], i);
    }
    __syncthreads();
    if (rank >= tiles.rank) return;
    if (corner.first[rank] < cuda::load_relaxed(&box[rank])) atomicMin(&box[rank], corner.first[rank]);
    if (corner.last[rank] > cuda::load_relaxed(&box[tiles.rank + rank])) {
        atomicMax(&box[tiles.rank + rank], corner.last[rank]);
    }
}

// --- host side --------------------------------------------------------------------------------------------------

// The parts of all blocks; the first one becomes the whole.
template <class Sum>
cuda::Scratch<typename Sum::Part> whole_of(const Image& image, Line* line, const cuda::Exec& exec) {
    const Voxels voxels = voxels_of(image);
    const unsigned blocks = blocks_for(voxels.positions.size);
    cuda::Scratch<typename Sum::Part> parts(std::max(blocks, 1U), exec);
    visit(image.voxels.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        cuda::launch("gather_parts", cuda::config(blocks, cuda::kBlockThreads, 0, exec.stream), gather_parts<T, Sum>,
                     static_cast<const T*>(image.voxels.data), voxels, parts.data());
    });
    cuda::launch("join_parts", cuda::config(1, cuda::kBlockThreads, 0, exec.stream), join_parts<Sum>, parts.data(),
                 static_cast<int>(blocks), line);
    return parts;
}

}  // namespace
}  // namespace voxkern::measure

namespace voxkern {

Moments cuda::measure(const measure::Image& image, const Exec& exec) {
    const Scratch<Moments> parts = measure::whole_of<MomentSum>(image, nullptr, exec);
    Moments all;
    fetch(&all, parts.data(), 1, exec);
    return all;
}

void cuda::measure_line(const measure::Image& image, double* line, const Exec& exec) {
    measure::whole_of<MomentSum>(image, reinterpret_cast<measure::Line*>(line), exec);
}

measure::Extremes cuda::measure_extremes(const measure::Image& image, const Exec& exec) {
    const Scratch<measure::Extremes> parts = measure::whole_of<measure::ExtremeSum>(image, nullptr, exec);
    measure::Extremes all;
    fetch(&all, parts.data(), 1, exec);
    return all;
}

std::vector<std::int64_t> cuda::measure_histogram(const measure::Image& image, const std::vector<double>& edges,
                                                  const Exec& exec) {
    const measure::Voxels voxels = measure::voxels_of(image);
    const std::size_t bins = edges.size() - 1;
    const Scratch<double> steps = upload(edges, exec);
    const Scratch<unsigned long long> counts = filled<unsigned long long>(bins, 0, exec);
    const bool shared = static_cast<std::int64_t>(bins) <= measure::kMostBins;
    visit(image.voxels.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        launch("count_bins",
               config(measure::blocks_for(voxels.positions.size), kBlockThreads, shared ? bins * sizeof(unsigned) : 0,
                      exec.stream),
               measure::count_bins<T>, static_cast<const T*>(image.voxels.data), voxels, steps.data(),
               static_cast<std::int64_t>(bins), static_cast<double>(bins) / (edges.back() - edges.front()), shared,
               counts.data());
    });
    std::vector<unsigned long long> found(bins);
    fetch(found.data(), counts.data(), bins, exec);
    return {found.begin(), found.end()};
}

measure::Box cuda::measure_box(const ConstArrayView& in, const std::optional<double>& threshold, const Exec& exec) {
    ConstArrayView view = in;
    view.rank = std::max(in.rank, 1);
    if (in.rank == 0) view.shape[0] = 1;
    const auto rank = static_cast<std::size_t>(view.rank);
    const Scratch<long long> box(2 * rank, exec);
    fill(box.data(), rank, measure::kNowhere & 0xFF, exec);
    fill(box.data() + rank, rank, 0xFF, exec);
    const Tiles tiles = tiles_over(view);
    visit(in.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        launch("find_box", config_for(tiles, exec.stream), measure::find_box<T>, static_cast<const T*>(in.data), tiles,
               threshold.has_value(), threshold.value_or(0.0), box.data());
    });
    std::vector<long long> ends(2 * rank);
    fetch(ends.data(), box.data(), 2 * rank, exec);
    measure::Box found;
    std::copy_n(ends.begin(), rank, found.first);
    std::copy_n(ends.begin() + view.rank, rank, found.last);
    return found;
}

}  // namespace voxkern

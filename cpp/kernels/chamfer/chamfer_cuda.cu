// SPDX-License-Identifier: Apache-2.0
// chamfer on the GPU: the two sweeps of the CPU, so that all its choices among equal paths are the same. A row needs
// the rows beside it that a sweep was at before; rows that need no other ones are a wave, a block for each. Along a row
// the step from sample to sample is a scan.
#include <algorithm>

#include "core/axes.hpp"
#include "core/cuda/block.hpp"
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/positions.hpp"
#include "kernels/chamfer/chamfer.hpp"
#include "kernels/chamfer/chamfer_task.hpp"

namespace voxkern::chamfer {
namespace {

// A sample of the structure in another row.
struct Beside {
    std::int64_t rows = 0;       // to it
    std::int64_t along = 0;      // along the row
    std::uint32_t backward = 0;  // axes along which it is a step back
    std::uint32_t forward = 0;
};

// A sweep counts rows and samples from its own start: from the end where it goes backwards.
struct Sweep {
    int outer = 0;  // axes that count rows
    int count = 0;  // of steps to other rows
    bool forwards = true;
    bool along = false;  // there is a step along the row
    bool last_zero = false;
    std::int64_t wave = 0;
    std::int64_t first = 0;  // block of the wave that has a row
    std::int64_t width = 1;
    std::int64_t rows = 1;
    std::int64_t extent[kMaxRank] = {};
};

// The best path to a sample so far.
template <class I>
struct Path {
    std::int32_t steps;
    I from;  // the number of its zero
};

template <bool kFrom, class I>
__device__ bool is_better(const Path<I>& a, const Path<I>& b, bool last_zero) {
    return a.steps < b.steps || (kFrom && last_zero && a.steps == b.steps && a.from > b.from);
}

template <class I>
__global__ void start(cuda::Positions<2> places, const void* in, DType dtype, std::int32_t* steps, I* from) {
    for (std::int64_t p = cuda::first_position(); p < places.size; p += cuda::position_step()) {
        const auto at = places.at(p);
        steps[at.of[1]] = cuda::is_inside(in, dtype, at.of[0]) ? kFar : 0;
        if (from != nullptr) from[at.of[1]] = static_cast<I>(at.of[1]);
    }
}

// The row of this block, counted from the start of the sweep, and the axes of whose ends it is one; -1: it has none.
__device__ std::int64_t row_of_block(const Sweep& sweep, std::uint32_t& firsts, std::uint32_t& lasts) {
    std::int64_t rest = sweep.first + blockIdx.x;
    std::int64_t left = sweep.wave;
    std::int64_t row = 0;
    std::int64_t step = sweep.outer > 0 ? sweep.extent[sweep.outer - 1] : 1;
    for (int a = sweep.outer - 2; a >= 0; --a) {
        const std::int64_t i = rest % sweep.extent[a];
        rest /= sweep.extent[a];
        firsts |= static_cast<std::uint32_t>(i == 0) << a;
        lasts |= static_cast<std::uint32_t>(i == sweep.extent[a] - 1) << a;
        left -= i << (sweep.outer - 1 - a);
        row += i * step;
        step *= sweep.extent[a];
    }
    if (sweep.outer == 0) return 0;
    const int a = sweep.outer - 1;
    if (left < 0 || left >= sweep.extent[a]) return -1;
    firsts |= static_cast<std::uint32_t>(left == 0) << a;
    lasts |= static_cast<std::uint32_t>(left == sweep.extent[a] - 1) << a;
    return row + left;
}

// The best path to a sample by way of other rows, or the one it has.
template <bool kFrom, class I>
__device__ Path<I> best_beside(const Sweep& sweep, const Beside* beside, std::uint32_t firsts, std::uint32_t lasts,
                               std::int64_t at, std::int64_t x, const std::int32_t* steps, const I* from) {
    Path<I> best = {steps[at], kFrom ? from[at] : I{0}};
    const std::int64_t sign = sweep.forwards ? 1 : -1;
    for (int k = 0; k < sweep.count && best.steps > 0; ++k) {
        const Beside step = beside[k];
        const std::int64_t there_x = x + step.along;
        if ((firsts & step.backward) != 0 || (lasts & step.forward) != 0 || there_x < 0 || there_x >= sweep.width) {
            continue;
        }
        const std::int64_t there = at + sign * (step.rows * sweep.width + step.along);
        const Path<I> other = {steps[there] + 1, kFrom ? from[there] : I{0}};
        if (is_better<kFrom>(other, best, sweep.last_zero)) best = other;
    }
    return best;
}

template <class I>
struct RowParts {
    Path<I> warp[cuda::kWarp];
    Path<I> carried;
};

// Steps along the row: of paths that are counted from the place of the first thread, the least over this thread and
// those before it. `carried` is the path to the sample before, and becomes that to the last one.
template <bool kFrom, class I>
__device__ Path<I> best_along(const Sweep& sweep, Path<I> path) {
    RowParts<I>& parts = cuda::block_shared<RowParts<I>>();
    const int rank = cuda::thread_rank();
    const int lane = rank % cuda::kWarp;
    const int warp = rank / cuda::kWarp;
    // Of equal ones the later counts, which is nearer: it had no reason to take a step.
    const auto joined = [&](const Path<I>& earlier, const Path<I>& later) {
        return is_better<kFrom>(earlier, later, sweep.last_zero) ? earlier : later;
    };
    path.steps -= rank;
    for (int by = 1; by < cuda::kWarp; by *= 2) {
        Path<I> before = path;
        before.steps = __shfl_up_sync(cuda::kAllLanes, path.steps, static_cast<unsigned>(by));
        if constexpr (kFrom) before.from = __shfl_up_sync(cuda::kAllLanes, path.from, static_cast<unsigned>(by));
        if (lane >= by) path = joined(before, path);
    }
    if (lane == cuda::kWarp - 1) parts.warp[warp] = path;
    __syncthreads();
    Path<I> before = parts.carried;
    before.steps += 1;  // it lies before the first thread
    for (int w = 0; w < warp; ++w) before = joined(before, parts.warp[w]);
    path = joined(before, path);
    path.steps += rank;
    __syncthreads();
    if (rank == cuda::thread_count() - 1) parts.carried = path;
    __syncthreads();
    return path;
}

template <bool kFrom, class I>
__global__ void sweep_rows(Sweep sweep, const Beside* beside, std::int32_t* steps, I* from) {
    std::uint32_t firsts = 0;
    std::uint32_t lasts = 0;
    const std::int64_t counted = row_of_block(sweep, firsts, lasts);
    if (counted < 0) return;
    const std::int64_t row = sweep.forwards ? counted : sweep.rows - 1 - counted;
    if (threadIdx.x == 0) cuda::block_shared<RowParts<I>>().carried = {kFar, I{0}};
    __syncthreads();
    for (std::int64_t first = 0; first < sweep.width; first += blockDim.x) {
        const std::int64_t x = first + threadIdx.x;
        const bool inside = x < sweep.width;
        const std::int64_t at = row * sweep.width + (sweep.forwards ? x : sweep.width - 1 - x);
        Path<I> path = {kFar, I{0}};
        if (inside) path = best_beside<kFrom>(sweep, beside, firsts, lasts, at, x, steps, from);
        if (sweep.along) path = best_along<kFrom>(sweep, path);
        if (!inside) continue;
        steps[at] = path.steps;
        if constexpr (kFrom) from[at] = path.from;
    }
}

// Numbers of zeros become indices along each axis; `from` may be the place of those along the first.
struct Indices {
    int rank = 0;
    std::int32_t* to = nullptr;
    std::int64_t shape[kMaxRank] = {};
};

template <class I>
__global__ void finish(std::int32_t* steps, const I* from, Indices indices, std::int64_t size) {
    for (std::int64_t p = cuda::first_position(); p < size; p += cuda::position_step()) {
        if (steps[p] == kFar) steps[p] = -1;
        if (from == nullptr) continue;
        I number = from[p];
        for (int a = indices.rank - 1; a >= 0; --a) {
            const I extent = static_cast<I>(indices.shape[a]);
            indices.to[a * size + p] = static_cast<std::int32_t>(number % extent);
            number /= extent;
        }
    }
}

// --- host side -------------------------------------------------------------------------------------------------------

// In the order of the structure; `along` becomes whether the last one is in the row.
std::vector<Beside> steps_of(const ConstArrayView& in, const std::vector<bool>& structure, bool& along) {
    std::vector<Beside> steps;
    const std::vector<std::int64_t> threes(static_cast<std::size_t>(in.rank), 3);
    for (std::size_t i = 0; i < structure.size() / 2; ++i) {
        if (!structure[i]) continue;
        std::int64_t index[kMaxRank];
        unravel(static_cast<std::int64_t>(i), in.rank, threes.data(), index);
        Beside step;
        step.along = index[in.rank - 1] - 1;
        for (int a = 0; a < in.rank - 1; ++a) {
            step.rows = step.rows * in.shape[a] + index[a] - 1;
            step.backward |= static_cast<std::uint32_t>(index[a] == 0) << a;
            step.forward |= static_cast<std::uint32_t>(index[a] == 2) << a;
        }
        along = (step.backward | step.forward) == 0;
        if (!along) steps.push_back(step);
    }
    return steps;
}

// Rows whose indices, each counted twice as much as the next one, add up to one number: a step to a row before leads to
// a smaller one.
template <bool kFrom, class I>
void run_sweep(Sweep sweep, const Beside* beside, std::int32_t* steps, I* from, const cuda::Exec& exec) {
    unsigned threads = cuda::kWarp;
    while (threads < 256 && threads < sweep.width) threads *= 2;
    const int y = sweep.outer - 1;
    std::int64_t last = 0;
    std::int64_t blocks = 1;
    for (int a = 0; a < sweep.outer; ++a) {
        last += (sweep.extent[a] - 1) << (y - a);
        if (a < y) blocks *= sweep.extent[a];
    }
    for (sweep.wave = 0; sweep.wave <= last; ++sweep.wave) {
        if (sweep.outer == 2) {  // planes that have a row of the wave
            sweep.first = std::max<std::int64_t>((sweep.wave - sweep.extent[y] + 2) / 2, 0);
            blocks = std::min(sweep.wave / 2, sweep.extent[0] - 1) - sweep.first + 1;
        }
        cuda::launch("sweep_rows", cuda::config(cuda::blocks_x(blocks), threads, 0, exec.stream), sweep_rows<kFrom, I>,
                     sweep, beside, steps, from);
    }
}

template <class I>
void run_chamfer(const ConstArrayView& in, std::int32_t* steps, I* from, std::int32_t* indices, const Options& options,
                 const cuda::Exec& exec) {
    const cuda::Positions<2> places = cuda::positions_of(walk_of(in, contiguous_at(steps, DType::i32, in)));
    cuda::launch("start", cuda::config_for(in.size(), exec.stream), start<I>, places, in.data, in.dtype, steps, from);
    Sweep sweep;
    const auto beside = cuda::upload(steps_of(in, options.structure, sweep.along), exec);
    sweep.outer = in.rank - 1;
    sweep.count = static_cast<int>(beside.size());
    sweep.last_zero = options.last_zero;
    sweep.width = in.shape[sweep.outer];
    sweep.rows = in.size() / sweep.width;
    std::copy_n(in.shape, sweep.outer, sweep.extent);
    for (const bool forwards : {true, false}) {
        sweep.forwards = forwards;
        const auto run = from != nullptr ? run_sweep<true, I> : run_sweep<false, I>;
        run(sweep, beside.data(), steps, from, exec);
    }
    Indices to;
    to.rank = in.rank;
    to.to = indices;
    std::copy_n(in.shape, in.rank, to.shape);
    cuda::launch("finish", cuda::config_for(in.size(), exec.stream), finish<I>, steps, from, to, in.size());
}

}  // namespace
}  // namespace voxkern::chamfer

namespace voxkern::cuda {

void chamfer(const ConstArrayView& in, const ArrayView& steps, const ArrayView* indices,
             const chamfer::Options& options, const Exec& exec) {
    if (in.size() == 0) return;
    auto* const out = static_cast<std::int32_t*>(steps.data);
    auto* const nearest = indices == nullptr ? nullptr : static_cast<std::int32_t*>(indices->data);
    if (nearest == nullptr || in.size() <= INT32_MAX) {  // numbers in the place of the indices along the first axis
        chamfer::run_chamfer<int>(in, out, nearest, nearest, options, exec);
    } else {
        const Scratch<long long> numbers(static_cast<std::size_t>(in.size()), exec);
        chamfer::run_chamfer<long long>(in, out, numbers.data(), nearest, options, exec);
    }
}

}  // namespace voxkern::cuda

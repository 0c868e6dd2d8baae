// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/workspace.hpp"
#include "kernels/correlate/correlate_run.hpp"

namespace voxkern::correlate {
namespace {

constexpr std::int64_t kPieces = 16;         // of the planes and groups of a tile: enough for the threads there may be
constexpr std::int64_t kTilesPerThread = 4;  // fewer tiles leave threads idle

// What all tiles of a call share.
template <class C>
struct Job {
    const ConstArrayView& in;
    const ArrayView& out;
    const Filter& filter;
    const FourierPlan<C>& plan;
    const LevelOps<C>& ops;
    C* weights;  // their spectrum
};

// Calls body(piece, first, last) for pieces of n.
template <class Body>
void for_pieces(std::int64_t n, const Exec& exec, const Body& body) {
    const std::int64_t pieces = std::min(kPieces, n);
    parallel_for(pieces, exec, [&](std::int64_t p) { body(p, p * n / pieces, (p + 1) * n / pieces); });
}

// Planes of samples into the spectrum; returns the largest magnitude of the samples.
template <class C>
double take_spectrum(const Job<C>& job, const FourierTask<C>& task, C* spectrum, const Exec& exec) {
    double largest[kPieces] = {};
    const std::int64_t size = job.plan.plane_size();
    for_pieces(task.planes(), exec, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
        Workspace workspace(Workspace::bytes_of<C>({size}));
        const C most = job.ops.fourier.forward(task, first, last, workspace.take<C>(size), spectrum);
        largest[piece] = static_cast<double>(most);
    });
    return *std::max_element(largest, largest + kPieces);
}

// Calls visit(group, scratch) for all groups of frequencies.
template <class C, class Visit>
void for_groups(const FourierPlan<C>& plan, const Exec& exec, const Visit& visit) {
    for_pieces(plan.groups(), exec, [&](std::int64_t /*piece*/, std::int64_t first, std::int64_t last) {
        Workspace workspace(Workspace::bytes_of<C>({plan.lines_size()}));
        C* const lines = workspace.take<C>(plan.lines_size());
        for (std::int64_t g = first; g < last; ++g) visit(g, lines);
    });
}

template <class C>
void transform_weights(const Job<C>& job, const Exec& exec) {
    const FourierTask<C> task = job.plan.task_of_weights();
    const auto scale = static_cast<C>(job.plan.scale);
    Workspace workspace(Workspace::bytes_of<C>({job.plan.spectrum_size()}));
    C* const spectrum = workspace.take<C>(job.plan.spectrum_size());
    take_spectrum(job, task, spectrum, exec);
    for_groups(job.plan, exec, [&](std::int64_t group, C* lines) {
        job.ops.fourier.spectrum_of(task, group, scale, spectrum, lines, job.weights);
    });
}

// Where a NaN stays where it is, and any size of samples is right.
template <class C>
void sum_directly(const Job<C>& job, const FourierTask<C>& task, const Exec& exec) {
    const Task<C>& arrays = task.arrays;
    const std::int64_t size = job.plan.plane_size();
    const std::int64_t loaded = task.parts[0].count + arrays.outer[0].taps - 1;
    Workspace workspace(Workspace::bytes_of<C>({loaded * size}));
    C* const box = workspace.take<C>(loaded * size);
    for_pieces(loaded, exec, [&](std::int64_t /*piece*/, std::int64_t first, std::int64_t last) {
        for (std::int64_t z = first; z < last; ++z) job.ops.fourier.load(task, z, box + z * size);
    });

    ConstArrayView from;
    from.data = box;
    from.dtype = DTypeOf<C>::value;
    from.rank = job.in.rank;
    ArrayView to = job.out;
    for (int a = 0; a < from.rank; ++a) from.shape[a] = to.shape[a] = 1;
    const std::int64_t strides[] = {size, arrays.pitch, 1};
    std::int64_t offset = 0;
    for (std::size_t a = 0; a < kFourierAxes; ++a) {
        const Axis& axis = job.plan.cut.axes[a];
        if (axis.number < 0) continue;
        offset += task.parts[a].first * axis.out_stride;
        from.shape[axis.number] = task.parts[a].count + axis.taps - 1;
        from.strides[axis.number] = strides[a];
        to.shape[axis.number] = task.parts[a].count;
    }
    to.data = arrays.out + offset * arrays.out_itemsize;
    const Arithmetic arithmetic = sizeof(C) == sizeof(float) ? Arithmetic::f32 : Arithmetic::f64;
    correlate_directly<C>(from, to, job.filter, arithmetic, exec, job.ops, Edges::padded);
}

template <class C>
void filter_tile(const Job<C>& job, const FourierTask<C>& task, const Exec& exec) {
    const FourierPlan<C>& plan = job.plan;
    Workspace workspace(Workspace::bytes_of<C>({plan.spectrum_size()}));
    C* const spectrum = workspace.take<C>(plan.spectrum_size());
    const double most = take_spectrum(job, task, spectrum, exec);
    if (most != 0.0 && !(plan.smallest <= most && most <= plan.largest)) {
        sum_directly(job, task, exec);
        return;
    }
    if (most != 0.0) {  // the spectrum of zeros is zeros
        for_groups(plan, exec, [&](std::int64_t group, C* lines) {
            job.ops.fourier.filter(task, group, job.weights, spectrum, lines);
        });
    }
    for_pieces(task.parts[0].count, exec, [&](std::int64_t /*piece*/, std::int64_t first, std::int64_t last) {
        Workspace scratch(Workspace::bytes_of<C>({plan.plane_size()}));
        job.ops.fourier.inverse(task, first, last, spectrum, scratch.take<C>(plan.plane_size()));
    });
}

// Tile t of the whole task.
template <class C>
FourierTask<C> tile_of(const FourierTask<C>& whole, const FourierCut& cut, std::int64_t t) {
    FourierTask<C> task = whole;
    Task<C>& arrays = task.arrays;
    const auto offsets = cut.batch.at(t / cut.tiles());
    arrays.in += offsets[0] * arrays.in_itemsize;
    arrays.out += offsets[1] * arrays.out_itemsize;
    const AxisTask* const axes[] = {&arrays.outer[0], &arrays.outer[1], &arrays.row};
    for (std::size_t a = kFourierAxes; a-- > 0;) {
        task.parts[a] = part_of(*axes[a], t % axes[a]->tiles);
        t /= axes[a]->tiles;
    }
    return task;
}

}  // namespace

template <class C>
void correlate_by_fourier(const ConstArrayView& in, const ArrayView& out, const Filter& filter, const FourierCut& cut,
                          const LevelOps<C>& ops, const Exec& exec) {
    const FourierPlan<C> plan(cut, filter);
    const FourierTask<C> whole = plan.task(in, out, static_cast<C>(filter.cval));
    Workspace workspace(Workspace::bytes_of<C>({plan.weights_size()}));
    const Job<C> job = {in, out, filter, plan, ops, workspace.take<C>(plan.weights_size())};
    transform_weights(job, exec);

    // Many tiles are shared out among the threads; of few, each is shared out. The sums are the same.
    const std::int64_t tiles = cut.tiles() * cut.batch.size();
    if (tiles >= kTilesPerThread * exec.threads) {
        parallel_for(tiles, exec, [&](std::int64_t t) { filter_tile(job, tile_of(whole, cut, t), Exec{}); });
    } else {
        for (std::int64_t t = 0; t < tiles; ++t) filter_tile(job, tile_of(whole, cut, t), exec);
    }
}

template void correlate_by_fourier(const ConstArrayView&, const ArrayView&, const Filter&, const FourierCut&,
                                   const LevelOps<float>&, const Exec&);
template void correlate_by_fourier(const ConstArrayView&, const ArrayView&, const Filter&, const FourierCut&,
                                   const LevelOps<double>&, const Exec&);

}  // namespace voxkern::correlate

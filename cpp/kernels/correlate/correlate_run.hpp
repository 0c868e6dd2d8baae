// SPDX-License-Identifier: Apache-2.0
// The ways a correlation is run on threads.
#pragma once

#include "core/workspace.hpp"
#include "kernels/correlate/correlate_fourier_plan.hpp"

namespace voxkern::correlate {

template <class C>
void correlate_directly(const ConstArrayView& in, const ArrayView& out, const Filter& filter, Arithmetic arithmetic,
                        const Exec& exec, const LevelOps<C>& ops, Edges edges = Edges::extended) {
    const Plan<C> plan(in, out, filter, arithmetic, edges);
    const Task<C> task = plan.task(in, out, static_cast<C>(filter.cval));
    const std::int64_t samples = plan.tile_rows() * plan.pitch;
    const std::int64_t results = plan.result_size();
    parallel_for(plan.runs(), exec, [&](std::int64_t run) {
        Workspace workspace(Workspace::bytes_of<C>({samples, results}));
        C* const box = workspace.take<C>(samples);
        ops.filter_run(task, run, box, workspace.take<C>(results));
    });
}

// Tiles that hold a NaN, or samples of a size that transforms do not bear, are summed directly.
template <class C>
void correlate_by_fourier(const ConstArrayView& in, const ArrayView& out, const Filter& filter, const FourierCut& cut,
                          const LevelOps<C>& ops, const Exec& exec);

}  // namespace voxkern::correlate

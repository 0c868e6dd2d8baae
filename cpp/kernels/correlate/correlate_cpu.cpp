// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/lines.hpp"
#include "core/workspace.hpp"
#include "kernels/correlate/correlate_plan.hpp"

namespace voxkern::correlate {
namespace {

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

template <class C>
using FilterRun = void (*)(const Task<C>&, std::int64_t, C*, C*);

template <class C>
void correlate_directly(const ConstArrayView& in, const ArrayView& out, const Filter& filter, Arithmetic arithmetic,
                        const Exec& exec, FilterRun<C> filter_run) {
    const Plan<C> plan(in, out, filter, arithmetic);
    const Task<C> task = plan.task(in, out, static_cast<C>(filter.cval));
    const std::int64_t samples = plan.tile_rows() * plan.pitch;
    const std::int64_t results = plan.result_size();
    parallel_for(plan.runs(), exec, [&](std::int64_t run) {
        Workspace workspace(Workspace::bytes_of<C>({samples, results}));
        C* const box = workspace.take<C>(samples);
        filter_run(task, run, box, workspace.take<C>(results));
    });
}

// A pass in place copies the array where its lines are cut into pieces.
bool would_copy(const ArrayView& out, const std::vector<correlate1d::AxisFilter>& passes) {
    return std::any_of(passes.begin() + 1, passes.end(), [&](const correlate1d::AxisFilter& pass) {
        const std::int64_t halo = pass.size() - 1;
        return make_cut_lines(as_const(out), out, pass.axis, sizeof(double), halo, pass.size()).pieces > 1;
    });
}

}  // namespace
}  // namespace voxkern::correlate

namespace voxkern::cpu {

void correlate(const ConstArrayView& in, const ArrayView& out, const correlate::Filter& filter, const Exec& exec) {
    if (in.size() == 0) return;
    const std::vector<correlate1d::AxisFilter> passes = correlate::separated(in.dtype, out.dtype, filter);
    if (!passes.empty() && !correlate::would_copy(out, passes)) {
        correlate1d(in, out, passes, exec);
        return;
    }
    const correlate::Ops& ops = correlate::active_ops();
    const correlate::Arithmetic arithmetic = correlate::arithmetic_of(in.dtype, out.dtype, filter);
    const Exec limited = limited_to_work(exec, correlate::work_of(in, filter));
    if (arithmetic == correlate::Arithmetic::f64) {
        correlate::correlate_directly<double>(in, out, filter, arithmetic, limited, ops.run_f64);
    } else {
        correlate::correlate_directly<float>(in, out, filter, arithmetic, flushing_subnormals(limited), ops.run_f32);
    }
}

}  // namespace voxkern::cpu

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/lines.hpp"
#include "kernels/correlate/correlate_run.hpp"

namespace voxkern::correlate {
namespace {

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
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
    if (const auto cut = correlate::fourier_cut(in, out, filter, arithmetic)) {
        const Exec limited = limited_to_work(exec, static_cast<std::int64_t>(cut->cost));
        if (arithmetic == correlate::Arithmetic::f32) {
            correlate::correlate_by_fourier(in, out, filter, *cut, ops.f32, flushing_subnormals(limited));
        } else {
            correlate::correlate_by_fourier(in, out, filter, *cut, ops.f64, limited);
        }
        return;
    }
    const Exec limited = limited_to_work(exec, correlate::work_of(in, filter));
    if (arithmetic == correlate::Arithmetic::f64) {
        correlate::correlate_directly(in, out, filter, arithmetic, limited, ops.f64);
    } else {
        correlate::correlate_directly(in, out, filter, arithmetic, flushing_subnormals(limited), ops.f32);
    }
}

}  // namespace voxkern::cpu

// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool3d/pool3d_plan.hpp"

#include "kernels/pool3d/pool3d_math.hpp"

namespace voxkern::pool3d {

AxisPlan plan_of(std::int64_t n_in, std::int64_t n_out, const Window& window, const Options& options) {
    const Spacing spacing = spacing_of(n_in, n_out, window, options);
    AxisPlan plan;
    for (std::int64_t o = 0; o < n_out; ++o) {
        const Span span = spacing.at(o);
        plan.first.push_back(span.first);
        plan.count.push_back(span.count);
        plan.size.push_back(static_cast<float>(span.size));
    }
    if (spacing.adaptive) return plan;
    plan.step = spacing.window.dilation;
    plan.stride = spacing.window.stride;
    const auto complete = [&](std::int64_t o) {
        return plan.count[static_cast<std::size_t>(o)] == spacing.window.kernel;
    };
    while (plan.begin < n_out && !complete(plan.begin)) ++plan.begin;
    plan.end = plan.begin;
    while (plan.end < n_out && complete(plan.end)) ++plan.end;
    return plan;
}

}  // namespace voxkern::pool3d

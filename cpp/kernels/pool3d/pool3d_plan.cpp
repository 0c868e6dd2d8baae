// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool3d/pool3d_plan.hpp"

#include <algorithm>

namespace voxkern::pool3d {
namespace {

AxisPlan evenly_spaced(std::int64_t n_in, std::int64_t n_out, const Window& window, bool with_padding) {
    AxisPlan plan;
    plan.step = window.dilation;
    plan.stride = window.stride;
    for (std::int64_t o = 0; o < n_out; ++o) {
        const std::int64_t start = o * window.stride - window.padding;
        const std::int64_t outside = start < 0 ? (-start + window.dilation - 1) / window.dilation : 0;
        const std::int64_t first = start + outside * window.dilation;
        const std::int64_t inside = first < n_in ? (n_in - 1 - first) / window.dilation + 1 : 0;
        const std::int64_t count = std::clamp<std::int64_t>(window.kernel - outside, 0, inside);
        const std::int64_t padded = std::min(start + window.kernel, n_in + window.padding) - start;
        plan.first.push_back(count > 0 ? first : 0);
        plan.count.push_back(count);
        plan.size.push_back(static_cast<float>(with_padding ? padded : count));
    }
    const auto complete = [&](std::int64_t o) { return plan.count[static_cast<std::size_t>(o)] == window.kernel; };
    while (plan.begin < n_out && !complete(plan.begin)) ++plan.begin;
    plan.end = plan.begin;
    while (plan.end < n_out && complete(plan.end)) ++plan.end;
    return plan;
}

AxisPlan adaptive(std::int64_t n_in, std::int64_t n_out) {
    AxisPlan plan;
    for (std::int64_t o = 0; o < n_out; ++o) {
        const std::int64_t first = o * n_in / n_out;
        plan.first.push_back(first);
        plan.count.push_back(((o + 1) * n_in + n_out - 1) / n_out - first);
        plan.size.push_back(static_cast<float>(plan.count.back()));
    }
    return plan;
}

}  // namespace

AxisPlan plan_of(std::int64_t n_in, std::int64_t n_out, const Window& window, const Options& options) {
    if (!options.adaptive) return evenly_spaced(n_in, n_out, window, options.count_include_pad);
    if (n_in % n_out != 0) return adaptive(n_in, n_out);
    return evenly_spaced(n_in, n_out, {n_in / n_out, n_in / n_out, 0, 1}, false);
}

}  // namespace voxkern::pool3d

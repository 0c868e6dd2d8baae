// SPDX-License-Identifier: Apache-2.0
#include "kernels/rescale/rescale_plan.hpp"

#include <cmath>

namespace voxkern::rescale {
namespace {

bool is_integer(double x) {
    return x == std::trunc(x);
}

// Whether integers of at most 16 bits stay exact in float32 all the way.
bool values_exact_in_f32(DType in, DType out, const Options& options) {
    const bool whole = is_integer(options.slope) && is_integer(options.intercept);
    const double largest = std::abs(options.slope) * 65536.0 + std::abs(options.intercept);
    return !is_float(in) && exact_in_f32(in) && out != DType::f64 && whole && largest <= 16777216.0;
}

}  // namespace

Plan plan_of(DType in, DType out, const Options& options) {
    Plan plan = {options, in, out};
    plan.f32 = values_exact_in_f32(in, out, options);
    plan.copy = in == out && options.slope == 1.0 && options.intercept == 0.0;
    plan.as_stored = !options.swap_bytes && options.unused_high + options.unused_low == 0;
    return plan;
}

}  // namespace voxkern::rescale

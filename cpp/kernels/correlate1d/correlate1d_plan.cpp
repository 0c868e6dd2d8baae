// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate1d/correlate1d_plan.hpp"

#include <algorithm>
#include <cmath>

namespace voxkern::correlate1d {

template <class C>
Plan<C>::Plan(const AxisFilter& filter, std::int64_t n)
    : weights(filter.weights.begin(), filter.weights.end()),
      symmetry(filter_symmetry(filter.weights.data(), static_cast<std::int64_t>(filter.weights.size()))),
      divisor(static_cast<C>(filter.divisor)),
      cval(static_cast<C>(filter.cval)) {
    const auto size = static_cast<std::int64_t>(filter.weights.size());
    before = size / 2 + filter.origin;
    after = size - 1 - before;
    for (std::int64_t e = 0; e < before; ++e) extension.push_back(fold_index(e - before, n, filter.mode));
    for (std::int64_t e = 0; e < after; ++e) extension.push_back(fold_index(n + e, n, filter.mode));
}

template struct Plan<float>;
template struct Plan<double>;

namespace {

// Sums of up to 256 16-bit integers are exact in float32, and their quotient by the size truncates
// and rounds as the float64 one does: box filters of such images need no float64.
bool is_exact_box(DType in, DType out, const AxisFilter& filter) {
    const auto size = static_cast<double>(filter.weights.size());
    const bool box = filter.divisor == size && size <= 256.0 &&
                     std::all_of(filter.weights.begin(), filter.weights.end(), [](double w) { return w == 1.0; });
    const bool small = filter.cval == std::trunc(filter.cval) && std::abs(filter.cval) <= 65535.0;
    return box && small && in != DType::f32 && exact_in_f32(in) && out != DType::f64;
}

}  // namespace

bool computes_in_f32(DType in, DType out, const AxisFilter& filter) {
    return (in == DType::f32 && out == DType::f32) || is_exact_box(in, out, filter);
}

std::int64_t work_of(const ConstArrayView& in, const std::vector<AxisFilter>& filters) {
    std::int64_t taps = 0;
    for (const AxisFilter& filter : filters) taps += static_cast<std::int64_t>(filter.weights.size());
    return in.size() * taps / 4;  // a vector instruction does several
}

}  // namespace voxkern::correlate1d

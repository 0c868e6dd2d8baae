// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate1d/correlate1d_plan.hpp"

#include <algorithm>
#include <cmath>

namespace voxkern::correlate1d {

namespace {

// Below, adding the samples of a box afresh is as fast as sharing sums (measured: README.md).
constexpr std::int64_t kLongestFreshBox = 16;

}  // namespace

template <class C>
Plan<C>::Plan(const AxisFilter& filter, std::int64_t n)
    : running(filter.box > kLongestFreshBox),
      weights(filter.weights.begin(), filter.weights.end()),
      symmetry(filter_symmetry(filter.weights.data(), static_cast<std::int64_t>(filter.weights.size()))),
      divisor(static_cast<C>(std::max<std::int64_t>(filter.box, 1))),
      cval(static_cast<C>(filter.cval)),
      before(filter.before()),
      after(filter.size() - 1 - before) {
    if (running) take_out_surplus(n, filter.mode);
    if (filter.box > 0 && !running) {
        weights.assign(static_cast<std::size_t>(filter.box), C{1});
        symmetry = filter.box % 2 == 0 ? FilterSymmetry::none : FilterSymmetry::even;
    }
    extension.reserve(static_cast<std::size_t>(before + after));
    for (std::int64_t e = 0; e < before; ++e) extension.push_back(fold_index(e - before, n, filter.mode));
    for (std::int64_t e = 0; e < after; ++e) extension.push_back(fold_index(n + e, n, filter.mode));
}

// A box longer than the line costs no more than the line.
template <class C>
void Plan<C>::take_out_surplus(std::int64_t n, Boundary mode) {
    const bool wraps = mode == Boundary::wrap || mode == Boundary::grid_wrap;
    std::int64_t period = wraps ? n : 0;  // of the extension; 0 where the ends are repeated
    if (mode == Boundary::reflect) period = 2 * n;
    if (mode == Boundary::mirror && n > 1) period = 2 * n - 2;
    const std::int64_t ahead = period > 0 ? before / period : std::max<std::int64_t>(before - (n - 1), 0);
    const std::int64_t behind = period > 0 ? after / period : std::max<std::int64_t>(after - (n - 1), 0);
    before -= ahead * std::max<std::int64_t>(period, 1);
    after -= behind * std::max<std::int64_t>(period, 1);
    if (period > 0) {
        const auto periods = static_cast<double>(ahead + behind);
        surplus.inner = wraps ? periods : 2.0 * periods;
        surplus.first = mode == Boundary::mirror ? periods : surplus.inner;
        surplus.last = n > 1 ? surplus.first : 0.0;
    } else if (is_constant(mode)) {
        surplus.outside = static_cast<double>(ahead + behind);
    } else {
        surplus.first = static_cast<double>(ahead);
        surplus.last = static_cast<double>(behind);
    }
}

template struct Plan<float>;
template struct Plan<double>;

namespace {

// Sums of up to 256 16-bit integers are exact in float32, and their quotient by the size truncates
// and rounds as the float64 one does: box filters of such images need no float64.
bool is_exact_box(DType in, DType out, const AxisFilter& filter) {
    const bool small = filter.cval == std::trunc(filter.cval) && std::abs(filter.cval) <= 65535.0;
    return filter.box > 0 && filter.box <= 256 && small && in != DType::f32 && exact_in_f32(in) && out != DType::f64;
}

}  // namespace

bool computes_in_f32(DType in, DType out, const AxisFilter& filter) {
    const bool long_sum = filter.box > kLongestFreshBox;  // its roundings would show
    return (in == DType::f32 && out == DType::f32 && !long_sum) || is_exact_box(in, out, filter);
}

std::int64_t work_of(const ConstArrayView& in, const std::vector<AxisFilter>& filters) {
    std::int64_t taps = 0;
    for (const AxisFilter& filter : filters)
        taps += filter.box > 0 ? std::min(filter.box, kLongestFreshBox) : filter.size();
    return in.size() * taps / 4;  // a vector instruction does several
}

}  // namespace voxkern::correlate1d

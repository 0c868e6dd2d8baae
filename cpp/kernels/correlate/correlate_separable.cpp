// SPDX-License-Identifier: Apache-2.0
// Weights that are an outer product of filters, one per axis.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/correlate/correlate_plan.hpp"

namespace voxkern::correlate {
namespace {

using Factor = std::vector<double>;

// Up to so many taps direct sums are as fast (measured: README.md). Passes along two axes do not share a slab.
std::size_t most_direct_taps(std::size_t passes) {
    return passes > 2 ? 60 : 120;
}

// Sum of the differences that may remain, as a part of the sum of the weights: a few roundings of each of them.
constexpr double kToleranceF32 = 1.0 / (1 << 22);
constexpr double kToleranceF64 = 1.0 / (std::int64_t{1} << 50);

double sum_of(const Factor& factor) {
    return std::accumulate(factor.begin(), factor.end(), 0.0);
}

double magnitude_of(const Factor& factor) {
    return std::accumulate(factor.begin(), factor.end(), 0.0, [](double sum, double w) { return sum + std::abs(w); });
}

// The lines of weights through the largest one, divided by it; none where a line has a zero. A zero weight hides what
// lies under it, NaN too, which a product of filters does not.
std::vector<Factor> lines_of(const Filter& filter, double largest, std::int64_t at) {
    std::vector<Factor> lines(filter.shape.size());
    std::int64_t stride = 1;
    for (std::size_t a = filter.shape.size(); a-- > 0;) {
        const std::int64_t first = at - at / stride % filter.shape[a] * stride;
        for (std::int64_t t = 0; t < filter.shape[a]; ++t) {
            const double weight = filter.weights[static_cast<std::size_t>(first + t * stride)];
            if (weight == 0.0) return {};
            lines[a].push_back(weight / largest);
        }
        stride *= filter.shape[a];
    }
    return lines;
}

// Sum of the differences between the weights and a product of factors.
double misfit(const Filter& filter, const std::vector<Factor>& factors, double scale) {
    double sum = 0.0;
    for (std::size_t i = 0; i < filter.weights.size(); ++i) {
        double product = scale;
        auto position = static_cast<std::int64_t>(i);
        for (std::size_t a = factors.size(); a-- > 0;) {
            product *= factors[a][static_cast<std::size_t>(position % filter.shape[a])];
            position /= filter.shape[a];
        }
        sum += std::abs(filter.weights[i] - product);
    }
    return sum;
}

// Makes the factors of whole weights whole too; returns what their product is to be multiplied by.
double make_whole(std::vector<Factor>& factors, double largest) {
    double scale = largest;
    for (Factor& factor : factors) {
        std::int64_t common = 0;
        for (const double w : factor) common = std::gcd(common, std::llround(w * largest));
        const auto divisor = static_cast<double>(common);
        for (double& w : factor) w = std::round(w * largest) / divisor;
        scale *= divisor / largest;
    }
    return std::round(scale);
}

// Integer passes wrap in between, as sums modulo 2^n may, while nothing leaves what an int32 holds.
bool wraps_safely(const std::vector<Factor>& factors, double scale, double largest_sample, double largest_cval) {
    constexpr double kLimit = 2147483648.0;
    double total = std::abs(scale) * std::max(largest_sample, largest_cval);
    double most = 0.0;
    for (const Factor& factor : factors) {
        total *= magnitude_of(factor);
        most = std::max(most, magnitude_of(factor) * largest_sample * std::abs(scale));
    }
    return total < kLimit && most < kLimit;
}

}  // namespace

std::vector<correlate1d::AxisFilter> separated(DType in, DType out, const Filter& filter) {
    const bool whole = narrow_integer(in) && narrow_integer(out);
    if (!(in == DType::f32 && out == DType::f32) && out != DType::f64 && !whole) return {};
    const auto passes = std::count_if(filter.shape.begin(), filter.shape.end(), [](std::int64_t n) { return n > 1; });
    if (filter.weights.size() <= most_direct_taps(static_cast<std::size_t>(passes))) return {};
    const double outside = is_constant(filter.mode) ? filter.cval : 0.0;
    if (!std::isfinite(outside) || (whole && outside != std::trunc(outside))) return {};

    const auto by_size = [](double a, double b) { return std::abs(a) < std::abs(b); };
    const auto at = std::max_element(filter.weights.begin(), filter.weights.end(), by_size) - filter.weights.begin();
    const double largest = filter.weights[static_cast<std::size_t>(at)];
    if (!std::isfinite(largest) || largest == 0.0) return {};
    std::vector<Factor> factors = lines_of(filter, largest, at);
    if (factors.empty()) return {};
    double scale = largest;
    if (whole) {
        const auto fits = [](double w) { return w == std::trunc(w) && std::abs(w) < 1e9; };
        if (!std::all_of(filter.weights.begin(), filter.weights.end(), fits)) return {};
        scale = make_whole(factors, largest);
        if (misfit(filter, factors, scale) != 0.0) return {};
        if (!wraps_safely(factors, scale, std::max(largest_of(in), largest_of(out)), std::abs(outside))) return {};
    } else {
        const double tolerance = out == DType::f64 ? kToleranceF64 : kToleranceF32;
        if (!(misfit(filter, factors, scale) <= tolerance * magnitude_of(filter.weights))) return {};
        for (Factor& factor : factors) {  // no sum between two passes is larger than the samples
            const double magnitude = magnitude_of(factor);
            for (double& w : factor) w /= magnitude;
            scale *= magnitude;
        }
    }

    std::vector<correlate1d::AxisFilter> filters;
    double cval = outside;  // outside, the pass before made a constant too
    for (std::size_t a = 0; a < factors.size(); ++a) {
        if (factors[a].size() == 1) {
            scale *= factors[a][0];
            continue;
        }
        filters.push_back({static_cast<int>(a), factors[a], filter.mode, cval, filter.origins[a]});
        cval *= sum_of(factors[a]);
    }
    for (double& w : filters.back().weights) w *= scale;
    return filters;
}

}  // namespace voxkern::correlate

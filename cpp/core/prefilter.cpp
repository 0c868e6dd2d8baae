// SPDX-License-Identifier: Apache-2.0
#include "core/prefilter.hpp"

#include <cmath>

namespace voxkern {
namespace {

// sum_k factor * pole^k * line[position(k)] over the infinite extension, cut where it falls below
// the precision of C; samples read more than once are collected.
template <class C, class Position>
std::vector<double> geometric_sum(double pole, double factor, std::int64_t n, Boundary mode, const Position& position) {
    const double precision = sizeof(C) == 4 ? 1e-9 : 1e-18;
    const auto terms = static_cast<std::int64_t>(std::ceil(std::log(precision) / std::log(std::abs(pole))));
    std::vector<double> sum(static_cast<std::size_t>(n), 0.0);
    double power = factor;
    for (std::int64_t k = 0; k < terms; ++k, power *= pole) {
        sum[static_cast<std::size_t>(fold_index(position(k), n, mode))] += power;
    }
    return sum;
}

// scipy's start for reflect adds pole^(2n-1) times its running sum where the first sample is meant.
// It shows on lines of a few samples only (the result no longer passes through them); we give the
// same numbers.
void add_scipy_reflect_term(double z, std::int64_t n, std::vector<double>& sum) {
    const double factor = std::pow(z, 2.0 * static_cast<double>(n)) / (1.0 - std::pow(z, 2.0 * static_cast<double>(n)));
    const double zn = std::pow(z, static_cast<double>(n));
    const auto at = [&](std::int64_t i) -> double& { return sum[static_cast<std::size_t>(i)]; };
    if (std::abs(factor) < 1e-18) return;
    at(n - 1) += factor * zn;
    double power = z;
    for (std::int64_t i = 1; i < n - 1; ++i, power *= z) {
        at(i) += factor * power;
        at(n - 1 - i) += factor * power * zn;
    }
}

template <class C>
InitialSum<C> nonzero_terms(const std::vector<double>& sum, std::vector<std::int64_t>& index, std::vector<C>& weight) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
        if (sum[i] == 0.0) continue;
        index.push_back(static_cast<std::int64_t>(i));
        weight.push_back(static_cast<C>(sum[i]));
    }
    return {static_cast<std::int64_t>(index.size()), index.data(), weight.data()};
}

}  // namespace

template <class C>
OwnedPrefilter<C>::OwnedPrefilter(std::int64_t n, std::int64_t pad, int order, Boundary mode) {
    filter_.n = n;
    filter_.pad = pad;
    filter_.pad_edge = mode == Boundary::nearest;
    const std::int64_t length = n + 2 * pad;
    if (length <= 1) return;
    double poles[2];
    filter_.poles = spline_poles(order, poles);
    for (int p = 0; p < filter_.poles; ++p) start(p, poles[p], length, prefilter_boundary(mode));
}

template <class C>
void OwnedPrefilter<C>::start(int pole, double z, std::int64_t n, Boundary extension) {
    // c+(0) = sum_k z^k s(-k)
    std::vector<double> causal = geometric_sum<C>(z, 1.0, n, extension, [](std::int64_t k) { return -k; });
    std::vector<double> anticausal(static_cast<std::size_t>(n), 0.0);
    if (extension == Boundary::grid_wrap) {
        // c(n-1) = -sum_k z^(k+1) c+(n-1+k): the causal result is periodic too
        anticausal = geometric_sum<C>(z, -z, n, extension, [n](std::int64_t k) { return n - 1 + k; });
    } else if (extension == Boundary::mirror) {
        anticausal[static_cast<std::size_t>(n - 1)] = z / (z * z - 1.0);
        anticausal[static_cast<std::size_t>(n - 2)] = z * z / (z * z - 1.0);
    } else {
        add_scipy_reflect_term(z, n, causal);
        anticausal[static_cast<std::size_t>(n - 1)] = z / (z - 1.0);
    }
    PoleFilter<C>& filter = filter_.filter[pole];
    filter.pole = static_cast<C>(z);
    filter.causal = nonzero_terms(causal, index_[2 * pole], weight_[2 * pole]);
    filter.anticausal = nonzero_terms(anticausal, index_[2 * pole + 1], weight_[2 * pole + 1]);
}

template class OwnedPrefilter<float>;
template class OwnedPrefilter<double>;

}  // namespace voxkern

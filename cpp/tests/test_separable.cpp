// SPDX-License-Identifier: Apache-2.0
#include "kernels/separable/separable.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;
using separable::Combine;
using separable::Term;

namespace {

Term second_difference(int axis) {
    return {correlate1d::AxisFilter{axis, {1.0, -2.0, 1.0}, Boundary::nearest}};
}

}  // namespace

// x = 1 i^2 + 2 j^2 + 3 k^2: second differences 2, 4 and 6 inside.
TEST(separable, sums_and_magnitudes_at_every_level) {
    const std::int64_t shape[3] = {5, 7, 37};
    std::vector<float> x;
    for (std::int64_t i = 0; i < 5; ++i) {
        for (std::int64_t j = 0; j < 7; ++j) {
            for (std::int64_t k = 0; k < 37; ++k) x.push_back(static_cast<float>(i * i + 2 * j * j + 3 * k * k));
        }
    }
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {shape[0], shape[1], shape[2]});
    const std::vector<Term> terms = {second_difference(0), second_difference(1), second_difference(2)};
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const int threads : {1, 3}) {
            std::vector<float> y(x.size());
            const View<float, 4> out = contiguous_view<float, 4>(y.data(), {shape[0], shape[1], shape[2], 1});
            Exec exec;
            exec.threads = threads;
            separable::Options options;
            cpu::separable(erase_type(in), erase_type(out), terms, options, exec);
            EXPECT(out(2, 3, 18, 0) == 12.0F && out(2, 3, 1, 0) == 12.0F);
            options.combine = Combine::magnitude;
            cpu::separable(erase_type(in), erase_type(out), terms, options, exec);
            EXPECT(std::abs(out(3, 5, 20, 0) - std::sqrt(56.0F)) < 1e-5F);
        }
    }
}

// Two images, one behind the other: their entries are a diagonal of 3 and 1, and the other entry is 1.
TEST(separable, eigenvalues_and_norm) {
    const double x[] = {3.0, 1.0, 1.0};
    const View<const double, 2> in = contiguous_view<const double, 2>(x, {3, 1});
    std::vector<Term> terms;
    for (const std::vector<double>& pick : {std::vector<double>{1, 0, 0, 0, 0}, {0, 0, 0, 1, 0}, {0, 1, 0, 0, 0}}) {
        terms.push_back({correlate1d::AxisFilter{0, pick, Boundary::grid_wrap}});
    }
    double y[6] = {};
    separable::Options options;
    options.combine = Combine::eigenvalues;
    cpu::separable(erase_type(in), erase_type(contiguous_view<double, 3>(y, {3, 1, 2})), terms, options, {});
    // At sample 2 the taps two before, one after and one before are samples 0, 0 and 1.
    const double mean = 2.0;
    const double reach = std::sqrt(1.0 + 9.0);
    EXPECT(std::abs(y[4] - (mean - reach)) < 1e-14 && std::abs(y[5] - (mean + reach)) < 1e-14);
    options.combine = Combine::norm;
    double z[3] = {};
    const double norm =
        cpu::separable(erase_type(in), erase_type(contiguous_view<double, 3>(z, {3, 1, 1})), terms, options, {});
    EXPECT(std::abs(norm - std::sqrt(9.0 + 1.0 + 2.0 * 9.0)) < 1e-14 && z[0] == 0.0);
}

// Odd shapes, strides and long filters: what AddressSanitizer watches.
TEST(separable, stays_in_bounds) {
    for (const std::int64_t n : {std::int64_t{1}, std::int64_t{2}, std::int64_t{17}, std::int64_t{1100}}) {
        std::vector<float> x(static_cast<std::size_t>(3 * n * 2), 1.0F);
        std::vector<float> y(x.size());
        const View<const float, 3> in = {x.data() + (n - 1) * 2, {3, n, 2}, {n * 2, -2, 1}};
        const View<float, 4> out = {y.data(), {3, n, 2, 1}, {1, 3, 3 * n, 1}};
        const std::vector<double> ones(41, 1.0 / 41.0);
        for (const Boundary mode : {Boundary::constant, Boundary::mirror, Boundary::grid_wrap}) {
            Term term;
            for (int axis = 0; axis < 3; ++axis) term.push_back({axis, ones, mode, 0.0, -20});
            separable::Options options;
            options.cval = 1.0;
            cpu::separable(erase_type(in), erase_type(out), {term, {}}, options, {});
            for (const float value : y) EXPECT(std::abs(value - 2.0F) < 1e-4F);
        }
    }
}

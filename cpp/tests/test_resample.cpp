// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample.hpp"

#include <numeric>
#include <vector>

#include "core/cpu.hpp"
#include "core/interpolator.hpp"
#include "expect.hpp"

using namespace voxkern;
using voxkern::resample::AxisSampling;
using voxkern::resample::Options;

namespace {

std::vector<double> line_of(std::int64_t n, double first, double last) {
    std::vector<double> c(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
        c[static_cast<std::size_t>(i)] =
            n > 1 ? first + (last - first) * static_cast<double>(i) / static_cast<double>(n - 1) : first;
    }
    return c;
}

template <class T>
std::vector<T> image(std::int64_t n) {
    std::vector<T> x(static_cast<std::size_t>(n));
    std::uint32_t state = 99;
    for (T& value : x) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<T>(state >> 25);
    }
    return x;
}

// Orders 0 and 1 straight from their taps, one voxel at a time.
template <class T>
void expect_taps(int order, Boundary mode) {
    const std::int64_t n[3] = {5, 18, 35};
    const std::int64_t m[3] = {7, 33, 50};
    const std::vector<T> x = image<T>(5 * 18 * 35);
    std::vector<T> y(7 * 33 * 50);
    Options options;
    options.kernel.order = order;
    options.mode = mode;
    options.cval = 3.0;
    std::vector<AxisSampling> axes;
    for (int a = 0; a < 3; ++a) axes.push_back({line_of(m[a], -1.2, static_cast<double>(n[a]) + 0.7)});
    const View<const T, 3> in = contiguous_view<const T, 3>(x.data(), {n[0], n[1], n[2]});
    const View<T, 3> out = contiguous_view<T, 3>(y.data(), {m[0], m[1], m[2]});
    Exec exec;
    exec.threads = 3;
    cpu::resample(erase_type(in), erase_type(out), axes, options, exec);
    std::int64_t index[3][kMaxTaps];
    double weight[3][kMaxTaps];
    for (std::int64_t k = 0; k < m[0]; ++k) {
        for (std::int64_t j = 0; j < m[1]; ++j) {
            for (std::int64_t i = 0; i < m[2]; ++i) {
                const std::int64_t at[3] = {k, j, i};
                bool inside = true;
                for (int a = 0; a < 3; ++a) {
                    const double c = axes[static_cast<std::size_t>(a)].coordinates[static_cast<std::size_t>(at[a])];
                    inside =
                        interpolator_taps(c, n[a], prefilter_pad({order}, mode), {order}, mode, index[a], weight[a]) &&
                        inside;
                }
                double want = 0.0;
                double total = 0.0;
                for (int r = 0; r <= order; ++r) {
                    for (int s = 0; s <= order; ++s) {
                        for (int t = 0; t <= order; ++t) {
                            const double w = weight[0][r] * weight[1][s] * weight[2][t];
                            want += w * static_cast<double>(in(index[0][r], index[1][s], index[2][t]));
                            total += w;
                        }
                    }
                }
                if (mode == Boundary::grid_constant) want += (1.0 - total) * options.cval;
                if (!inside) want = options.cval;
                const double tolerance = std::is_floating_point_v<T> ? 1e-4 : 0.5 + 1e-4;
                EXPECT_NEAR(out(k, j, i), want, tolerance);
            }
        }
    }
}

}  // namespace

TEST(resample, low_orders_equal_their_taps_at_every_level) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const Boundary mode : {Boundary::nearest, Boundary::constant, Boundary::grid_constant, Boundary::mirror,
                                    Boundary::wrap, Boundary::fov}) {
            for (int order = 0; order <= 1; ++order) {
                expect_taps<float>(order, mode);
                expect_taps<double>(order, mode);
                expect_taps<std::int16_t>(order, mode);
                expect_taps<std::uint8_t>(order, mode);
                expect_taps<std::int32_t>(order, mode);
            }
        }
    }
}

TEST(resample, splines_pass_through_the_samples) {
    const std::vector<double> x = image<double>(30 * 31 * 29);
    const View<const double, 3> in = contiguous_view<const double, 3>(x.data(), {30, 31, 29});
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (int order = 2; order <= kMaxSplineOrder; ++order) {
            for (const Boundary mode : {Boundary::mirror, Boundary::reflect, Boundary::grid_wrap, Boundary::nearest}) {
                Options options;
                options.kernel.order = order;
                options.mode = mode;
                // every second sample: nothing is an identity, everything must pass through
                const std::vector<AxisSampling> axes = {
                    {line_of(15, 0, 28)}, {line_of(16, 0, 30)}, {line_of(15, 28, 0)}};
                std::vector<double> y(15 * 16 * 15);
                const View<double, 3> out = contiguous_view<double, 3>(y.data(), {15, 16, 15});
                cpu::resample(erase_type(in), erase_type(out), axes, options, {});
                // the padded line of `nearest` starts its recursion at pole^12
                const double tolerance = mode == Boundary::nearest ? 2e-2 : 1e-9;
                for (std::int64_t k = 0; k < 15; ++k) {
                    for (std::int64_t j = 0; j < 16; ++j) {
                        for (std::int64_t i = 0; i < 15; ++i) {
                            EXPECT_NEAR(out(k, j, i), in(2 * k, 2 * j, 28 - 2 * i), tolerance);
                        }
                    }
                }
            }
        }
    }
}

// Two rounds of axes give what one axis at a time gives: order 1 is separable up to rounding.
TEST(resample, more_than_three_axes) {
    const std::vector<double> x = image<double>(81);
    std::vector<double> y(81);
    std::copy(x.begin(), x.end(), y.begin());
    Options options;
    options.kernel.order = 1;
    const AxisSampling moved = {line_of(3, 0.25, 1.75)};
    const AxisSampling kept = {line_of(3, 0.0, 2.0)};
    for (int a = 0; a < 4; ++a) {
        const std::vector<double> before = y;
        std::vector<AxisSampling> axes(4, kept);
        axes[static_cast<std::size_t>(a)] = moved;
        cpu::resample(erase_type(contiguous_view<const double, 4>(before.data(), {3, 3, 3, 3})),
                      erase_type(contiguous_view<double, 4>(y.data(), {3, 3, 3, 3})), axes, options, {});
    }
    std::vector<double> z(81);
    cpu::resample(erase_type(contiguous_view<const double, 4>(x.data(), {3, 3, 3, 3})),
                  erase_type(contiguous_view<double, 4>(z.data(), {3, 3, 3, 3})), {4, moved}, options, {});
    for (std::size_t i = 0; i < z.size(); ++i) EXPECT_NEAR(z[i], y[i], 1e-12);
}

TEST(resample, clip_range_and_threads) {
    const std::vector<float> x = image<float>(20 * 40 * 30);
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {20, 40, 30});
    Options options;
    options.clip = true;
    const std::vector<AxisSampling> axes = {
        {line_of(33, 0, 19), 0.4}, {line_of(25, 0, 39), 0.0}, {line_of(50, 0, 29), 0.0}};
    std::vector<float> first;
    for (const int threads : {1, 2, 5}) {
        std::vector<float> y(33 * 25 * 50);
        Exec exec;
        exec.threads = threads;
        cpu::resample(erase_type(in), erase_type(contiguous_view<float, 3>(y.data(), {33, 25, 50})), axes, options,
                      exec);
        for (const float value : y) EXPECT(value >= 0.0F && value <= 127.0F);
        if (first.empty()) first = y;
        EXPECT(y == first);
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample.hpp"

#include <numeric>
#include <vector>

#include "core/cpu.hpp"
#include "core/interpolator.hpp"
#include "expect.hpp"

using namespace voxkern;

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

// Orders 0 and 1 straight from the taps of resample_math.hpp, one voxel at a time.
template <class T>
void expect_taps(int order, Boundary mode) {
    const std::int64_t n[3] = {5, 18, 35};
    const std::int64_t m[3] = {7, 33, 50};
    const std::vector<T> x = image<T>(5 * 18 * 35);
    std::vector<T> y(7 * 33 * 50);
    ResampleParams params;
    params.kernel.order = order;
    params.mode = mode;
    params.cval = 3.0;
    for (int a = 0; a < 3; ++a) params.axes.push_back({line_of(m[a], -1.2, static_cast<double>(n[a]) + 0.7)});
    const View<const T, 3> in = contiguous_view<const T, 3>(x.data(), {n[0], n[1], n[2]});
    const View<T, 3> out = contiguous_view<T, 3>(y.data(), {m[0], m[1], m[2]});
    Exec exec;
    exec.threads = 3;
    resample(erase_type(in), erase_type(out), params, exec);
    std::int64_t index[3][kMaxTaps];
    double weight[3][kMaxTaps];
    for (std::int64_t k = 0; k < m[0]; ++k) {
        for (std::int64_t j = 0; j < m[1]; ++j) {
            for (std::int64_t i = 0; i < m[2]; ++i) {
                const std::int64_t at[3] = {k, j, i};
                bool inside = true;
                for (int a = 0; a < 3; ++a) {
                    const double c =
                        params.axes[static_cast<std::size_t>(a)].coordinates[static_cast<std::size_t>(at[a])];
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
                if (mode == Boundary::grid_constant) want += (1.0 - total) * params.cval;
                if (!inside) want = params.cval;
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
                ResampleParams params;
                params.kernel.order = order;
                params.mode = mode;
                // every second sample: nothing is an identity, everything must pass through
                params.axes = {{line_of(15, 0, 28)}, {line_of(16, 0, 30)}, {line_of(15, 28, 0)}};
                std::vector<double> y(15 * 16 * 15);
                const View<double, 3> out = contiguous_view<double, 3>(y.data(), {15, 16, 15});
                resample(erase_type(in), erase_type(out), params, {});
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

TEST(resample, more_than_three_axes_to_interpolate_are_refused) {
    std::vector<float> x(81);
    std::vector<float> y(16);
    ResampleParams params;
    params.axes.assign(4, {line_of(2, 0.0, 1.5)});
    EXPECT_THROWS(InvalidArgument, resample(as_const(erase_type(contiguous_view<float, 4>(x.data(), {3, 3, 3, 3}))),
                                            erase_type(contiguous_view<float, 4>(y.data(), {2, 2, 2, 2})), params, {}));
}

TEST(resample, clip_range_and_threads) {
    const std::vector<float> x = image<float>(20 * 40 * 30);
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {20, 40, 30});
    ResampleParams params;
    params.clip = true;
    params.axes = {{line_of(33, 0, 19), 0.4}, {line_of(25, 0, 39), 0.0}, {line_of(50, 0, 29), 0.0}};
    std::vector<float> first;
    for (const int threads : {1, 2, 5}) {
        std::vector<float> y(33 * 25 * 50);
        Exec exec;
        exec.threads = threads;
        resample(erase_type(in), erase_type(contiguous_view<float, 3>(y.data(), {33, 25, 50})), params, exec);
        for (const float value : y) EXPECT(value >= 0.0F && value <= 127.0F);
        if (first.empty()) first = y;
        EXPECT(y == first);
    }
}

// Coefficients, evaluated with the weights at the samples, give the samples back.
TEST(resample, coefficients_reproduce_the_samples) {
    const std::vector<double> x = {3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0};
    const auto n = static_cast<std::int64_t>(x.size());
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (int order = 0; order <= 5; ++order) {
            std::vector<double> c(x.size());
            ResampleParams params;
            params.kernel.order = order;
            params.mode = Boundary::mirror;
            AxisSampling axis;
            axis.coordinates = line_of(n, 0.0, static_cast<double>(n - 1));
            axis.coefficients = true;
            params.axes = {axis};
            const View<const double, 1> in = contiguous_view<const double, 1>(x.data(), {n});
            resample(erase_type(in), erase_type(contiguous_view<double, 1>(c.data(), {n})), params, {});
            for (std::int64_t i = 0; i < n; ++i) {
                std::int64_t index[kMaxTaps];
                double weight[kMaxTaps];
                interpolator_taps(static_cast<double>(i), n, 0, {order}, Boundary::mirror, index, weight);
                double value = 0.0;
                for (int t = 0; t <= order; ++t) value += weight[t] * c[static_cast<std::size_t>(index[t])];
                EXPECT(std::abs(value - in(i)) < 1e-12);
            }
        }
    }
}

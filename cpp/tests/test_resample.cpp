// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/cpu.hpp"
#include "core/interpolator.hpp"
#include "core/memory.hpp"
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

// One call for cancellation that is answered with yes from the moment the first sample of `out` is written.
template <class Call>
bool stops_early(std::vector<std::uint8_t>& out, const Call& call) {
    std::fill(out.begin(), out.end(), std::uint8_t{99});
    const auto asks = [](void* first) { return *static_cast<std::uint8_t*>(first) != 99; };
    Cancellation cancellation(asks, out.data(), std::chrono::milliseconds{0});
    Exec exec;
    exec.cancellation = &cancellation;
    EXPECT_THROWS(Cancelled, call(exec));
    return out.back() == 99;
}

// What is one plane, or one line, is many chunks: the call ends long before its last sample.
TEST(resample, planes_and_lines_are_cut) {
    const std::uint8_t seven = 7;
    Options options;
    std::vector<std::uint8_t> out(2000 * 2000);
    for (const Boundary mode : {Boundary::mirror, Boundary::nearest}) {
        options.mode = mode;
        const View<const std::uint8_t, 2> image = {&seven, {1500, 1500}, {0, 0}};
        const std::vector<AxisSampling> plane(2, {line_of(2000, 0, 1499)});
        EXPECT(stops_early(out, [&](const Exec& exec) {
            cpu::resample(erase_type(image), erase_type(contiguous_view<std::uint8_t, 2>(out.data(), {2000, 2000})),
                          plane, options, exec);
        }));
    }
    out.resize(2000 * 1000);
    const View<const std::uint8_t, 1> line = {&seven, {1000 * 1000}, {0}};
    EXPECT(stops_early(out, [&](const Exec& exec) {
        cpu::resample(erase_type(line), erase_type(contiguous_view<std::uint8_t, 1>(out.data(), {2000 * 1000})),
                      {{line_of(2000 * 1000, 0, 999999)}}, options, exec);
    }));
}

// So is a line that is taken as it is or smoothed, one of many very long ones, and the image whose range limits a
// result.
TEST(resample, long_lines_are_cut_in_every_way) {
    const std::uint8_t seven = 7;
    constexpr std::int64_t m = 2000 * 1000;
    std::vector<std::uint8_t> out(m);
    const View<const std::uint8_t, 1> line = {&seven, {m / 2}, {0}};
    const auto onto_line = [&](const Options& options, double sigma) {
        return stops_early(out, [&](const Exec& exec) {
            cpu::resample(erase_type(line), erase_type(contiguous_view<std::uint8_t, 1>(out.data(), {m})),
                          {{line_of(m, 0, m / 2 - 1), sigma}}, options, exec);
        });
    };
    Options options;
    options.kernel.order = 0;
    EXPECT(onto_line(options, 0.0));
    for (const int order : {0, 1, 3}) {
        options.kernel.order = order;
        EXPECT(onto_line(options, 3.0));
    }
    out.resize(9 * 1200000);
    const std::vector<std::uint8_t> row(1100000, seven);
    const View<const std::uint8_t, 2> many = {row.data(), {9, 1100000}, {0, 1}};
    const std::vector<AxisSampling> axes = {{line_of(9, 0, 8)}, {line_of(1200000, 0, 1099999)}};
    EXPECT(stops_early(out, [&](const Exec& exec) {
        cpu::resample(erase_type(many), erase_type(contiguous_view<std::uint8_t, 2>(out.data(), {9, 1200000})), axes,
                      options, exec);
    }));
}

// Its range is looked up in many chunks, whose number no result depends on.
TEST(resample, range_of_a_long_line) {
    std::vector<float> x = image<float>(1000000);
    x[123456] = 500.0F;
    x[999999] = -3.0F;
    const View<const float, 1> line = contiguous_view<const float, 1>(x.data(), {1000000});
    int asked = 0;
    const auto asks = [](void* count) { return ++*static_cast<int*>(count) < 0; };
    Cancellation cancellation(asks, &asked, std::chrono::milliseconds{0});
    Exec exec;
    exec.cancellation = &cancellation;
    double lowest = 0.0;
    double highest = 0.0;
    cpu::value_range(erase_type(line), exec, &lowest, &highest);
    EXPECT(asked >= 10 && lowest == -3.0 && highest == 500.0);
    const View<const float, 2> layouts[] = {
        {x.data(), {250000, 2}, {2, 1}}, {x.data(), {1000, 500}, {1, 1000}}, {x.data(), {2, 250000}, {250000, 1}}};
    for (const View<const float, 2>& layout : layouts) {
        cpu::value_range(erase_type(layout), {}, &lowest, &highest);
        EXPECT(lowest == 0.0 && highest == 500.0);
    }
    cpu::value_range(erase_type(View<const float, 2>{x.data(), {0, 7}, {7, 1}}), {}, &lowest, &highest);
    EXPECT(lowest < -1e300 && highest > 1e300);
}

// Very long lines, next to each other or side by side, alone or with other axes: scratch memory does not grow with
// them.
TEST(resample, scratch_of_long_lines_is_bounded) {
    constexpr std::int64_t n = 2000000;
    const std::vector<std::uint8_t> row(n, 7);
    const std::int64_t before = cache_limit();
    for (const bool along : {true, false}) {
        for (const bool across : {true, false}) {
            if (!along && !across) continue;
            const std::int64_t lines = across ? 9 : 10;
            const std::int64_t m = along ? n + n / 10 : n;
            std::vector<std::uint8_t> out(static_cast<std::size_t>(10 * m));
            const std::vector<AxisSampling> axes = {{line_of(10, 0, static_cast<double>(lines - 1))},
                                                    {line_of(m, 0, n - 1)}};
            const View<const std::uint8_t, 2> in = {row.data(), {lines, n}, {0, 1}};
            release_memory();
            set_cache_limit(std::int64_t{4} << 30);
            cpu::resample(erase_type(in), erase_type(contiguous_view<std::uint8_t, 2>(out.data(), {10, m})), axes, {},
                          {});
            EXPECT(cached_bytes() <= 4 * 10 * m + (std::int64_t{150} << 20));
            EXPECT(std::all_of(out.begin(), out.end(), [](std::uint8_t value) { return value == 7; }));
        }
    }
    set_cache_limit(before);
    release_memory();
}

// What lies outside does not read the samples inside, which may be no numbers.
TEST(resample, nothing_leaks_into_the_outside_of_a_long_line) {
    constexpr std::int64_t n = 40000;
    constexpr std::int64_t m = 51000;
    std::vector<double> x = image<double>(n);
    std::vector<float> y(m);
    for (const double spoilt : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        x[0] = spoilt;
        for (const int order : {0, 1}) {
            Options options;
            options.kernel.order = order;
            options.mode = Boundary::grid_constant;
            options.cval = 11.0;
            const AxisSampling axis = {line_of(m, -3.3, static_cast<double>(n) + 1.7)};
            cpu::resample(erase_type(contiguous_view<const double, 1>(x.data(), {n})),
                          erase_type(contiguous_view<float, 1>(y.data(), {m})), {axis}, options, {});
            for (std::size_t i = 0; i < m; ++i) {
                const double c = axis.coordinates[i];
                if (c > n - 0.5 + order || (order == 0 && c < -0.5)) EXPECT(y[i] == 11.0F);
                if (c > 1.0) EXPECT(std::isfinite(y[i]));
            }
        }
    }
}

// The segments of a long line give what the whole line does as one of many, which are filtered side by side.
TEST(resample, a_long_line_equals_one_of_many) {
    constexpr std::int64_t n = 40000;
    constexpr std::int64_t m = 51000;
    const std::vector<double> x = image<double>(n);
    std::vector<double> alone(m);
    std::vector<double> many(8 * m);
    const View<const double, 2> rows = {x.data(), {8, n}, {0, 1}};
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const int order : {0, 1, 3, 4, 5}) {
            for (const Boundary mode : {Boundary::mirror, Boundary::nearest, Boundary::grid_wrap,
                                        Boundary::grid_constant, Boundary::constant}) {
                Options options;
                options.kernel.order = order;
                options.mode = mode;
                options.cval = 11.0;
                for (const double sigma : {0.0, 2.0}) {
                    const AxisSampling moved = {line_of(m, -3.3, static_cast<double>(n) + 1.7), sigma};
                    Exec exec;
                    exec.threads = 3;
                    cpu::resample(erase_type(contiguous_view<const double, 1>(x.data(), {n})),
                                  erase_type(contiguous_view<double, 1>(alone.data(), {m})), {moved}, options, exec);
                    cpu::resample(erase_type(rows), erase_type(contiguous_view<double, 2>(many.data(), {8, m})),
                                  {{line_of(8, 0, 7)}, moved}, options, exec);
                    for (std::size_t i = 0; i < m; ++i) EXPECT_NEAR(alone[i], many[3 * m + i], 1e-10);
                }
            }
        }
    }
}

// Cells of any width, whole or not, larger than any kernel has taps: the mean of what they cover.
TEST(resample, cells_are_means) {
    constexpr std::int64_t n = 60;
    const std::vector<double> x = image<double>(n * n * n);
    const View<const double, 3> in = contiguous_view<const double, 3>(x.data(), {n, n, n});
    const std::int64_t m[3] = {5, 20, 37};  // of 12, 3 and 1.6 samples
    std::vector<AxisSampling> axes;
    for (const std::int64_t size : m) {
        const double width = static_cast<double>(n) / static_cast<double>(size);
        axes.push_back({line_of(size, 0.5 * width - 0.5, static_cast<double>(n) - 0.5 * width - 0.5), 0.0, width});
    }
    std::vector<double> y(5 * 20 * 37);
    const View<double, 3> out = contiguous_view<double, 3>(y.data(), {5, 20, 37});
    Options options;
    options.kernel.order = 0;
    const auto covered = [&](int a, std::int64_t cell, std::int64_t i) {
        const double width = axes[static_cast<std::size_t>(a)].cell;
        const double low = std::max(static_cast<double>(i), static_cast<double>(cell) * width);
        const double high = std::min(static_cast<double>(i + 1), static_cast<double>(cell + 1) * width);
        return std::max(0.0, high - low) / width;
    };
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        cpu::resample(erase_type(in), erase_type(out), axes, options, {});
        for (const std::int64_t k : {0, 4}) {
            for (const std::int64_t j : {0, 7, 19}) {
                for (std::int64_t i = 0; i < 37; ++i) {
                    double want = 0.0;
                    for (std::int64_t r = 0; r < n * n * n; ++r) {
                        const double weight = covered(0, k, r / (n * n)) * covered(1, j, r / n % n);
                        if (weight > 0.0) want += weight * covered(2, i, r % n) * x[static_cast<std::size_t>(r)];
                    }
                    EXPECT_NEAR(out(k, j, i), want, 1e-10);
                }
            }
        }
    }
}

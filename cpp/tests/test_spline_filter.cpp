// SPDX-License-Identifier: Apache-2.0
#include "kernels/spline_filter/spline_filter.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "core/interpolator.hpp"
#include "core/memory.hpp"
#include "core/prefilter.hpp"
#include "expect.hpp"

using namespace voxkern;
using voxkern::spline_filter::Options;

namespace {

std::vector<float> image(std::int64_t n) {
    std::vector<float> x(static_cast<std::size_t>(n));
    std::uint32_t state = 7;
    for (float& value : x) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<float>(state >> 8) / (1 << 24);
    }
    return x;
}

}  // namespace

// Coefficients, evaluated with the weights at the samples, give the samples back.
TEST(spline_filter, coefficients_reproduce_the_samples) {
    const std::vector<double> x = {3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0};
    const auto n = static_cast<std::int64_t>(x.size());
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (int order = 0; order <= 5; ++order) {
            std::vector<double> c(x.size());
            const View<const double, 1> in = contiguous_view<const double, 1>(x.data(), {n});
            const Options options = {{0}, order, Boundary::mirror, false};
            cpu::spline_filter(erase_type(in), erase_type(contiguous_view<double, 1>(c.data(), {n})), options, {});
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

// Strided, in place, into another dtype, on any number of threads: the same numbers.
TEST(spline_filter, layouts_and_threads_agree) {
    const std::vector<float> x = image(9 * 17 * 35);
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {9, 17, 35});
    const Options options = {{0, 1, 2}, 3, Boundary::reflect, false};
    std::vector<float> want(x.size());
    cpu::spline_filter(erase_type(in), erase_type(contiguous_view<float, 3>(want.data(), {9, 17, 35})), options, {});
    Exec exec;
    exec.threads = 3;
    std::vector<float> same = x;
    const ArrayView view = erase_type(contiguous_view<float, 3>(same.data(), {9, 17, 35}));
    cpu::spline_filter(as_const(view), view, options, exec);
    EXPECT(same == want);
    std::vector<std::int16_t> rounded(x.size());
    std::vector<std::int16_t> scaled(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) scaled[i] = static_cast<std::int16_t>(100.0F * x[i]);
    const View<const std::int16_t, 3> integers = contiguous_view<const std::int16_t, 3>(scaled.data(), {9, 17, 35});
    cpu::spline_filter(erase_type(integers), erase_type(contiguous_view<std::int16_t, 3>(rounded.data(), {9, 17, 35})),
                       options, exec);
    std::vector<double> exact(x.size());
    cpu::spline_filter(erase_type(integers), erase_type(contiguous_view<double, 3>(exact.data(), {9, 17, 35})), options,
                       exec);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(rounded[i], exact[i], 0.5 + 1e-3);
}

// What a GPU thread does with a line is what the tiles do, up to the rounding of levels without FMA.
TEST(spline_filter, one_line_at_a_time) {
    const std::vector<float> x = image(40);
    std::vector<double> line(x.begin(), x.end());
    std::vector<double> tile(40);
    const View<const double, 1> in = contiguous_view<const double, 1>(line.data(), {40});
    cpu::spline_filter(erase_type(in), erase_type(contiguous_view<double, 1>(tile.data(), {40})),
                       {{0}, 5, Boundary::grid_wrap, false}, {});
    const OwnedPrefilter<double> prefilter(40, 0, 5, Boundary::grid_wrap);
    for (int p = 0; p < prefilter.filter().poles; ++p) {
        filter_line(prefilter.filter().filter[p], line.data(), 40, 1);
    }
    for (std::size_t i = 0; i < 40; ++i) EXPECT_NEAR(line[i] * spline_gain(5), tile[i], 1e-12);
}

// A line by itself goes in segments: the same coefficients as side by side with others, in place too, and it stops
// early.
TEST(spline_filter, a_long_line_is_cut) {
    constexpr std::int64_t n = 50000;
    const std::vector<float> x = image(n);
    for (const int order : {2, 3, 5}) {
        for (const Boundary mode : {Boundary::mirror, Boundary::reflect, Boundary::grid_wrap}) {
            std::vector<double> alone(x.begin(), x.end());
            std::vector<double> many(8 * n);
            Exec exec;
            exec.threads = 3;
            const View<double, 1> line = contiguous_view<double, 1>(alone.data(), {n});
            cpu::spline_filter(as_const(erase_type(line)), erase_type(line), {{0}, order, mode, true}, exec);
            const View<const float, 2> rows = {x.data(), {8, n}, {0, 1}};
            cpu::spline_filter(erase_type(rows), erase_type(contiguous_view<double, 2>(many.data(), {8, n})),
                               {{1}, order, mode, true}, exec);
            for (std::int64_t i = 0; i < n; ++i) {
                EXPECT_NEAR(alone[static_cast<std::size_t>(i)], many[static_cast<std::size_t>(5 * n + i)], 1e-13);
            }
        }
    }
    // Many very long ones are cut as well, in place too.
    constexpr std::int64_t m = 1100000;
    const std::vector<float> y = image(m);
    std::vector<double> alone(y.begin(), y.end());
    std::vector<double> many(9 * m);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = y[i % m];
    const View<double, 1> line = contiguous_view<double, 1>(alone.data(), {m});
    const View<double, 2> rows = contiguous_view<double, 2>(many.data(), {9, m});
    const Options cubic = {{1}, 3, Boundary::reflect, true};
    const std::int64_t before = cache_limit();
    release_memory();
    set_cache_limit(std::int64_t{4} << 30);
    cpu::spline_filter(as_const(erase_type(rows)), erase_type(rows), cubic, {});
    EXPECT(cached_bytes() <= std::int64_t{30} << 20);
    set_cache_limit(before);
    cpu::spline_filter(as_const(erase_type(line)), erase_type(line), {{0}, 3, Boundary::reflect, true}, {});
    for (std::size_t i = 0; i < many.size(); ++i) EXPECT(many[i] == alone[i % m]);

    const std::uint8_t seven = 7;
    const View<const std::uint8_t, 1> in = {&seven, {40000000}, {0}};
    std::vector<std::uint8_t> out(40000000, 99);
    const auto asks = [](void* first) { return *static_cast<std::uint8_t*>(first) != 99; };
    Cancellation cancellation(asks, out.data(), std::chrono::milliseconds(1));
    Exec exec;
    exec.cancellation = &cancellation;
    EXPECT_THROWS(Cancelled, cpu::spline_filter(erase_type(in),
                                                erase_type(contiguous_view<std::uint8_t, 1>(out.data(), {40000000})),
                                                {{0}, 5, Boundary::mirror, true}, exec));
    EXPECT(out.back() == 99);
}

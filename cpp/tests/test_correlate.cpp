// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate/correlate.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;
using voxkern::correlate::Filter;

namespace {

std::vector<double> numbers(std::int64_t n) {
    std::vector<double> x(static_cast<std::size_t>(n));
    std::uint32_t state = 12345;
    for (double& value : x) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<double>(state >> 8) / (1 << 24);
    }
    return x;
}

Filter filter_of(const std::int64_t (&shape)[3], const std::int64_t (&origins)[3], Boundary mode) {
    Filter filter;
    filter.shape.assign(shape, shape + 3);
    filter.weights = numbers(shape[0] * shape[1] * shape[2]);
    for (double& w : filter.weights) w -= 0.4;
    filter.origins.assign(origins, origins + 3);
    filter.mode = mode;
    filter.cval = 0.25;
    return filter;
}

// The sum of the formula, tap after tap in C order.
template <class T>
double formula(const View<T, 3>& in, const Filter& filter, std::int64_t z, std::int64_t y, std::int64_t x) {
    const std::int64_t at[3] = {z, y, x};
    double sum = 0.0;
    for (std::size_t t = 0; t < filter.weights.size(); ++t) {
        auto rest = static_cast<std::int64_t>(t);
        std::int64_t source[3];
        bool outside = false;
        for (std::size_t a = 3; a-- > 0;) {
            const std::int64_t tap = rest % filter.shape[a];
            rest /= filter.shape[a];
            source[a] = fold_index(at[a] - filter.shape[a] / 2 - filter.origins[a] + tap, in.shape[a], filter.mode);
            outside = outside || source[a] == kOutside;
        }
        const double sample = outside ? filter.cval : static_cast<double>(in(source[0], source[1], source[2]));
        sum += filter.weights[t] * sample;
    }
    return sum;
}

}  // namespace

TEST(correlate, float64_equals_the_formula_at_every_level) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const Boundary mode : {Boundary::reflect, Boundary::constant, Boundary::grid_wrap, Boundary::mirror}) {
            for (const std::int64_t nx : {1, 7, 8, 16, 37, 70}) {
                const std::vector<double> x = numbers(5 * 13 * nx);
                std::vector<double> y(x.size());
                const View<const double, 3> in = contiguous_view<const double, 3>(x.data(), {5, 13, nx});
                const View<double, 3> out = contiguous_view<double, 3>(y.data(), {5, 13, nx});
                const Filter filter = filter_of({3, 4, 5}, {1, -2, 2}, mode);
                Exec exec;
                exec.threads = 3;
                cpu::correlate(erase_type(in), erase_type(out), filter, exec);
                for (std::int64_t i = 0; i < 5 * 13 * nx; ++i) {
                    const double want = formula(in, filter, i / nx / 13, i / nx % 13, i % nx);
                    EXPECT(y[static_cast<std::size_t>(i)] == want);
                }
            }
        }
    }
}

// Odd shapes, narrow dtypes and strides: what AddressSanitizer watches.
TEST(correlate, dtypes_shapes_and_strides_stay_in_bounds) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const std::int64_t n : {1, 3, 15, 16, 17, 33, 63, 64, 65, 129}) {
            for (const std::int64_t step : {1, 2}) {
                std::vector<float> f(static_cast<std::size_t>(7 * 19 * n * step));
                const std::vector<double> x = numbers(static_cast<std::int64_t>(f.size()));
                for (std::size_t i = 0; i < f.size(); ++i) f[i] = static_cast<float>(x[i]);
                View<const float, 3> in = contiguous_view<const float, 3>(f.data(), {7, 19, n * step});
                in.shape[2] = n;
                in.strides[2] = step;
                std::vector<float> y(static_cast<std::size_t>(7 * 19 * n));
                std::vector<std::int16_t> whole(y.size());
                const Filter filter = filter_of({3, 2, 5}, {0, 0, 0}, Boundary::nearest);
                Exec exec;
                exec.threads = 2;
                cpu::correlate(erase_type(in), erase_type(contiguous_view<float, 3>(y.data(), {7, 19, n})), filter,
                               exec);
                cpu::correlate(erase_type(in), erase_type(contiguous_view<std::int16_t, 3>(whole.data(), {7, 19, n})),
                               filter, exec);
                for (std::int64_t i = 0; i < 7 * 19 * n; ++i) {
                    const double want = formula(in, filter, i / n / 19, i / n % 19, i % n);
                    EXPECT_NEAR(y[static_cast<std::size_t>(i)], want, 1e-5);
                    EXPECT(whole[static_cast<std::size_t>(i)] == static_cast<std::int16_t>(want));
                }
            }
        }
    }
}

TEST(correlate, an_outer_product_equals_the_formula) {
    const std::vector<double> x = numbers(9 * 13 * 37);
    std::vector<double> y(x.size());
    const View<const double, 3> in = contiguous_view<const double, 3>(x.data(), {9, 13, 37});
    Filter filter = filter_of({5, 5, 5}, {1, 0, -2}, Boundary::constant);
    const std::vector<double> line = numbers(5);
    for (std::size_t t = 0; t < 125; ++t) filter.weights[t] = line[t / 25] * line[t / 5 % 5] * -line[t % 5];
    cpu::correlate(erase_type(in), erase_type(contiguous_view<double, 3>(y.data(), {9, 13, 37})), filter, {});
    for (std::int64_t i = 0; i < 9 * 13 * 37; ++i) {
        EXPECT_NEAR(y[static_cast<std::size_t>(i)], formula(in, filter, i / 37 / 13, i / 37 % 13, i % 37), 1e-13);
    }
}

// Large weights: tiles of many lengths, a NaN whose tile is summed directly, int16 whose sums are rounded.
TEST(correlate, in_fourier_space_equals_the_formula_at_every_level) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const std::int64_t n : {33, 64, 95, 190}) {
            const std::vector<double> x = numbers(3 * 40 * n);
            std::vector<double> y(x.size());
            std::vector<float> single(x.begin(), x.end());
            std::vector<float> single_y(x.size());
            std::vector<std::int16_t> whole(x.size());
            std::vector<std::int16_t> whole_y(x.size());
            for (std::size_t i = 0; i < x.size(); ++i) whole[i] = static_cast<std::int16_t>(x[i] * 1000.0);
            single[7] = std::nanf("");
            const View<const double, 3> in = contiguous_view<const double, 3>(x.data(), {3, 40, n});
            const View<const float, 3> single_in = contiguous_view<const float, 3>(single.data(), {3, 40, n});
            const View<const std::int16_t, 3> whole_in =
                contiguous_view<const std::int16_t, 3>(whole.data(), {3, 40, n});
            Filter filter = filter_of({2, 21, 17}, {0, 3, -2}, Boundary::mirror);
            Exec exec;
            exec.threads = 3;
            cpu::correlate(erase_type(in), erase_type(contiguous_view<double, 3>(y.data(), {3, 40, n})), filter, exec);
            cpu::correlate(erase_type(single_in), erase_type(contiguous_view<float, 3>(single_y.data(), {3, 40, n})),
                           filter, exec);
            std::int64_t other_bits = 0;
            for (std::int64_t i = 0; i < 3 * 40 * n; i += 7) {
                const auto k = static_cast<std::size_t>(i);
                const double want = formula(in, filter, i / n / 40, i / n % 40, i % n);
                other_bits += y[k] != want;
                EXPECT_NEAR(y[k], want, 1e-11);
                const double with_nan = formula(single_in, filter, i / n / 40, i / n % 40, i % n);
                EXPECT(std::isnan(single_y[k]) == std::isnan(with_nan));
                if (!std::isnan(with_nan)) EXPECT_NEAR(single_y[k], want, 1e-4);
            }
            EXPECT(other_bits > 0);
            for (double& w : filter.weights) w = std::round(w * 9.0);
            cpu::correlate(erase_type(whole_in),
                           erase_type(contiguous_view<std::int16_t, 3>(whole_y.data(), {3, 40, n})), filter, exec);
            for (std::int64_t i = 0; i < 3 * 40 * n; i += 7) {
                const double want = formula(whole_in, filter, i / n / 40, i / n % 40, i % n);
                const auto wrapped = static_cast<std::int16_t>(static_cast<std::int32_t>(want));
                EXPECT(whole_y[static_cast<std::size_t>(i)] == wrapped);
            }
        }
    }
}

TEST(correlate, nothing_and_one_number) {
    const Filter filter = filter_of({3, 3, 3}, {0, 0, 0}, Boundary::reflect);
    cpu::correlate(as_const(erase_type(contiguous_view<double, 3>(nullptr, {0, 5, 2}))),
                   erase_type(contiguous_view<double, 3>(nullptr, {0, 5, 2})), filter, {});
    double x = 2.0;
    double y = 0.0;
    cpu::correlate(as_const(erase_type(contiguous_view<double, 3>(&x, {1, 1, 1}))),
                   erase_type(contiguous_view<double, 3>(&y, {1, 1, 1})), filter, {});
    double sum = 0.0;
    for (const double w : filter.weights) sum += w * x;
    EXPECT(y == sum);
}

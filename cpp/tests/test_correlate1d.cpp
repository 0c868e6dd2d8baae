// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate1d/correlate1d.hpp"

#include <vector>

#include "core/cpu.hpp"
#include "core/fir.hpp"
#include "expect.hpp"

using namespace voxkern;
using voxkern::correlate1d::AxisFilter;

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

}  // namespace

// The per-sample maths is what the GPU runs: here it is held against the CPU kernel, bit by bit.
TEST(correlate1d, row_loops_equal_the_sample_formula_at_every_level) {
    const std::int64_t shape[3] = {4, 19, 37};
    std::vector<double> x = numbers(4 * 19 * 37);
    std::vector<double> y(x.size());
    const View<const double, 3> in = contiguous_view<const double, 3>(x.data(), {shape[0], shape[1], shape[2]});
    const View<double, 3> out = contiguous_view<double, 3>(y.data(), {shape[0], shape[1], shape[2]});
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const Boundary mode : {Boundary::reflect, Boundary::constant, Boundary::grid_wrap}) {
            for (int axis = 0; axis < 3; ++axis) {
                const AxisFilter filter{axis, {0.1, 0.7, -0.3, 0.2, 0.05, 0.4}, mode, 0.25, 1};
                Exec exec;
                exec.threads = 3;
                cpu::correlate1d(erase_type(in), erase_type(out), {filter}, exec);
                const std::int64_t step = in.strides[axis];
                for (std::int64_t i = 0; i < static_cast<std::int64_t>(x.size()); ++i) {
                    const std::int64_t at = i / step % shape[axis];
                    const double* line = x.data() + i - at * step;
                    const auto sample = [&](std::int64_t t) {
                        const std::int64_t k = fold_index(at - 3 - filter.origin + t, shape[axis], mode);
                        return k == kOutside ? filter.cval : line[k * step];
                    };
                    const double want =
                        fir_sample(sample, filter.weights.data(), 6, filter_symmetry(filter.weights.data(), 6));
                    EXPECT(y[static_cast<std::size_t>(i)] == want);
                }
            }
        }
    }
}

// Odd shapes, narrow dtypes and strides: what AddressSanitizer watches.
TEST(correlate1d, dtypes_shapes_and_strides_stay_in_bounds) {
    const std::vector<double> x = numbers(7 * 2 * 19 * 2 * 37 * 2);
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const std::int64_t n : {1, 3, 15, 16, 17, 33, 37}) {
            for (const std::int64_t step : {1, 2}) {
                std::vector<float> f(static_cast<std::size_t>(7 * 19 * n * step));
                for (std::size_t i = 0; i < f.size(); ++i) f[i] = static_cast<float>(x[i]);
                View<float, 3> in = contiguous_view<float, 3>(f.data(), {7, 19, n * step});
                in.shape[2] = n;
                in.strides[2] = step;
                std::vector<float> out(static_cast<std::size_t>(7 * 19 * n));
                std::vector<std::uint8_t> bytes(out.size());
                const std::vector<double> w = {0.2, 0.2, 0.2, 0.2, 0.2};
                const std::vector<AxisFilter> filters = {{2, w}, {0, w}, {1, w}};
                Exec exec;
                exec.threads = 2;
                cpu::correlate1d(as_const(erase_type(in)),
                                 erase_type(contiguous_view<float, 3>(out.data(), {7, 19, n})), filters, exec);
                cpu::correlate1d(as_const(erase_type(in)),
                                 erase_type(contiguous_view<std::uint8_t, 3>(bytes.data(), {7, 19, n})), filters, exec);
                for (std::size_t i = 0; i < out.size(); ++i) EXPECT(out[i] > 0.0F && out[i] < 1.0F && bytes[i] == 0);
            }
        }
    }
}

TEST(correlate1d, several_passes_in_place) {
    std::vector<double> x = numbers(40 * 30 * 20);
    std::vector<double> once(x.size());
    const View<double, 3> a = contiguous_view<double, 3>(x.data(), {40, 30, 20});
    const View<double, 3> b = contiguous_view<double, 3>(once.data(), {40, 30, 20});
    const std::vector<double> w = {0.25, 0.5, 0.25};
    const std::vector<AxisFilter> filters = {{0, w}, {1, w}, {2, w}};
    Exec exec;
    exec.threads = 2;
    cpu::correlate1d(as_const(erase_type(a)), erase_type(b), filters, exec);
    cpu::correlate1d(as_const(erase_type(a)), erase_type(a), filters, exec);
    EXPECT(x == once);
}

// A long line is cut into pieces, and a few interleaved lines are one: every sample is still the formula's, in place
// as well, where a piece must not read what its neighbour wrote.
TEST(correlate1d, pieces_of_long_lines_equal_the_formula) {
    constexpr std::int64_t n = 200000;
    const std::vector<double> w = {0.1, 0.7, -0.3, 0.2, 0.05};
    for (const std::int64_t channels : {1, 3}) {
        const std::vector<double> x = numbers(n * channels);
        const View<const double, 2> in = contiguous_view<const double, 2>(x.data(), {n, channels});
        for (const CpuLevel level : usable_levels()) {
            set_active_level(to_string(level));
            std::vector<double> y(x.size());
            std::vector<double> same = x;
            Exec exec;
            exec.threads = 3;
            const std::vector<AxisFilter> filters = {{0, w, Boundary::grid_wrap, 0.0, 1}};
            cpu::correlate1d(erase_type(in), erase_type(contiguous_view<double, 2>(y.data(), {n, channels})), filters,
                             exec);
            const ArrayView target = erase_type(contiguous_view<double, 2>(same.data(), {n, channels}));
            cpu::correlate1d(as_const(target), target, filters, exec);
            for (std::int64_t i = 0; i < n * channels; ++i) {
                const auto sample = [&](std::int64_t t) {
                    const std::int64_t k = fold_index(i / channels - 3 + t, n, Boundary::grid_wrap);
                    return x[static_cast<std::size_t>(k * channels + i % channels)];
                };
                EXPECT(y[static_cast<std::size_t>(i)] == fir_sample(sample, w.data(), 5, FilterSymmetry::none));
            }
            EXPECT(same == y);
        }
    }
}

// Means of boxes shorter and far longer than the line, along every axis, against sums of their own.
TEST(correlate1d, means_equal_sums_of_their_own) {
    const std::int64_t shape[3] = {3, 29, 21};
    const std::vector<double> x = numbers(3 * 29 * 21);
    const View<const double, 3> in = contiguous_view<const double, 3>(x.data(), {shape[0], shape[1], shape[2]});
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const Boundary mode :
             {Boundary::reflect, Boundary::mirror, Boundary::nearest, Boundary::constant, Boundary::grid_wrap}) {
            for (const std::int64_t box : {5, 16, 17, 24, 90, 331}) {
                for (int axis = 0; axis < 3; ++axis) {
                    std::vector<double> y(x.size());
                    const AxisFilter filter{axis, {}, mode, 0.25, -2, box};
                    cpu::correlate1d(erase_type(in),
                                     erase_type(contiguous_view<double, 3>(y.data(), {shape[0], shape[1], shape[2]})),
                                     {filter}, {});
                    const std::int64_t step = in.strides[axis];
                    for (std::int64_t i = 0; i < static_cast<std::int64_t>(x.size()); ++i) {
                        const std::int64_t at = i / step % shape[axis];
                        double sum = 0.0;
                        for (std::int64_t t = 0; t < box; ++t) {
                            const std::int64_t k = fold_index(at - filter.before() + t, shape[axis], mode);
                            sum += k == kOutside ? filter.cval : x[static_cast<std::size_t>(i + (k - at) * step)];
                        }
                        EXPECT_NEAR(y[static_cast<std::size_t>(i)], sum / static_cast<double>(box), 1e-13);
                    }
                }
            }
        }
    }
}

TEST(correlate1d, symmetry_is_found) {
    const double even[] = {1, 2, 1};
    const double odd[] = {-1, 0, 1};
    const double none[] = {1, 2, 3};
    EXPECT(filter_symmetry(even, 3) == FilterSymmetry::even);
    EXPECT(filter_symmetry(odd, 3) == FilterSymmetry::odd);
    EXPECT(filter_symmetry(none, 3) == FilterSymmetry::none);
    EXPECT(filter_symmetry(even, 2) == FilterSymmetry::none);
}

TEST(correlate1d, nothing_and_no_filters) {
    Exec exec;
    cpu::correlate1d(as_const(erase_type(contiguous_view<double, 2>(nullptr, {0, 5}))),
                     erase_type(contiguous_view<double, 2>(nullptr, {0, 5})), {{1, {1.0}}}, exec);
    std::vector<float> x = {1.5F, -2.5F, 3.5F};
    std::vector<std::int16_t> y(3);
    cpu::correlate1d(as_const(erase_type(contiguous_view<float, 1>(x.data(), {3}))),
                     erase_type(contiguous_view<std::int16_t, 1>(y.data(), {3})), {}, exec);
    EXPECT(y[0] == 1 && y[1] == -2 && y[2] == 3);  // truncated
}

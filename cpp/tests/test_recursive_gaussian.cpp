// SPDX-License-Identifier: Apache-2.0
#include "kernels/recursive_gaussian/recursive_gaussian.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

// An impulse becomes a Gaussian, at every level and for any number of threads.
TEST(recursive_gaussian, impulse) {
    const std::int64_t n = 61;
    std::vector<float> x(static_cast<std::size_t>(n * 35));
    for (std::int64_t l = 0; l < 35; ++l) x[static_cast<std::size_t>(30 * 35 + l)] = 1.0F;
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const int threads : {1, 3}) {
            std::vector<float> y(x.size());
            Exec exec;
            exec.threads = threads;
            const recursive_gaussian::Options options = {{0}, {3.0}};
            cpu::recursive_gaussian(erase_type(contiguous_view<const float, 2>(x.data(), {n, 35})),
                                    erase_type(contiguous_view<float, 2>(y.data(), {n, 35})), options, exec);
            for (std::int64_t i = 0; i < n; ++i) {
                const double t = static_cast<double>(i - 30) / 3.0;
                const double want = std::exp(-0.5 * t * t) / (3.0 * std::sqrt(2.0 * 3.14159265358979));
                EXPECT(std::abs(y[static_cast<std::size_t>(i * 35 + i % 35)] - want) < 1e-4);
            }
        }
    }
}

// Odd shapes, strides, interleaved channels and lines that are cut: what AddressSanitizer watches.
TEST(recursive_gaussian, constants_stay_and_bounds_are_kept) {
    for (const std::int64_t n : {std::int64_t{1}, std::int64_t{3}, std::int64_t{17}, std::int64_t{120000}}) {
        for (const std::int64_t channels : {std::int64_t{1}, std::int64_t{3}, std::int64_t{20}}) {
            if (n > 1000 && channels > 3) continue;
            std::vector<float> x(static_cast<std::size_t>(n * channels), 2.0F);
            std::vector<double> y(x.size());
            const View<const float, 2> in = {x.data() + (n - 1) * channels, {n, channels}, {-channels, 1}};
            for (const Boundary mode : {Boundary::nearest, Boundary::mirror, Boundary::grid_wrap}) {
                const recursive_gaussian::Options options = {{0, 1}, {1.5, 4.0}, mode};
                cpu::recursive_gaussian(erase_type(in), erase_type(contiguous_view<double, 2>(y.data(), {n, channels})),
                                        options, {});
                for (const double value : y) EXPECT(std::abs(value - 2.0) < 1e-12);
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm/norm.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

namespace {

// Two channels of n samples: mean a million or 0, deviation 1.
std::vector<float> channels(std::int64_t n) {
    std::vector<float> x;
    for (std::int64_t i = 0; i < n; ++i) x.push_back(1e6F + (i % 2 == 0 ? 1.0F : -1.0F));
    for (std::int64_t i = 0; i < n; ++i) x.push_back(i % 2 == 0 ? 1.0F : -1.0F);
    return x;
}

}  // namespace

TEST(norm, large_means_and_threads_at_every_level) {
    const std::int64_t n = 150002;
    const std::vector<float> x = channels(n);
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {1, 2, n});
    norm::Options options;
    options.eps = 0.0;
    options.slope = 0.5F;
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const int threads : {1, 3}) {
            std::vector<float> y(x.size());
            Exec exec;
            exec.threads = threads;
            cpu::norm(erase_type(in), erase_type(contiguous_view<float, 3>(y.data(), {1, 2, n})), {}, options, exec);
            for (std::size_t i = 0; i < y.size(); ++i) EXPECT(std::abs(y[i] - (i % 2 == 0 ? 1.0F : -0.5F)) < 1e-5F);
        }
    }
}

TEST(norm, given_statistics_and_strides) {
    const float x[] = {1, 2, 3, 4, 5, 6};  // (1, 2, 3) with the channels last
    const View<const float, 3> in = {x, {1, 2, 3}, {6, 1, 2}};
    float y[6] = {};
    const View<float, 3> out = contiguous_view<float, 3>(y, {1, 2, 3});
    const float mean[] = {1, 2};
    const float variance[] = {4, 1};
    norm::Channels given;
    given.mean = erase_type(contiguous_view<const float, 1>(mean, {2}));
    given.variance = erase_type(contiguous_view<const float, 1>(variance, {2}));
    norm::Options options;
    options.statistics = norm::Statistics::given;
    options.eps = 0.0;
    cpu::norm(erase_type(in), erase_type(out), given, options, {});
    const float want[] = {0, 1, 2, 0, 2, 4};
    for (int i = 0; i < 6; ++i) EXPECT(y[i] == want[i]);
}

TEST(norm, adds_in_front_of_the_activation_at_every_level) {
    const std::int64_t n = 5000;
    const std::vector<float> x(static_cast<std::size_t>(2 * n), 1.0F);
    std::vector<float> b(static_cast<std::size_t>(2 * n));
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 7) - 4.0F;
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {1, 2, n});
    norm::Options options;
    options.statistics = norm::Statistics::given;
    options.eps = 0.0;
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const float slope : {1.0F, 0.0F, 0.5F}) {
            options.slope = slope;
            for (const bool turned : {false, true}) {  // channels last: nothing lies side by side
                const View<const float, 3> added = {b.data(), {1, 2, n}, {2 * n, turned ? 1 : n, turned ? 2 : 1}};
                norm::Channels channels;
                channels.added = erase_type(added);
                std::vector<float> y(x.size());
                const View<float, 3> out = contiguous_view<float, 3>(y.data(), {1, 2, n});
                cpu::norm(erase_type(in), erase_type(out), channels, options, {});
                for (std::int64_t c = 0; c < 2; ++c) {
                    for (std::int64_t i = 0; i < n; ++i) {
                        const float sum = 1.0F + added(0, c, i);
                        EXPECT(out(0, c, i) == (sum < 0.0F ? sum * slope : sum));
                    }
                }
            }
        }
    }
}

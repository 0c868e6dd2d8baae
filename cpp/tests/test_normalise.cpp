// SPDX-License-Identifier: Apache-2.0
#include "kernels/normalise/normalise.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

TEST(normalise, lines_limits_and_masks_at_every_level) {
    const std::int64_t n = 140003;
    std::vector<std::int16_t> x;
    std::vector<std::uint8_t> mask;
    for (std::int64_t i = 0; i < n; ++i) {
        x.push_back(static_cast<std::int16_t>(i % 4000 - 2000));
        mask.push_back(static_cast<std::uint8_t>(i % 3 == 0));
    }
    const ConstArrayView in = erase_type(contiguous_view<const std::int16_t, 1>(x.data(), {n}));
    const ConstArrayView inside = erase_type(contiguous_view<const std::uint8_t, 1>(mask.data(), {n}));
    normalise::Options options;
    options.centre = -1000.0;
    options.scale = 255.0 / 1400.0;
    options.low = 0.0;
    options.high = 255.0;
    options.outside = 7.0;
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const int threads : {1, 3}) {
            std::vector<std::uint8_t> y(x.size());
            Exec exec;
            exec.threads = threads;
            cpu::normalise(in, inside, erase_type(contiguous_view<std::uint8_t, 1>(y.data(), {n})), options, exec);
            for (std::size_t i = 0; i < y.size(); ++i) {
                const double line = (static_cast<double>(x[i]) + 1000.0) * options.scale;
                const double value = std::floor(std::min(std::max(line, 0.0), 255.0) + 0.5);
                EXPECT(y[i] == (mask[i] != 0 ? value : 7.0));
            }
        }
    }
}

TEST(normalise, limits_alone_keep_all_bits) {
    const std::int64_t x[] = {INT64_MAX, INT64_MAX - 2, 5, INT64_MIN};
    std::int64_t y[4] = {};
    normalise::Options options;
    options.low = 6.0;
    cpu::normalise(erase_type(contiguous_view<const std::int64_t, 1>(x, {4})), {},
                   erase_type(contiguous_view<std::int64_t, 1>(y, {4})), options, {});
    EXPECT(y[0] == INT64_MAX && y[1] == INT64_MAX - 2 && y[2] == 6 && y[3] == 6);
}

TEST(normalise, float16_and_strides) {
    const Half x[] = {Half(1.0F), Half(2.0F), Half(3.0F)};
    float y[6] = {9, 9, 9, 9, 9, 9};
    normalise::Options options;
    options.scale = 0.5;
    const View<float, 1> every_second = {y + 4, {3}, {-2}};
    cpu::normalise(erase_type(contiguous_view<const Half, 1>(x, {3})), {}, erase_type(every_second), options, {});
    EXPECT(y[4] == 0.5F && y[2] == 1.0F && y[0] == 1.5F && y[1] == 9.0F && y[5] == 9.0F);
}

// SPDX-License-Identifier: Apache-2.0
#include "kernels/dense/dense.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

TEST(dense, products_at_every_level) {
    const std::int64_t k = 300;
    const std::int64_t n = 45;
    for (const std::int64_t m : {std::int64_t{3}, std::int64_t{110}}) {
        std::vector<float> x(static_cast<std::size_t>(m * k));
        std::vector<float> w(static_cast<std::size_t>(n * k));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3.0F;
        for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 5) - 2.0F;
        const std::vector<float> b(static_cast<std::size_t>(n), 0.5F);
        const View<const float, 2> in = contiguous_view<const float, 2>(x.data(), {m, k});
        const View<const float, 2> weight = contiguous_view<const float, 2>(w.data(), {n, k});
        const ConstArrayView bias = erase_type(contiguous_view<const float, 1>(b.data(), {n}));
        for (const CpuLevel level : usable_levels()) {
            set_active_level(to_string(level));
            std::vector<float> y(static_cast<std::size_t>(m * n));
            const View<float, 2> out = contiguous_view<float, 2>(y.data(), {m, n});
            cpu::dense(erase_type(in), erase_type(weight), bias, erase_type(out), {});
            for (std::int64_t i = 0; i < m; ++i) {
                for (std::int64_t j = 0; j < n; ++j) {
                    float sum = 0.5F;  // whole numbers: every order of terms is exact
                    for (std::int64_t t = 0; t < k; ++t) sum += in(i, t) * weight(j, t);
                    EXPECT(out(i, j) == sum);
                }
            }
        }
    }
}

TEST(dense, shares_and_winners_along_any_axis) {
    std::vector<float> x(5 * 19 * 3);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7 % 11);
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {5, 19, 3});
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (int axis = 0; axis < 3; ++axis) {
            std::vector<float> y(x.size());
            const View<float, 3> out = contiguous_view<float, 3>(y.data(), {5, 19, 3});
            cpu::softmax(erase_type(in), erase_type(out), axis, {});
            std::vector<std::int64_t> places(x.size());
            View<std::int64_t, 3> winners = contiguous_view<std::int64_t, 3>(places.data(), {5, 19, 3});
            winners.shape[axis] = 1;
            cpu::argmax(erase_type(in), erase_type(winners), axis, {});
            for (std::int64_t line = 0; line < out.size() / in.shape[axis]; ++line) {
                std::int64_t index[3] = {};
                std::int64_t rest = line;
                for (int a = 0; a < 3; ++a) {
                    if (a == axis) continue;
                    index[a] = rest % in.shape[a];
                    rest /= in.shape[a];
                }
                const std::int64_t winner = winners(index[0], index[1], index[2]);
                double sum = 0.0;
                float best = 0.0F;
                for (std::int64_t t = 0; t < in.shape[axis]; ++t) {
                    index[axis] = t;
                    sum += static_cast<double>(out(index[0], index[1], index[2]));
                    if (t == winner) best = in(index[0], index[1], index[2]);
                }
                EXPECT(std::abs(sum - 1.0) < 1e-6);
                for (std::int64_t t = 0; t < in.shape[axis]; ++t) {
                    index[axis] = t;
                    const float other = in(index[0], index[1], index[2]);
                    EXPECT(t < winner ? other < best : other <= best);
                }
            }
        }
    }
}

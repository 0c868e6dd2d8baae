// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample_labels/resample_labels.hpp"

#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;
using namespace voxkern::resample_labels;

namespace {

std::vector<double> spread(std::int64_t n, std::int64_t m) {
    std::vector<double> at;
    for (std::int64_t i = 0; i < m; ++i) {
        at.push_back((static_cast<double>(i) + 0.5) * (static_cast<double>(n) / static_cast<double>(m)) - 0.5);
    }
    return at;
}

}  // namespace

// The row path against the path for turned grids, all levels and rules, rows along either end.
TEST(resample_labels, rows_and_voxels_agree) {
    std::vector<std::int16_t> x(6 * 7 * 9);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int16_t>(i * 7919 % 13 % 4 - 1);
    const View<const std::int16_t, 3> in = contiguous_view<const std::int16_t, 3>(x.data(), {6, 7, 9});
    const std::int64_t size[] = {9, 5, 20};
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const Rule rule : {Rule::nearest, Rule::argmax, Rule::half, Rule::gaussian}) {
            Options options;
            options.rule = rule;
            options.cval = 3;
            options.mode = Boundary::fov;
            options.sigma = {0.8, 1.0, 1.2};
            std::vector<std::vector<double>> axes;
            std::vector<double> offset;
            std::vector<double> matrix(9, 0.0);
            for (std::size_t a = 0; a < 3; ++a) {
                const double step = 1.0 / static_cast<double>(a + 2);
                offset.push_back(-0.4 + 0.1 * static_cast<double>(a));
                matrix[4 * a] = step;
                axes.emplace_back();
                for (std::int64_t i = 0; i < size[a]; ++i) axes[a].push_back(offset[a] + step * static_cast<double>(i));
            }
            std::vector<std::int16_t> rows(900);
            std::vector<std::int16_t> voxels(900);
            View<std::int16_t, 3> out = contiguous_view<std::int16_t, 3>(rows.data(), {9, 5, 20});
            Exec exec;
            exec.threads = 2;
            cpu::resample_labels(erase_type(in), erase_type(out), axes, options, exec);
            out.data = voxels.data();
            cpu::warp_labels(erase_type(in), erase_type(out), offset, matrix, options, exec);
            EXPECT(rows == voxels);
            // The other memory order has rows along the first axis.
            std::vector<std::int16_t> turned(900);
            View<std::int16_t, 3> fortran = out;
            fortran.data = turned.data();
            fortran.strides[0] = 1;
            fortran.strides[1] = 9;
            fortran.strides[2] = 45;
            cpu::resample_labels(erase_type(in), erase_type(fortran), axes, options, exec);
            for (std::int64_t i = 0; i < 900; ++i) {
                EXPECT(fortran(i / 100, i / 20 % 5, i % 20) == rows[static_cast<std::size_t>(i)]);
            }
        }
    }
}

TEST(resample_labels, argmax_of_scores_of_any_length) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const std::int64_t n : {1, 2, 15, 17, 40}) {
            for (const std::int64_t m : {1, 16, 33, 100}) {
                std::vector<float> scores(static_cast<std::size_t>(3 * 2 * n));
                for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<float>(i * 7919 % 101);
                std::vector<std::uint8_t> best(static_cast<std::size_t>(2 * m));
                const auto in = contiguous_view<const float, 3>(scores.data(), {3, 2, n});
                const std::vector<std::vector<double>> axes = {spread(2, 2), spread(n, m)};
                cpu::resample_argmax(erase_type(in), erase_type(contiguous_view<std::uint8_t, 2>(best.data(), {2, m})),
                                     axes, Boundary::nearest, {});
                for (std::int64_t i = 0; i < 2 * m; ++i) {
                    const double c = axes[1][static_cast<std::size_t>(i % m)];
                    const double clamped =
                        c < 0 ? 0 : (c > static_cast<double>(n - 1) ? static_cast<double>(n - 1) : c);
                    const auto low = static_cast<std::int64_t>(clamped);
                    const std::int64_t high = low + 1 < n ? low + 1 : low;
                    const double f = clamped - static_cast<double>(low);
                    double score[3];
                    for (std::int64_t k = 0; k < 3; ++k) {
                        score[k] = (1 - f) * static_cast<double>(in(k, i / m, low)) +
                                   f * static_cast<double>(in(k, i / m, high));
                    }
                    const int won = best[static_cast<std::size_t>(i)];
                    for (int k = 0; k < 3; ++k) EXPECT(score[won] >= score[k] - 1e-4);
                }
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "core/fft.hpp"
#include "expect.hpp"
#include "kernels/n4/n4_math.hpp"

using namespace voxkern;
using namespace voxkern::n4;

namespace {

// Two tissues under a smooth field.
std::vector<float> scan(std::int64_t n0, std::int64_t n1, std::int64_t n2) {
    std::vector<float> x;
    std::uint32_t state = 1;
    for (std::int64_t i = 0; i < n0 * n1 * n2; ++i) {
        state = state * 1664525U + 1013904223U;
        const auto noise = static_cast<float>(state >> 8) / (1 << 24);
        const auto at = static_cast<float>(i % n2) / static_cast<float>(n2);
        x.push_back(((i / 5 % 3 == 0 ? 50.0F : 100.0F) + noise) * std::exp(0.3F * at));
    }
    return x;
}

Options options_of(std::initializer_list<std::int64_t> shape) {
    Options options;
    options.iterations = {3, 2};
    options.convergence_threshold = 0.0;
    for (const std::int64_t n : shape) {
        options.control_points.push_back(4);
        options.axes.push_back({0.0, 1.0, n});
    }
    return options;
}

}  // namespace

TEST(n4, every_sample_lies_in_a_span) {
    for (const std::int64_t total : {2, 30, 16000, 17000, 300000, 50000000}) {
        for (const std::int64_t spans : {1, 2, 3, 5, 8, 1000}) {
            const float p = parameter(static_cast<double>(total - 1), total, spans);
            EXPECT(p < static_cast<float>(spans) && p > static_cast<float>(spans) - 1.5F);
        }
    }
}

TEST(n4, refinement_keeps_the_spline) {
    const double old[] = {1.0, -2.0, 0.5, 3.0, -1.0, 2.0, 0.25};
    for (int order = 1; order <= 5; ++order) {
        const std::int64_t n = 7;
        const std::int64_t spans = n - order;
        std::vector<double> finer;
        for (std::int64_t i = 0; i < 2 * n - order; ++i) {
            finer.push_back(refined_point([&](std::int64_t j) { return old[j]; }, i, n, order));
        }
        for (float p = 0.0F; p < static_cast<float>(spans); p += 0.37F) {
            float w[kMaxTaps];
            double coarse = 0.0;
            double fine = 0.0;
            basis_weights(p - std::floor(p), order, w);
            for (int k = 0; k <= order; ++k) coarse += static_cast<double>(w[k]) * old[static_cast<int>(p) + k];
            const float q = 2.0F * p;
            basis_weights(q - std::floor(q), order, w);
            for (int k = 0; k <= order; ++k) {
                fine += static_cast<double>(w[k]) * finer[static_cast<std::size_t>(q) + static_cast<std::size_t>(k)];
            }
            EXPECT_NEAR(coarse, fine, 1e-6);
        }
    }
}

TEST(n4, last_sample_lies_inside_the_domain) {
    EXPECT(parameter(0.0, 10, 3) == 0.0F);
    EXPECT(parameter(9.0, 10, 3) < 3.0F && parameter(9.0, 10, 3) > 2.999F);
    EXPECT(parameter(-2.0, 10, 3) == 0.0F && parameter(12.0, 10, 3) == parameter(9.0, 10, 3));
}

TEST(n4, samples_within_the_frozen_radius_do_not_move_the_mean) {
    RunningStatistics running;
    for (int i = 0; i < 200000; ++i) running.add(i % 2 == 0 ? 0.9985F : 1.0005F);
    for (const float sign : {-1.0F, 1.0F}) {
        RunningStatistics near = running;
        near.add(running.mean + sign * 0.99F * running.frozen_radius());
        EXPECT(near.mean == running.mean);
        RunningStatistics far = running;
        far.add(running.mean + sign * 2.5F * running.frozen_radius());
        EXPECT(far.mean != running.mean);
    }
}

TEST(n4, transform_of_a_wave_is_a_line) {
    const std::int64_t n = 64;
    const Fft fft(n);
    std::vector<double> re;
    std::vector<double> im;
    for (std::int64_t i = 0; i < n; ++i) {
        re.push_back(std::cos(2.0 * kPi * 5.0 * static_cast<double>(i) / static_cast<double>(n)));
        im.push_back(std::sin(2.0 * kPi * 5.0 * static_cast<double>(i) / static_cast<double>(n)));
    }
    const std::vector<double> wave = re;
    fft.forward(re.data(), im.data());
    for (std::size_t k = 0; k < 64; ++k) {
        EXPECT_NEAR(re[k], k == 5 ? 64.0 : 0.0, 1e-12);
        EXPECT_NEAR(im[k], 0.0, 1e-12);
    }
    fft.forward(im.data(), re.data());  // and back
    for (std::size_t i = 0; i < 64; ++i) EXPECT_NEAR(re[i] / 64.0, wave[i], 1e-14);
}

// Odd shapes, masks, weights and every level: what the sanitizers watch.
TEST(n4, any_shape_at_every_level_with_the_same_bits) {
    const std::int64_t shapes[][3] = {{5, 6, 7}, {3, 4, 33}, {2, 50, 16}, {40, 1, 31}, {1, 1, 90}, {6, 9, 48}};
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const auto& shape : shapes) {
            const std::vector<float> x = scan(shape[0], shape[1], shape[2]);
            const View<const float, 3> view = contiguous_view<const float, 3>(x.data(), {shape[0], shape[1], shape[2]});
            std::vector<std::uint8_t> mask(x.size());
            std::vector<float> weights(x.size());
            for (std::size_t i = 0; i < x.size(); ++i) {
                mask[i] = i % 11 != 3 && i > 4;
                weights[i] = i % 13 == 0 ? 0.0F : 0.5F;
            }
            const ConstArrayView inside =
                erase_type(contiguous_view<const std::uint8_t, 3>(mask.data(), {shape[0], shape[1], shape[2]}));
            const ConstArrayView weight =
                erase_type(contiguous_view<const float, 3>(weights.data(), {shape[0], shape[1], shape[2]}));
            Options options = options_of({shape[0], shape[1], shape[2]});
            std::vector<float> first;
            for (const bool itk : {true, false}) {
                options.itk = itk;
                for (const int threads : {1, 3}) {
                    Exec exec;
                    exec.threads = threads;
                    std::vector<float> scratch(x.size());
                    const Lent lent = {scratch.data(), static_cast<std::int64_t>(scratch.size())};
                    const Fit fit = cpu::n4({erase_type(view), &inside, &weight}, lent, options, {}, exec);
                    if (threads == 1) first = fit.lattice.coefficients;
                    EXPECT(fit.lattice.coefficients == first);
                    std::vector<float> corrected(x.size());
                    std::vector<float> field(x.size());
                    const ArrayView out =
                        erase_type(contiguous_view<float, 3>(corrected.data(), {shape[0], shape[1], shape[2]}));
                    const ArrayView out_field =
                        erase_type(contiguous_view<float, 3>(field.data(), {shape[0], shape[1], shape[2]}));
                    cpu::n4_divide({erase_type(view), out, &out_field}, fit.lattice, options.axes, exec);
                    for (std::size_t i = 0; i < x.size(); ++i) {
                        EXPECT(field[i] > 0.1F && field[i] < 10.0F);
                        EXPECT_NEAR(corrected[i] * field[i] / x[i], 1.0, 1e-6);
                    }
                }
            }
        }
    }
}

TEST(n4, bad_images_are_named) {
    const auto fit = [](std::vector<float> x, std::vector<std::uint8_t> mask) {
        const auto n = static_cast<std::int64_t>(x.size());
        const Options options = options_of({2, n / 2});
        const ConstArrayView image = erase_type(contiguous_view<const float, 2>(x.data(), {2, n / 2}));
        const ConstArrayView inside = erase_type(contiguous_view<const std::uint8_t, 2>(mask.data(), {2, n / 2}));
        return cpu::n4({image, &inside}, {}, options, {}, Exec{});
    };
    EXPECT_THROWS(InvalidArgument, fit({1, 2, 3, 4, 5, 6}, {0, 0, 0, 0, 0, 0}));
    EXPECT_THROWS(InvalidArgument, fit({1, 2, 3, NAN, 5, 6}, {1, 1, 1, 1, 1, 1}));
    EXPECT_THROWS(InvalidArgument, fit({0, -1, -2, -3, -4, 0}, {1, 1, 1, 1, 1, 1}));
    EXPECT_THROWS(InvalidArgument, fit({7, 7, 7, 7, 7, 7}, {1, 1, 1, 1, 1, 1}));
    EXPECT(fit({1, 2, 3, NAN, 5, 6}, {1, 1, 1, 0, 1, 1}).voxels == 5);
}

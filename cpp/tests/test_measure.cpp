// SPDX-License-Identifier: Apache-2.0
#include "kernels/measure/measure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

namespace {

// Each of 0 .. n - 1 once, out of order, as T.
template <class T>
std::vector<T> shuffled(std::int64_t n) {
    std::vector<T> x(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) x[static_cast<std::size_t>(i)] = static_cast<T>(i * 7919 % n);
    return x;
}

template <class T>
measure::Image image_of(const std::vector<T>& x) {
    return {erase_type(contiguous_view<const T, 1>(x.data(), {static_cast<std::int64_t>(x.size())})), {}};
}

template <class T>
void expect_quantiles_of_all_ranks() {
    const std::int64_t n = 100;
    const std::vector<T> x = shuffled<T>(n);
    std::vector<double> q;
    for (std::int64_t i = 0; i < n; ++i) q.push_back(static_cast<double>(i) / 99.0);
    std::vector<T> pairs(static_cast<std::size_t>(2 * n));
    const measure::Quantiles found =
        cpu::measure_quantiles(image_of(x), q, erase_type(contiguous_view<T, 2>(pairs.data(), {n, 2})), {});
    EXPECT(found.count == n && found.not_numbers == 0);
    for (std::size_t i = 0; i < q.size(); ++i) {
        const double value = static_cast<double>(pairs[2 * i]) + found.fractions[i];
        EXPECT(std::abs(value - static_cast<double>(i)) < 1e-9);
    }
}

}  // namespace

TEST(measure, moments_extremes_and_threads_at_every_level) {
    const std::vector<float> x = shuffled<float>(150001);
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        Exec exec;
        const Moments one = cpu::measure(image_of(x), exec);
        const measure::Extremes extremes = cpu::measure_extremes(image_of(x), exec);
        exec.threads = 3;
        const Moments three = cpu::measure(image_of(x), exec);
        EXPECT(one.count == 150001.0 && std::abs(one.mean - 75000.0) < 1e-9);
        EXPECT(extremes.minimum == 0.0 && extremes.maximum == 150000.0 && extremes.not_numbers == 0);
        EXPECT(std::abs(one.squares / one.count - (150001.0 * 150001.0 - 1.0) / 12.0) < 1e-3);
        EXPECT(one.mean == three.mean && one.squares == three.squares);
    }
}

TEST(measure, quantiles_of_every_width_at_every_level) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        expect_quantiles_of_all_ranks<std::uint8_t>();
        expect_quantiles_of_all_ranks<std::int16_t>();
        expect_quantiles_of_all_ranks<std::int64_t>();
        expect_quantiles_of_all_ranks<float>();
        expect_quantiles_of_all_ranks<double>();
    }
}

TEST(measure, masks_count_and_nan_is_told) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> x = {5, nan, -3, 1};
    std::vector<std::uint8_t> mask = {255, 0, 1, 0};
    measure::Image image = image_of(x);
    float pairs[2] = {};
    const ArrayView neighbours = erase_type(contiguous_view<float, 2>(pairs, {1, 2}));
    EXPECT(cpu::measure_quantiles(image, {0.5}, neighbours, {}).not_numbers == 1);
    image.mask = erase_type(contiguous_view<const std::uint8_t, 1>(mask.data(), {4}));
    EXPECT(cpu::measure_quantiles(image, {0.5}, neighbours, {}).count == 2);
    EXPECT(pairs[0] == -3.0F && pairs[1] == 5.0F);
    EXPECT(cpu::measure(image, {}).mean == 1.0);
    const std::vector<std::int64_t> counts = cpu::measure_histogram(image, {-3.0, 1.0, 5.0}, {});
    EXPECT(counts[0] == 1 && counts[1] == 1);
    std::fill(mask.begin(), mask.end(), std::uint8_t{0});
    EXPECT(cpu::measure(image, {}).count == 0.0);
}

TEST(measure, box_of_strided_voxels) {
    std::vector<std::int16_t> x(6 * 7 * 8);
    const View<const std::int16_t, 3> turned = {x.data(), {8, 6, 7}, {1, 56, 8}};
    x[2 * 56 + 3 * 8 + 5] = -4;
    x[4 * 56 + 6 * 8 + 1] = 9;
    const measure::Box box = cpu::measure_box(erase_type(turned), {}, {});
    EXPECT(box.first[0] == 1 && box.last[0] == 5);
    EXPECT(box.first[1] == 2 && box.last[1] == 4);
    EXPECT(box.first[2] == 3 && box.last[2] == 6);
    EXPECT(cpu::measure_box(erase_type(turned), 8.5, {}).first[0] == 1);
    const measure::Box none = cpu::measure_box(erase_type(turned), 9.0, {});
    EXPECT(none.first[0] > none.last[0]);
}

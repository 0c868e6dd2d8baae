// SPDX-License-Identifier: Apache-2.0
#include "kernels/regions/regions.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

TEST(regions, two_labels_at_every_level) {
    std::vector<std::int16_t> labels(40 * 300, 5);
    std::vector<float> image(labels.size());
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i % 300);
    const View<std::int16_t, 2> in = contiguous_view<std::int16_t, 2>(labels.data(), {40, 300});
    const View<const float, 2> beside = contiguous_view<const float, 2>(image.data(), {40, 300});
    for (std::int64_t i = 100; i < 170; ++i) in(7, i) = -2;
    in(9, 3) = 1000;  // no label of the table
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        const regions::Table table =
            cpu::regions(as_const(erase_type(in)), erase_type(beside), regions::Names::range(-2, 8),
                         {true, true, true, true, true, true}, {});
        EXPECT(table.counts[0] == 70 && table.sums[0].sum == 70 * 134.5);
        const regions::Spread& spread = table.spreads[0];
        EXPECT(spread.pivot + spread.mean == 134.5 && spread.squares == 70.0 * (70 * 70 - 1) / 12);
        EXPECT(table.extremes[0].minimum_at == 7 * 300 + 100 && table.extremes[0].maximum_at == 7 * 300 + 169);
        EXPECT(table.boxes[0] == 7 && table.boxes[1] == 7 && table.indices[0] == 490);
        EXPECT(table.boxes[2] == 100 && table.boxes[3] == 169 && table.indices[1] == 9415);
        EXPECT(table.centres[0] == 7 * 70 * 134.5 &&
               table.centres[1] == 70.0 * (70 * 70 - 1) / 12 + 70 * 134.5 * 134.5);
        EXPECT(table.counts[7] == 40 * 300 - 71 && table.extremes[7].maximum_at == 299);
        EXPECT(table.counts[1] == 0 && table.extremes[1].minimum_at == -1);
    }
}

TEST(regions, chunks_join_to_the_same) {
    constexpr std::int64_t n = 1100;
    std::vector<std::uint8_t> labels(n * n);
    std::vector<double> image(labels.size(), 1e9);
    const View<std::uint8_t, 2> in = contiguous_view<std::uint8_t, 2>(labels.data(), {n, n});
    const View<double, 2> beside = contiguous_view<double, 2>(image.data(), {n, n});
    for (std::int64_t j = 0; j < n; ++j) {
        for (std::int64_t i = 0; i < n; ++i) {
            in(j, i) = i < n / 2 ? 1 : 2;
            beside(j, i) += static_cast<double>(j % 2);
        }
    }
    Exec exec;
    exec.threads = 2;
    for (const bool open : {false, true}) {
        const regions::Names names = open ? regions::Names::every(true) : regions::Names::listed({1, 2});
        const regions::Table table = cpu::regions(as_const(erase_type(in)), as_const(erase_type(beside)), names,
                                                  {false, true, true, true, false, false}, exec);
        EXPECT(table.counts.size() == 2 && table.labels.size() == (open ? 2U : 0U));
        for (std::size_t k = 0; k < 2; ++k) {
            const regions::Spread& spread = table.spreads[k];
            EXPECT(table.counts[k] == n * n / 2);
            EXPECT_NEAR(spread.pivot + spread.mean, 1e9 + 0.5, 1e-6);
            EXPECT_NEAR(spread.squares, n * n / 8.0, 1e-10 * n * n);
        }
        EXPECT(table.extremes[0].maximum_at == n && table.boxes[1] == n - 1 && table.boxes[3] == n / 2 - 1);
    }
}

TEST(regions, slots_of_many_keys) {
    regions::Slots slots;
    for (std::int64_t k = 0; k < 5000; ++k) EXPECT(slots.of(k * (std::int64_t{1} << 40) - 7) == k);
    for (std::int64_t k = 0; k < 5000; ++k) EXPECT(slots.find(k * (std::int64_t{1} << 40) - 7) == k);
    EXPECT(slots.find(1) == -1 && slots.size() == 5000);
    regions::Slots few(3);
    EXPECT(few.of(2) == 0 && few.of(0) == 1 && few.find(1) == -1 && few.of(2) == 0);
}

TEST(regions, groups_and_their_quantiles) {
    std::vector<std::int32_t> labels = {3, 3, 9, 3, 9, 0};
    std::vector<std::int16_t> image = {5, 1, 8, 4, 2, 7};
    const View<const std::int32_t, 1> in = contiguous_view<const std::int32_t, 1>(labels.data(), {6});
    const View<const std::int16_t, 1> beside = contiguous_view<const std::int16_t, 1>(image.data(), {6});
    const regions::Names names = regions::Names::listed({9, 3, 4});
    const regions::Groups groups = cpu::region_groups(erase_type(in), erase_type(beside), names, true, {});
    EXPECT((groups.offsets == std::vector<std::int64_t>{0, 2, 5, 5}));
    std::vector<std::int16_t> samples(5);
    std::vector<std::int64_t> positions(5);
    cpu::write_groups(groups, erase_type(in), erase_type(beside), names, {samples.data(), positions.data(), nullptr},
                      {});
    EXPECT((samples == std::vector<std::int16_t>{8, 2, 5, 1, 4}));
    EXPECT((positions == std::vector<std::int64_t>{2, 4, 0, 1, 3}));
    std::vector<std::int16_t> neighbours(12);
    const regions::Ranks ranks =
        cpu::region_quantiles(erase_type(contiguous_view<std::int16_t, 1>(samples.data(), {5})), groups.offsets,
                              {0.5, 0.0}, neighbours.data(), {});
    EXPECT(neighbours[0] == 2 && neighbours[1] == 8 && neighbours[2] == 2 && neighbours[4] == 4 && neighbours[6] == 1);
    EXPECT(ranks.fractions[0] == 0.5 && ranks.fractions[2] == 0.0 && ranks.not_numbers[0] == 0);
}

TEST(regions, groups_in_the_order_of_the_memory) {
    std::vector<std::uint8_t> labels = {1, 0, 1, 1, 0, 1};  // columns of two rows
    View<const std::uint8_t, 2> in = contiguous_view<const std::uint8_t, 2>(labels.data(), {2, 3});
    in.strides[0] = 1;
    in.strides[1] = 2;
    const regions::Names names = regions::Names::range(1, 1);
    const regions::Groups groups = cpu::region_groups(erase_type(in), std::nullopt, names, false, {});
    std::vector<std::int64_t> positions(4);
    std::vector<std::int64_t> indices(8);
    cpu::write_groups(groups, erase_type(in), std::nullopt, names, {nullptr, positions.data(), indices.data()}, {});
    EXPECT((positions == std::vector<std::int64_t>{0, 1, 4, 5}));
    EXPECT((indices == std::vector<std::int64_t>{0, 0, 1, 1, 0, 1, 1, 2}));
}

TEST(regions, shapes) {
    std::vector<std::uint8_t> labels(3 * 4 * 5, 0);
    const View<std::uint8_t, 3> in = contiguous_view<std::uint8_t, 3>(labels.data(), {3, 4, 5});
    in(0, 0, 0) = in(2, 3, 4) = in(1, 1, 1) = 1;
    const regions::Names names = regions::Names::range(1, 2);
    const std::vector<double> found =
        cpu::region_diameters(as_const(erase_type(in)), names, {2, 0, 0, 0, 1, 0, 0, 0, 1}, {});
    EXPECT(found[0] == std::sqrt(16.0 + 9.0 + 16.0) && found[1] == -1.0);
    const std::vector<std::int64_t> pairs = cpu::region_crossings(as_const(erase_type(in)), names, {});
    EXPECT(pairs[0] == 6 && pairs[12] == 4 && pairs[13] == 0);  // two of the three are diagonal neighbours
}

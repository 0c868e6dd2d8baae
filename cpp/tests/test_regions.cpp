// SPDX-License-Identifier: Apache-2.0
#include "kernels/regions/regions.hpp"

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
        const regions::Table table = cpu::regions(as_const(erase_type(in)), erase_type(beside), -2, 8, {});
        const regions::Region& line = table.regions[0];
        EXPECT(line.count == 70 && line.sum == 70 * 134.5);
        EXPECT(line.second - line.first * line.first / 70 == 70.0 * (70 * 70 - 1) / 12);
        EXPECT(line.minimum_at == 7 * 300 + 100 && line.maximum_at == 7 * 300 + 169);
        EXPECT(table.places[0] == 7 && table.places[1] == 7 && table.places[2] == 490);
        EXPECT(table.places[3] == 100 && table.places[4] == 169 && table.places[5] == 9415);
        EXPECT(table.regions[7].count == 40 * 300 - 71 && table.regions[7].maximum_at == 299);
        EXPECT(table.regions[1].count == 0);
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
    const regions::Table table = cpu::regions(as_const(erase_type(in)), as_const(erase_type(beside)), 1, 2, exec);
    for (const regions::Region& region : table.regions) {
        EXPECT(region.count == n * n / 2);
        EXPECT(region.second - region.first * region.first / (n * n / 2.0) == n * n / 8.0);
    }
    EXPECT(table.regions[0].maximum_at == n && table.places[1] == n - 1 && table.places[3] == 0);
}

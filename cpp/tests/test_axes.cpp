// SPDX-License-Identifier: Apache-2.0
#include "core/axes.hpp"

#include "expect.hpp"

using namespace voxkern;

TEST(axes, slowest_first_keeps_the_order_of_equal_strides) {
    const std::int64_t strides[] = {1, -60, 12, -12};
    EXPECT((slowest_first(4, strides) == std::vector<int>{1, 2, 3, 0}));
    EXPECT(slowest_first(0, strides).empty());
}

TEST(axes, unravel_counts_in_c_order_and_skips_an_axis) {
    const std::int64_t shape[] = {2, 3, 4};
    std::int64_t index[3];
    unravel(23, 3, shape, index);
    EXPECT(index[0] == 1 && index[1] == 2 && index[2] == 3);
    unravel(7, 3, shape, index, 1);  // 2 x 4 positions
    EXPECT(index[0] == 1 && index[1] == 0 && index[2] == 3);
}

TEST(axes, neighbours_merge_where_they_lie_flush_in_all_arrays) {
    Axes<2> axes;
    axes.push(5, {12, 120});
    axes.push(3, {4, 40});
    axes.push(4, {1, 1});  // flush in the first array alone
    axes.merge();
    EXPECT(axes.rank() == 2);
    EXPECT(axes[0].extent == 15 && axes[0].strides[0] == 4 && axes[0].strides[1] == 40);
    EXPECT(axes.size() == 60);
}

TEST(axes, a_walk_meets_every_element_once) {
    Axes<1> axes;
    axes.push(3, {-1});
    axes.push(2, {10});
    axes.push(4, {100});
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < axes.size(); ++i) sum += axes.at(i)[0];
    EXPECT(axes.at(0)[0] == 0 && axes.at(1)[0] == 100 && axes.at(4)[0] == 10 && axes.at(8)[0] == -1);
    EXPECT(sum == 8 * (-1 - 2) + 12 * 10 + 6 * (100 + 200 + 300));
    EXPECT(Axes<1>().size() == 1 && Axes<1>().at(0)[0] == 0);
}

TEST(axes, stretches_go_where_the_walk_goes) {
    Axes<2> axes;
    axes.push(3, {-1, 7});
    axes.push(2, {10, 0});
    axes.push(5, {100, 3});
    for (std::int64_t first = 0; first < axes.size(); ++first) {
        std::int64_t step = first;
        for_stretches(axes, first, axes.size(), 3, [&](const Walk<2>& walk, std::int64_t n) {
            EXPECT(walk.offsets() == axes.at(step) && n >= 1 && n <= 3 && n <= walk.left());
            EXPECT(walk.index(0) == step / 10 && walk.index(2) == step % 5);
            step += n;
        });
        EXPECT(step == axes.size());
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "core/boundary.hpp"

#include <limits>

#include "expect.hpp"

using namespace voxkern;

TEST(boundary, extensions_as_drawn) {
    // positions -4 .. 7 of the line 0 1 2 3
    const std::int64_t nearest[] = {0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3};
    const std::int64_t reflect[] = {3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0};
    const std::int64_t mirror[] = {2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1};
    const std::int64_t wrap[] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
    for (std::int64_t i = -4; i < 8; ++i) {
        EXPECT(fold_index(i, 4, Boundary::nearest) == nearest[i + 4]);
        EXPECT(fold_index(i, 4, Boundary::reflect) == reflect[i + 4]);
        EXPECT(fold_index(i, 4, Boundary::mirror) == mirror[i + 4]);
        EXPECT(fold_index(i, 4, Boundary::grid_wrap) == wrap[i + 4]);
        EXPECT(fold_index(i, 4, Boundary::constant) == (i >= 0 && i < 4 ? i : kOutside));
    }
}

TEST(boundary, folding_stays_inside_however_far) {
    const Boundary modes[] = {Boundary::nearest, Boundary::reflect, Boundary::mirror, Boundary::grid_wrap};
    for (const Boundary mode : modes) {
        for (std::int64_t n = 1; n < 6; ++n) {
            for (std::int64_t i = -40; i < 40; ++i) {
                const std::int64_t at = fold_index(i, n, mode);
                EXPECT(at >= 0 && at < n);
            }
            const std::int64_t far = std::int64_t{1} << 50;
            EXPECT(fold_index(far, n, mode) >= 0 && fold_index(far, n, mode) < n);
            EXPECT(fold_index(-far, n, mode) >= 0 && fold_index(-far, n, mode) < n);
        }
    }
}

TEST(boundary, coordinates_fold_like_indices) {
    for (std::int64_t i = -12; i < 16; ++i) {
        const auto c = static_cast<double>(i);
        for (const Boundary mode : {Boundary::nearest, Boundary::reflect, Boundary::mirror, Boundary::grid_wrap}) {
            EXPECT_NEAR(fold_coordinate(c, 5, mode).value, fold_index(i, 5, mode), 1e-12);
        }
    }
    EXPECT_NEAR(fold_coordinate(4.5, 5, Boundary::wrap).value, 0.5, 1e-12);  // first and last sample coincide
    EXPECT(fold_coordinate(-4.0, 5, Boundary::wrap).value == 4.0);
    EXPECT(fold_coordinate(8.0, 5, Boundary::wrap).value == 0.0);
    EXPECT_NEAR(fold_coordinate(-4.5, 5, Boundary::wrap).value, 3.5, 1e-12);
}

TEST(boundary, constant_is_strict_and_fov_is_half_a_voxel) {
    EXPECT(!fold_coordinate(-1e-16, 5, Boundary::constant).inside);
    EXPECT(fold_coordinate(4.0, 5, Boundary::constant).inside);
    EXPECT(fold_coordinate(-0.5, 5, Boundary::fov).inside);
    EXPECT(!fold_coordinate(4.5, 5, Boundary::fov).inside);
    EXPECT(fold_coordinate(4.4999, 5, Boundary::fov).value == 4.0);
    EXPECT(!fold_coordinate(std::numeric_limits<double>::quiet_NaN(), 5, Boundary::fov).inside);
}

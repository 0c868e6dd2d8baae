// SPDX-License-Identifier: Apache-2.0
#include "kernels/chamfer/chamfer.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

namespace {

// Steps in a volume of ones whose only zero is at (3, 2, 5).
void check(bool chessboard, int threads) {
    constexpr std::int64_t shape[3] = {40, 30, 70};  // enough for several threads
    std::vector<std::uint8_t> x(40 * 30 * 70, 1);
    std::vector<std::int32_t> y(x.size());
    std::vector<std::int32_t> at(3 * x.size());
    const View<std::uint8_t, 3> in = contiguous_view<std::uint8_t, 3>(x.data(), {40, 30, 70});
    const View<std::int32_t, 3> out = contiguous_view<std::int32_t, 3>(y.data(), {40, 30, 70});
    const View<std::int32_t, 4> nearest = contiguous_view<std::int32_t, 4>(at.data(), {3, 40, 30, 70});
    in(3, 2, 5) = 0;
    chamfer::Options options;
    for (int i = 0; i < 27; ++i) {
        const int steps = std::abs(i / 9 - 1) + std::abs(i / 3 % 3 - 1) + std::abs(i % 3 - 1);
        options.structure.push_back(chessboard || steps == 1);
    }
    const ArrayView indices = erase_type(nearest);
    Exec exec;
    exec.threads = threads;
    cpu::chamfer(as_const(erase_type(in)), erase_type(out), &indices, options, exec);
    for (std::int64_t z = 0; z < shape[0]; ++z) {
        for (std::int64_t j = 0; j < shape[1]; ++j) {
            for (std::int64_t i = 0; i < shape[2]; ++i) {
                const std::int64_t ways[3] = {std::abs(z - 3), std::abs(j - 2), std::abs(i - 5)};
                const std::int64_t most = std::max({ways[0], ways[1], ways[2]});
                EXPECT(out(z, j, i) == (chessboard ? most : ways[0] + ways[1] + ways[2]));
                EXPECT(nearest(0, z, j, i) == 3 && nearest(1, z, j, i) == 2 && nearest(2, z, j, i) == 5);
            }
        }
    }
}

}  // namespace

TEST(chamfer, one_zero_at_every_level) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const int threads : {1, 2, 3}) {
            check(true, threads);
            check(false, threads);
        }
    }
}

TEST(chamfer, no_zero_and_no_steps) {
    std::vector<float> x(5000, 1.0F);
    std::vector<std::int32_t> y(x.size());
    const View<const float, 1> in = contiguous_view<const float, 1>(x.data(), {5000});
    const View<std::int32_t, 1> out = contiguous_view<std::int32_t, 1>(y.data(), {5000});
    cpu::chamfer(erase_type(in), erase_type(out), nullptr, {{true, true, true}, false}, {});
    EXPECT(y[0] == -1 && y[4999] == -1);
    x[4000] = -0.0F;
    cpu::chamfer(erase_type(in), erase_type(out), nullptr, {{true, true, true}, false}, {});
    EXPECT(y[4000] == 0 && y[0] == 4000 && y[4999] == 999);
    cpu::chamfer(erase_type(in), erase_type(out), nullptr, {{false, true, true}, false}, {});
    EXPECT(y[4000] == 0 && y[3999] == -1 && y[4001] == -1);
}

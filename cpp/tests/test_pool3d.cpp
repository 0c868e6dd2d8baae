// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool3d/pool3d.hpp"

#include <limits>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

namespace {

// A volume whose sample (z, y, x) is 10000 z + 100 y + x.
std::vector<float> numbered(std::int64_t d, std::int64_t h, std::int64_t w) {
    std::vector<float> x;
    for (std::int64_t z = 0; z < d; ++z) {
        for (std::int64_t y = 0; y < h; ++y) {
            for (std::int64_t i = 0; i < w; ++i) x.push_back(static_cast<float>(10000 * z + 100 * y + i));
        }
    }
    return x;
}

}  // namespace

TEST(pool3d, windows_of_two_at_every_level) {
    const std::vector<float> x = numbered(4, 6, 71);
    const View<const float, 5> in = contiguous_view<const float, 5>(x.data(), {1, 1, 4, 6, 71});
    pool3d::Options options;
    for (pool3d::Window& window : options.windows) window = {2, 2, 0, 1};
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        std::vector<float> y(2 * 3 * 35);
        const View<float, 5> out = contiguous_view<float, 5>(y.data(), {1, 1, 2, 3, 35});
        options.kind = pool3d::Kind::max;
        cpu::pool3d(erase_type(in), erase_type(out), {}, options, {});
        for (std::int64_t i = 0; i < 35; ++i) EXPECT(out(0, 0, 1, 2, i) == static_cast<float>(30501 + 2 * i));
        options.kind = pool3d::Kind::average;
        cpu::pool3d(erase_type(in), erase_type(out), {}, options, {});
        for (std::int64_t i = 0; i < 35; ++i) EXPECT(out(0, 0, 0, 1, i) == 5250.5F + static_cast<float>(2 * i));
    }
}

TEST(pool3d, padding_and_adaptive_windows) {
    const std::vector<float> x = numbered(1, 1, 5);
    const View<const float, 5> in = contiguous_view<const float, 5>(x.data(), {1, 1, 1, 1, 5});
    float y[3] = {};
    const View<float, 5> out = contiguous_view<float, 5>(y, {1, 1, 1, 1, 3});
    pool3d::Options options;
    options.windows[2] = {3, 2, 1, 1};
    cpu::pool3d(erase_type(in), erase_type(out), {}, options, {});
    EXPECT(y[0] == 1.0F && y[1] == 3.0F && y[2] == 4.0F);
    options.kind = pool3d::Kind::average;
    options.count_include_pad = false;
    cpu::pool3d(erase_type(in), erase_type(out), {}, options, {});
    EXPECT(y[0] == 0.5F && y[1] == 2.0F && y[2] == 3.5F);
    options.adaptive = true;  // 0 to 2, 1 to 4, 3 to 5
    cpu::pool3d(erase_type(in), erase_type(out), {}, options, {});
    EXPECT(y[0] == 0.5F && y[1] == 2.0F && y[2] == 3.5F);
    options = {};
    options.windows[2] = {2, 3, 1, 9};  // no element of the first window lies inside
    cpu::pool3d(erase_type(in), erase_type(out), {}, options, {});
    EXPECT(y[0] == -std::numeric_limits<float>::infinity());
}

// SPDX-License-Identifier: Apache-2.0
#include "kernels/label/label.hpp"

#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

namespace {

label::Options faces(int rank, bool zeros = false) {
    label::Options options;
    options.zeros = zeros;
    std::int64_t size = 1;
    for (int a = 0; a < rank; ++a) size *= 3;
    for (std::int64_t i = 0; i < size; ++i) {
        std::int64_t steps = 0;
        for (std::int64_t rest = i, a = 0; a < rank; ++a, rest /= 3) steps += rest % 3 != 1;
        options.structure.push_back(steps <= 1);
    }
    return options;
}

}  // namespace

TEST(label, a_comb_is_one_component_at_every_level) {
    constexpr std::int64_t n = 150;  // teeth, over more slabs of rows than one
    std::vector<std::uint8_t> x(3 * 2000 * n, 0);
    const View<std::uint8_t, 3> in = contiguous_view<std::uint8_t, 3>(x.data(), {3, 2000, n});
    for (std::int64_t j = 0; j < 2000; ++j) {
        for (std::int64_t i = 0; i < n; i += 2) in(1, j, i) = 1;
    }
    std::vector<std::int32_t> y(x.size());
    const View<std::int32_t, 3> out = contiguous_view<std::int32_t, 3>(y.data(), {3, 2000, n});
    Exec exec;
    exec.threads = 2;
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        in(1, 1999, 1) = 0;
        label::Components teeth = cpu::label(as_const(erase_type(in)), faces(3), exec);
        EXPECT(teeth.count == n / 2);
        EXPECT(cpu::sizes(teeth)[1] == 2000);
        for (std::int64_t i = 0; i < n; ++i) in(1, 1999, i) = 1;
        const label::Components comb = cpu::label(as_const(erase_type(in)), faces(3), exec);
        EXPECT(comb.count == 1);
        cpu::write_labels(comb, erase_type(out), exec);
        EXPECT(out(1, 0, 148) == 1 && out(1, 0, 149) == 0 && out(1, 1999, 149) == 1 && out(0, 0, 0) == 0);
        for (std::int64_t i = 1; i < n; i += 2) in(1, 1999, i) = 0;
    }
}

TEST(label, a_hole_reaches_no_end) {
    std::vector<float> x(25, 0.0F);
    const View<float, 2> in = contiguous_view<float, 2>(x.data(), {5, 5});
    for (std::int64_t k = 1; k < 4; ++k) in(1, k) = in(3, k) = in(k, 1) = in(k, 3) = 1.0F;
    const label::Components zeros = cpu::label(as_const(erase_type(in)), faces(2, true), {});
    EXPECT(zeros.count == 2);
    std::vector<std::uint8_t> y(25);
    const View<std::uint8_t, 2> out = contiguous_view<std::uint8_t, 2>(y.data(), {5, 5});
    cpu::write_enclosed(zeros, {true, true}, erase_type(out), {});
    EXPECT(out(2, 2) == 1 && out(1, 1) == 1 && out(0, 0) == 0);
    cpu::write_enclosed(zeros, {false, false}, erase_type(out), {});
    EXPECT(out(0, 0) == 1);
}

TEST(label, a_mark_fills_its_component) {
    std::vector<float> x = {1, 1, 0, 1, 1, 1};
    std::vector<std::uint8_t> y = {0, 0, 1, 0, 2, 0};
    const label::Components two =
        cpu::label(as_const(erase_type(contiguous_view<float, 1>(x.data(), {6}))), faces(1), {});
    cpu::fill_touched(two, erase_type(contiguous_view<std::uint8_t, 1>(y.data(), {6})), {});
    EXPECT((y == std::vector<std::uint8_t>{0, 0, 1, 1, 1, 1}));
}

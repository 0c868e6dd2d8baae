// SPDX-License-Identifier: Apache-2.0
#include "kernels/copy/copy.hpp"

#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

TEST(copy, any_dtype_and_stride_at_every_level) {
    const std::int64_t n = 2100;  // beyond one block
    std::vector<double> x(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) x[static_cast<std::size_t>(i)] = 0.25 * static_cast<double>(i) - 200.0;
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        std::vector<std::int8_t> narrow(x.size());
        const View<const double, 2> in = contiguous_view<const double, 2>(x.data(), {3, 700});
        View<std::int8_t, 2> out = contiguous_view<std::int8_t, 2>(narrow.data(), {3, 700});
        cpu::copy(erase_type(in), erase_type(out), {});
        EXPECT(narrow[0] == -128);                       // saturates
        EXPECT(narrow[790] == -3 && narrow[794] == -2);  // halves away from zero
        EXPECT(narrow[802] == 1 && narrow[2099] == 127);
        std::vector<double> turned(x.size());
        View<double, 2> reversed = {turned.data() + n - 1, {3, 700}, {-1, -3}};
        cpu::copy(erase_type(in), erase_type(reversed), {});
        for (std::int64_t i = 0; i < 3; ++i) {
            for (std::int64_t j = 0; j < 700; ++j) EXPECT(reversed(i, j) == in(i, j));
        }
    }
}

TEST(copy, nothing_and_scalars) {
    const float one = 1.5F;
    float other = 0.0F;
    ConstArrayView in;
    in.data = &one;
    ArrayView out;
    out.data = &other;
    cpu::copy(in, out, {});
    EXPECT(other == 1.5F);
    in.rank = out.rank = 1;
    cpu::copy(in, out, {});
}

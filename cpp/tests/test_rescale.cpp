// SPDX-License-Identifier: Apache-2.0
#include "kernels/rescale/rescale.hpp"

#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"
#include "kernels/rescale/rescale_math.hpp"

using namespace voxkern;
using namespace voxkern::rescale;

TEST(rescale, words_without_their_unused_bits) {
    EXPECT(stored_bits<std::int16_t>(0x0FFF, 4, 0) == -1);
    EXPECT(stored_bits<std::int16_t>(static_cast<std::int16_t>(0xF001), 4, 0) == 1);
    EXPECT(stored_bits<std::uint16_t>(0xF801, 4, 0) == 0x0801);
    EXPECT(stored_bits<std::uint16_t>(0xABCD, 0, 4) == 0x0ABC);
    EXPECT(swapped_bytes(std::uint16_t{0x1234}) == 0x3412);
    EXPECT(swapped_bytes(std::uint32_t{0x12345678}) == 0x78563412U);
    EXPECT(swapped_bytes(std::uint64_t{0x0102030405060708}) == 0x0807060504030201U);
}

// Rows around the block, transposed and reversed: what AddressSanitizer watches.
TEST(rescale, every_level_equals_the_formula) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const std::int64_t n : {1, 15, 17, 1023, 1025, 3000}) {
            std::vector<std::int16_t> stored(static_cast<std::size_t>(3 * n));
            for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::int16_t>(i * 7919);
            std::vector<float> values(stored.size());
            View<const std::int16_t, 2> in = contiguous_view<const std::int16_t, 2>(stored.data(), {3, n});
            View<float, 2> out = contiguous_view<float, 2>(values.data(), {3, n});
            out.strides[0] = 1;
            out.strides[1] = 3;
            Exec exec;
            exec.threads = 3;
            cpu::rescale(erase_type(in), erase_type(out), Options{0.37, -1024.5, true, 2, 1}, exec);
            for (std::int64_t i = 0; i < 3; ++i) {
                for (std::int64_t j = 0; j < n; ++j) {
                    const auto word = static_cast<std::int16_t>(swapped_bytes(static_cast<std::uint16_t>(in(i, j))));
                    const double want = stored_bits(word, 2, 1) * 0.37 + -1024.5;
                    EXPECT(out(i, j) == static_cast<float>(want));
                }
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "core/cpu.hpp"

#include "core/error.hpp"
#include "expect.hpp"

using namespace voxkern;

TEST(cpu, levels_are_ordered_and_forced_by_name) {
    EXPECT(!usable_levels().empty());
    for (std::size_t i = 1; i < usable_levels().size(); ++i) EXPECT(usable_levels()[i - 1] < usable_levels()[i]);
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        EXPECT(active_level() == level);
    }
    EXPECT_THROWS(InvalidArgument, set_active_level("v9"));
    EXPECT(active_level() == usable_levels().back());
}

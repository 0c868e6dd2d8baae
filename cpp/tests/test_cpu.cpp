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

TEST(cpu, a_level_needs_every_feature_its_code_may_use) {
    const std::set<std::string> v2 = {"cmpxchg16b", "lahf-sahf", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"};
    const std::set<std::string> v3 = {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"};
    const std::set<std::string> v4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
    std::set<std::string> all = v2;
    all.insert(v3.begin(), v3.end());
    all.insert(v4.begin(), v4.end());
    const auto without = [&](const std::string& feature) {
        std::set<std::string> rest = all;
        rest.erase(feature);
        return rest;
    };
    EXPECT((levels_with(all) == std::vector<CpuLevel>{CpuLevel::v2, CpuLevel::v3, CpuLevel::v4}));
    EXPECT((levels_with(v2) == std::vector<CpuLevel>{CpuLevel::v2}));
    for (const auto& one : v4) EXPECT((levels_with(without(one)) == std::vector<CpuLevel>{CpuLevel::v2, CpuLevel::v3}));
    for (const auto& one : v3) EXPECT((levels_with(without(one)) == std::vector<CpuLevel>{CpuLevel::v2}));
    for (const auto& one : v2) EXPECT_THROWS(Error, levels_with(without(one)));
}

// SPDX-License-Identifier: Apache-2.0
#include "core/cpu.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <utility>

#include "core/error.hpp"

#if defined(VOXKERN_X86_LEVELS)
#include <cpuid.h>
#endif

namespace voxkern {
namespace {

std::vector<CpuLevel> probe() {
#if defined(VOXKERN_X86_LEVELS)
    __builtin_cpu_init();
    std::set<std::string> found;
#define VOXKERN_ASK(feature) \
    if (__builtin_cpu_supports(feature)) found.insert(feature);
    VOXKERN_ASK("sse3")
    VOXKERN_ASK("ssse3")
    VOXKERN_ASK("sse4.1")
    VOXKERN_ASK("sse4.2")
    VOXKERN_ASK("popcnt")
    VOXKERN_ASK("avx")  // the vector features include the system's support for their registers
    VOXKERN_ASK("avx2")
    VOXKERN_ASK("bmi")
    VOXKERN_ASK("bmi2")
    VOXKERN_ASK("fma")
    VOXKERN_ASK("avx512f")
    VOXKERN_ASK("avx512bw")
    VOXKERN_ASK("avx512cd")
    VOXKERN_ASK("avx512dq")
    VOXKERN_ASK("avx512vl")
#undef VOXKERN_ASK
    // Clang 14 does not know the others by name.
    const auto ask = [&found](unsigned leaf, unsigned bit, const char* feature) {
        unsigned a = 0, b = 0, c = 0, d = 0;
        if (__get_cpuid(leaf, &a, &b, &c, &d) != 0 && ((c >> bit) & 1U) != 0) found.insert(feature);
    };
    ask(1, 13, "cmpxchg16b");
    ask(1, 22, "movbe");
    ask(1, 29, "f16c");
    ask(0x80000001U, 0, "lahf-sahf");
    ask(0x80000001U, 5, "lzcnt");
    return levels_with(found);
#else
    return {CpuLevel::baseline};
#endif
}

CpuLevel parse(const std::string& name) {
    std::string usable;
    for (const CpuLevel level : usable_levels()) {
        if (name == to_string(level)) return level;
        usable += (usable.empty() ? "" : ", ") + std::string(to_string(level));
    }
    throw InvalidArgument("VOXKERN_CPU_LEVEL: got '" + name + "', this processor and build allow " + usable);
}

std::atomic<CpuLevel>& active() {
    static std::atomic<CpuLevel> level = [] {
        const char* forced = std::getenv("VOXKERN_CPU_LEVEL");
        return forced != nullptr && *forced != '\0' ? parse(forced) : usable_levels().back();
    }();
    return level;
}

}  // namespace

const char* to_string(CpuLevel level) {
    switch (level) {
        case CpuLevel::baseline: return "baseline";
        case CpuLevel::v2: return "v2";
        case CpuLevel::v3: return "v3";
        case CpuLevel::v4: return "v4";
    }
    return "unknown";
}

std::vector<CpuLevel> levels_with(const std::set<std::string>& features) {
    static const std::pair<CpuLevel, std::vector<const char*>> needs[] = {
        {CpuLevel::v2, {"cmpxchg16b", "lahf-sahf", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"}},
        {CpuLevel::v3, {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}},
        {CpuLevel::v4, {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
    };
    std::vector<CpuLevel> levels;
    for (const auto& [level, needed] : needs) {
        const auto has = [&](const char* feature) { return features.count(feature) > 0; };
        if (!std::all_of(needed.begin(), needed.end(), has)) break;
        levels.push_back(level);
    }
    if (levels.empty())
        throw Error("voxkern needs a processor of the level x86-64-v2 (SSE4.2 and POPCNT among others)");
    return levels;
}

const std::vector<CpuLevel>& usable_levels() {
    static const std::vector<CpuLevel> levels = probe();
    return levels;
}

CpuLevel active_level() {
    return active().load(std::memory_order_relaxed);
}

void set_active_level(const std::string& name) {
    active().store(parse(name), std::memory_order_relaxed);
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
#include "core/cpu.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "core/error.hpp"

namespace voxkern {
namespace {

std::vector<CpuLevel> probe() {
#if defined(VOXKERN_X86_LEVELS)
    __builtin_cpu_init();
    std::vector<CpuLevel> levels;
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) {
        throw Error("voxkern needs a processor with SSE4.2 and POPCNT (x86-64-v2)");
    }
    levels.push_back(CpuLevel::v2);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2")) {
        levels.push_back(CpuLevel::v3);
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl")) {
            levels.push_back(CpuLevel::v4);
        }
    }
    return levels;
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

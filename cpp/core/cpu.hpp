// SPDX-License-Identifier: Apache-2.0
// Run-time choice of the instruction-set level. See docs/design/0001-isa-dispatch.md.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace voxkern {

// x86-64-v2, v3 and v4 as the x86-64 psABI defines them. Elsewhere one level, `baseline`.
enum class CpuLevel { baseline, v2, v3, v4 };

const char* to_string(CpuLevel level);

// The levels that a processor with these features (by the psABI's names, in small letters) runs, lowest first: code
// of a level may use each of its features. Throws Error where there is none.
std::vector<CpuLevel> levels_with(const std::set<std::string>& features);

// Levels this build carries and this CPU runs, lowest first; never empty.
const std::vector<CpuLevel>& usable_levels();

// The level calls run at: the highest usable one unless VOXKERN_CPU_LEVEL names another.
CpuLevel active_level();

// Forces a level by name. Throws InvalidArgument if it is not usable here.
void set_active_level(const std::string& name);

}  // namespace voxkern

// VOXKERN_DECLARE_LEVELS(Ops, ops) declares `const Ops& ops()` once per level namespace;
// VOXKERN_SELECT_LEVEL(ops) calls the one of the active level. The per-level definitions come
// from units stamped by voxkern_add_kernel() in cpp/cmake.
#if defined(VOXKERN_X86_LEVELS)
#define VOXKERN_DECLARE_LEVELS(Ops, name) \
    namespace v2 {                        \
    const Ops& name();                    \
    }                                     \
    namespace v3 {                        \
    const Ops& name();                    \
    }                                     \
    namespace v4 {                        \
    const Ops& name();                    \
    }
#define VOXKERN_SELECT_LEVEL(name)                                       \
    (::voxkern::active_level() == ::voxkern::CpuLevel::v4   ? v4::name() \
     : ::voxkern::active_level() == ::voxkern::CpuLevel::v3 ? v3::name() \
                                                            : v2::name())
#else
#define VOXKERN_DECLARE_LEVELS(Ops, name) \
    namespace baseline {                  \
    const Ops& name();                    \
    }
#define VOXKERN_SELECT_LEVEL(name) baseline::name()
#endif

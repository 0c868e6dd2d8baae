// SPDX-License-Identifier: Apache-2.0
// Limits of the control groups that this process belongs to: containers and batch systems of Linux. What a group may
// use holds for all groups within it, so the tightest limit on the way up to the root counts.
#pragma once

#include <cstdint>
#include <string>

namespace voxkern {

// Bytes of memory, and CPUs, that the process may use; 0 where nothing limits them. `root` is the folder that holds
// /proc and /sys.
std::int64_t cgroup_memory(const std::string& root = "");
double cgroup_cpus(const std::string& root = "");

}  // namespace voxkern

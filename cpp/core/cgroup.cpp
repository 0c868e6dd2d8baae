// SPDX-License-Identifier: Apache-2.0
#include "core/cgroup.hpp"

#include <cstdlib>
#include <fstream>

namespace voxkern {
namespace {

// Calls take(folder, unified) for the groups that may limit `controller`. Version 2 has one tree of them (unified),
// version 1 one for each controller. The tops come always: within a container they are its own limits, whatever path
// its membership names.
template <class Take>
void for_each_group(const std::string& root, const std::string& controller, const Take& take) {
    const std::string unified_top = root + "/sys/fs/cgroup";
    const std::string own_top = unified_top + "/" + controller;
    take(unified_top, true);
    take(own_top, false);
    std::ifstream membership(root + "/proc/self/cgroup");  // lines of hierarchy:controllers:path
    for (std::string line; std::getline(membership, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool unified = controllers.empty();
        if (!unified && ("," + controllers + ",").find("," + controller + ",") == std::string::npos) continue;
        std::string path = line.substr(second + 1);
        while (path.size() > 1 && path[0] == '/') {
            take((unified ? unified_top : own_top) + path, unified);
            path.resize(path.find_last_of('/'));
        }
    }
}

// The number that a file begins with; 0 where there is none ("max").
std::int64_t number_in_file(const std::string& path) {
    std::ifstream file(path);
    std::int64_t number = 0;
    return file >> number ? number : 0;
}

template <class T>
void tighten(T& limit, T other) {
    if (other > 0 && (limit == 0 || other < limit)) limit = other;
}

}  // namespace

std::int64_t cgroup_memory(const std::string& root) {
    std::int64_t limit = 0;
    for_each_group(root, "memory", [&](const std::string& folder, bool unified) {
        tighten(limit, number_in_file(folder + (unified ? "/memory.max" : "/memory.limit_in_bytes")));
    });
    return limit;
}

double cgroup_cpus(const std::string& root) {
    double limit = 0.0;
    for_each_group(root, "cpu", [&](const std::string& folder, bool unified) {
        std::string quota;
        double period = 0.0;
        if (unified) {
            std::ifstream(folder + "/cpu.max") >> quota >> period;
        } else {
            quota = std::to_string(number_in_file(folder + "/cpu.cfs_quota_us"));
            period = static_cast<double>(number_in_file(folder + "/cpu.cfs_period_us"));
        }
        if (period > 0.0) tighten(limit, std::atof(quota.c_str()) / period);  // of "max" and -1 nothing is left
    });
    return limit;
}

}  // namespace voxkern

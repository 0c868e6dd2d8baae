// SPDX-License-Identifier: Apache-2.0
#include "core/cgroup.hpp"

#include <filesystem>
#include <fstream>

#include "expect.hpp"

using namespace voxkern;

namespace {

// A folder that stands for the root of the file system; gone at the end.
struct Root {
    Root() { std::filesystem::remove_all(path); }
    ~Root() { std::filesystem::remove_all(path); }
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;

    void write(const std::string& file, const std::string& text) const {
        const std::filesystem::path whole = path / file;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text << '\n';
    }

    std::int64_t memory() const { return cgroup_memory(path.string()); }
    double cpus() const { return cgroup_cpus(path.string()); }

    const std::filesystem::path path = std::filesystem::temp_directory_path() / "voxkern_test_cgroup";
};

}  // namespace

TEST(cgroup, nothing_limits) {
    const Root root;
    EXPECT(root.memory() == 0 && root.cpus() == 0.0);
    root.write("proc/self/cgroup", "0::/\nnonsense\n1:2");
    root.write("sys/fs/cgroup/memory.max", "max");
    root.write("sys/fs/cgroup/cpu.max", "max 100000");
    EXPECT(root.memory() == 0 && root.cpus() == 0.0);
}

TEST(cgroup, the_tightest_group_on_the_way_up_counts) {
    const Root root;
    root.write("proc/self/cgroup", "0::/job/step/task");
    root.write("sys/fs/cgroup/job/step/task/memory.max", "max");
    root.write("sys/fs/cgroup/job/step/memory.max", "3000000000");
    root.write("sys/fs/cgroup/job/memory.max", "2000000000");
    root.write("sys/fs/cgroup/other/memory.max", "1000");
    root.write("sys/fs/cgroup/job/step/task/cpu.max", "150000 100000");
    root.write("sys/fs/cgroup/job/step/cpu.max", "max 100000");
    root.write("sys/fs/cgroup/job/cpu.max", "400000 100000");
    EXPECT(root.memory() == 2000000000);
    EXPECT(root.cpus() == 1.5);
    root.write("sys/fs/cgroup/job/step/task/memory.max", "1000000000");
    EXPECT(root.memory() == 1000000000);
}

TEST(cgroup, version_1_has_a_tree_for_each_controller) {
    const Root root;
    root.write("proc/self/cgroup", "5:cpu,cpuacct:/a/b\n4:memory:/job/step\n3:cpuset:/c\n1:name=systemd:/s\n0::/s");
    root.write("sys/fs/cgroup/memory/job/step/memory.limit_in_bytes", "9223372036854771712");
    root.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "500000000");
    root.write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000");
    root.write("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1");
    root.write("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000");
    root.write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000");
    root.write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000");
    EXPECT(root.memory() == 500000000);
    EXPECT(root.cpus() == 0.5);
}

// The membership names a path outside the container, or cannot be read.
TEST(cgroup, a_containers_own_limit_is_at_the_top) {
    const Root root;
    root.write("sys/fs/cgroup/memory.max", "700000000");
    root.write("sys/fs/cgroup/cpu.max", "200000 100000");
    EXPECT(root.memory() == 700000000 && root.cpus() == 2.0);
    root.write("proc/self/cgroup", "0::/docker/0123456789abcdef");
    EXPECT(root.memory() == 700000000 && root.cpus() == 2.0);
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "600000000");
    EXPECT(root.memory() == 600000000);
}

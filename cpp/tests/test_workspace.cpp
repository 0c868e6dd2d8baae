// SPDX-License-Identifier: Apache-2.0
#include "core/workspace.hpp"

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "expect.hpp"

using namespace voxkern;

TEST(workspace, parts_are_aligned_and_apart) {
    Workspace workspace(Workspace::padded(100) + Workspace::padded(8 * sizeof(double)));
    char* bytes = workspace.take<char>(100);
    double* numbers = workspace.take<double>(8);
    EXPECT(reinterpret_cast<std::uintptr_t>(bytes) % 64 == 0);
    EXPECT(reinterpret_cast<std::uintptr_t>(numbers) % 64 == 0);
    EXPECT(reinterpret_cast<char*>(numbers) - bytes >= 100);
    std::memset(bytes, 1, 100);
    for (int i = 0; i < 8; ++i) numbers[i] = i;
    EXPECT(bytes[99] == 1);
}

TEST(workspace, nested_and_concurrent_blocks_differ) {
    const Workspace outer(1 << 12);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t] {
            for (int i = 0; i < 200; ++i) {
                Workspace a(4096);
                Workspace b(4096);
                int* x = a.take<int>(1000);
                int* y = b.take<int>(1000);
                for (int k = 0; k < 1000; ++k) {
                    x[k] = t;
                    y[k] = -t;
                }
                for (int k = 0; k < 1000; ++k) EXPECT(x[k] == t && y[k] == -t);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

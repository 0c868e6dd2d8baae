// SPDX-License-Identifier: Apache-2.0
// What threads of a block do together: core/cuda/block.hpp and the collectives below it.
#include "block.hpp"

#include <vector>

#include "kernels.hpp"
#include "support.hpp"

using namespace executor_test;
using voxkern::cuda::Exec;
using voxkern::cuda::Scratch;
using voxkern::cuda::upload;

namespace {

// The tree of block_sum.
float tree_sum(std::vector<float> v) {
    const auto warp = [](const float* lanes) {
        float now[32];
        for (int k = 0; k < 32; ++k) now[k] = lanes[k];
        for (int by = 16; by > 0; by /= 2) {
            for (int k = 0; k < by; ++k) now[k] += now[k + by];
        }
        return now[0];
    };
    std::vector<float> parts(32);
    for (std::size_t w = 0; w < v.size() / 32; ++w) parts[w] = warp(&v[32 * w]);
    return warp(parts.data());
}

}  // namespace

TEST(block, sum_and_scan) {
    for (const dim3 shape : {dim3(32), dim3(16, 4, 3), dim3(1024)}) {
        if (kTsan && shape.x == 1024) continue;
        const std::size_t n = shape.x * shape.y * shape.z;
        const std::vector<float> in = noise(n);
        std::vector<int> counts(n);
        for (std::size_t k = 0; k < n; ++k) counts[k] = static_cast<int>(in[k] * 10.0f);
        in_every_order([&](const Exec& exec) {
            const Scratch<float> values = upload(in, exec);
            const Scratch<int> numbers = upload(counts, exec);
            const Scratch<float> sums(2 * n, exec);
            const Scratch<int> before(n, exec);
            const Scratch<int> total(n, exec);
            sum_and_scan(values.data(), sums.data(), numbers.data(), before.data(), total.data(), shape, exec.stream);
            const auto got = download(sums, exec.stream);
            const auto scanned = download(before, exec.stream);
            const auto all = download(total, exec.stream);
            int running = 0;
            for (std::size_t k = 0; k < n; ++k) {
                EXPECT(got[2 * k] == tree_sum(in) && got[2 * k + 1] == 2.0f * got[2 * k]);
                EXPECT(scanned[k] == running);
                running += counts[k];
            }
            for (const int each : all) EXPECT(each == running);
        });
    }
}

TEST(block, a_place_is_a_line_of_a_file) {
    using cuda_executor::Site;
    EXPECT((Site{"a.cu", 7} == Site{"a.cu", 7}));
    EXPECT(!(Site{"a.cu", 7} == Site{"b.cu", 7}));
    EXPECT(!(Site{"a.cu", 7} == Site{"a.cu", 8}));
}

TEST(block, warp_exchanges) {
    constexpr int n = 64;
    in_every_order([&](const Exec& exec) {
        const Scratch<int> out(8 * n, exec);
        exchange(out.data(), n, exec.stream);
        const auto got = download(out, exec.stream);
        for (int k = 0; k < n; ++k) {
            const int* const mine = &got[static_cast<std::size_t>(8 * k)];
            EXPECT(mine[0] == static_cast<int>(0xaaaaaaaau));
            EXPECT(mine[1] == (k % 32 == 0 ? k : k - 1));
            EXPECT(mine[2] == (k % 32 == 31 ? k : k + 1));
            EXPECT(mine[3] == (k ^ 1));
            EXPECT(mine[4] == k / 8 * 8 + 3);
            EXPECT(mine[5] == (k >= 32 ? 1 : 0) && mine[6] == (k >= 32 ? 1 : 0));
            EXPECT(mine[7] == 22);
        }
    });
}

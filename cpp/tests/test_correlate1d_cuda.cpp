// SPDX-License-Identifier: Apache-2.0
// The kernel against correlate_sample, sample by sample: equal to the bit.
#include <vector>

#include "core/cuda/exec.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/correlate1d/correlate1d_cuda.hpp"
#include "kernels/correlate1d/correlate1d_math.hpp"

using namespace voxkern;
using namespace executor_test;

TEST(correlate1d_cuda, every_axis_and_mode) {
    constexpr std::int64_t outer = 3;
    constexpr std::int64_t n = 7;
    constexpr std::int64_t inner = 5;
    const std::vector<float> in = noise(outer * n * inner);
    const std::vector<float> weights = {0.25f, -1.0f, 0.5f, 2.0f};
    for (const Boundary mode : {Boundary::reflect, Boundary::mirror, Boundary::nearest, Boundary::constant}) {
        std::vector<float> expected(in.size());
        for (std::int64_t k = 0; k < outer * n * inner; ++k) {
            const auto line = [&](std::int64_t i) {
                return in[static_cast<std::size_t>(k / inner / n * n * inner + i * inner + k % inner)];
            };
            expected[static_cast<std::size_t>(k)] =
                correlate_sample(line, n, k / inner % n, weights.data(), 4, 1, mode, 0.5f) / 3.0f;
        }
        in_every_order([&](const cuda::Exec& exec) {
            const auto device = cuda::upload(in, exec);
            const auto taps = cuda::upload(weights, exec);
            const cuda::Scratch<float> out(in.size(), exec);
            cuda::correlate1d(device.data(), out.data(), outer, n, inner, taps.data(), 4, 1, mode, 0.5f, 3.0f,
                              exec.stream);
            EXPECT(download(out, exec.stream) == expected);
        });
    }
}

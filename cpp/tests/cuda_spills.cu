// SPDX-License-Identifier: Apache-2.0
// Must not compile where warnings are errors: 64 sums in the 64 registers that a block of 1024 threads leaves each.
namespace voxkern {

__global__ void __launch_bounds__(1024) spilling(const float* in, float* out, int steps) {
    constexpr int kSums = 64;
    float sums[kSums];
#pragma unroll
    for (int k = 0; k < kSums; ++k) sums[k] = in[k];
    for (int step = 0; step < steps; ++step) {
#pragma unroll
        for (int k = 0; k < kSums; ++k) sums[k] = sums[k] * sums[(k + 1) % kSums] + in[step];
    }
#pragma unroll
    for (int k = 0; k < kSums; ++k) out[k] = sums[k];
}

}  // namespace voxkern

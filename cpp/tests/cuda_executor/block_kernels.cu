// SPDX-License-Identifier: Apache-2.0
#include "core/cuda/block.hpp"
#include "core/cuda/launch.hpp"
#include "kernels.hpp"

namespace executor_test {
namespace {

using namespace voxkern::cuda;

__global__ void sum_and_scan_block(const float* in, float* sum, const int* counts, int* before, int* total) {
    const int rank = thread_rank();
    const float whole = block_sum(in[rank]);
    const float twice = block_sum(2.0f * in[rank]);  // the same shared memory again
    sum[2 * rank] = whole;
    sum[2 * rank + 1] = twice;
    int all = 0;
    before[rank] = block_scan(counts[rank], all);
    total[rank] = all;
}

__global__ void exchange_values(int* out) {
    const int rank = thread_rank();
    int* const mine = out + 8 * rank;
    mine[0] = static_cast<int>(__ballot_sync(kAllLanes, rank % 2));
    mine[1] = __shfl_up_sync(kAllLanes, rank, 1u);
    mine[2] = __shfl_down_sync(kAllLanes, rank, 1u);
    mine[3] = __shfl_xor_sync(kAllLanes, rank, 1);
    mine[4] = static_cast<int>(__shfl_sync(kAllLanes, static_cast<double>(rank), 3, 8));
    mine[5] = __any_sync(kAllLanes, rank == 40);
    mine[6] = __all_sync(kAllLanes, rank >= 32);
    mine[7] = __syncthreads_count(rank % 3 == 0);
}

__global__ void shuffle_at_two_places(int* out) {
    const int rank = thread_rank();
    if (rank == 5) {
        out[rank] = __shfl_xor_sync(kAllLanes, rank, 1);
    } else {
        out[rank] = __shfl_xor_sync(kAllLanes, rank, 1);
    }
}

}  // namespace

void sum_and_scan(const float* in, float* sum, const int* counts, int* before, int* total, dim3 block,
                  cudaStream_t stream) {
    launch("sum_and_scan_block", config(1, block, 0, stream), sum_and_scan_block, in, sum, counts, before, total);
}

void exchange(int* out, int threads, cudaStream_t stream) {
    launch("exchange_values", config(1, static_cast<unsigned>(threads), 0, stream), exchange_values, out);
}

void shuffle_apart(int* out, cudaStream_t stream) {
    launch("shuffle_at_two_places", config(1, 32, 0, stream), shuffle_at_two_places, out);
}

}  // namespace executor_test

// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same bits.
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/rescale/rescale.hpp"

using namespace voxkern;
using namespace executor_test;

TEST(rescale_cuda, equals_the_cpu) {
    std::vector<std::int16_t> stored;
    for (std::int32_t i = 0; i < 105; ++i) stored.push_back(static_cast<std::int16_t>(i * 7919));
    const rescale::Options options = {0.37, -1024.5, true, 2, 1};
    std::vector<float> want(stored.size());
    const auto transposed = [](float* data) {
        View<float, 3> view = contiguous_view<float, 3>(data, {3, 5, 7});
        view.strides[0] = 1;
        view.strides[1] = 3;
        view.strides[2] = 15;
        return erase_type(view);
    };
    cpu::rescale(erase_type(contiguous_view<const std::int16_t, 3>(stored.data(), {3, 5, 7})), transposed(want.data()),
                 options, {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(stored, exec);
        const cuda::Scratch<float> out(want.size(), exec);
        cuda::rescale(as_const(erase_type(contiguous_view<std::int16_t, 3>(device.data(), {3, 5, 7}))),
                      transposed(out.data()), options, exec);
        EXPECT(download(out, exec.stream) == want);
    });
}

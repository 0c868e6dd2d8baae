// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same additions, equal to the bit where the level has FMA.
#include <vector>

#include "core/cpu.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/correlate1d/correlate1d.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::correlate1d::AxisFilter;

namespace {

bool has_fma() {
    return active_level() == CpuLevel::v3 || active_level() == CpuLevel::v4;
}

void expect_equal(const std::vector<float>& got, const std::vector<float>& want) {
    const float tolerance = has_fma() ? 0.0F : 1e-6F;
    for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance);
}

}  // namespace

TEST(correlate1d_cuda, passes_along_every_axis_and_mode) {
    constexpr std::int64_t shape[] = {3, 7, 5};
    const std::vector<float> x = noise(105);
    for (const Boundary mode : {Boundary::reflect, Boundary::mirror, Boundary::nearest, Boundary::constant}) {
        const std::vector<AxisFilter> filters = {
            {0, {0.25, -1.0, 0.5, 2.0}, mode, 0.5, 1}, {2, {}, mode, 0.5, 0, 3}, {1, {1.0, 0.0, -1.0}, mode, 0.5}};
        std::vector<float> want(x.size());
        const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {3, 7, 5});
        cpu::correlate1d(erase_type(in), erase_type(contiguous_view<float, 3>(want.data(), {3, 7, 5})), filters, {});
        in_every_order([&](const cuda::Exec& exec) {
            const auto device = cuda::upload(x, exec);
            const cuda::Scratch<float> out(x.size(), exec);
            const ArrayView to = erase_type(contiguous_view<float, 3>(out.data(), shape));
            const ArrayView from = erase_type(contiguous_view<float, 3>(device.data(), shape));
            cuda::correlate1d(as_const(from), to, filters, exec);
            expect_equal(download(out, exec.stream), want);
            cuda::correlate1d(as_const(from), from, filters, exec);  // in place
            expect_equal(download(device, exec.stream), want);
        });
    }
}

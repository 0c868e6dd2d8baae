// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same sums, equal to the bit where the level has FMA.
#include <vector>

#include "core/cpu.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/resample/resample.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::resample::AxisSampling;
using voxkern::resample::Options;

namespace {

AxisSampling spread(std::int64_t n, double first, double last) {
    AxisSampling axis;
    for (std::int64_t i = 0; i < n; ++i) {
        axis.coordinates.push_back(first + (last - first) * static_cast<double>(i) / static_cast<double>(n - 1));
    }
    return axis;
}

void expect_cpu(const std::vector<AxisSampling>& axes, const Options& options) {
    const std::int64_t shape[] = {6, 5, 17};  // rows with a tail
    const std::int64_t grid[] = {static_cast<std::int64_t>(axes[0].coordinates.size()),
                                 static_cast<std::int64_t>(axes[1].coordinates.size()),
                                 static_cast<std::int64_t>(axes[2].coordinates.size())};
    std::vector<float> x = noise(510);
    std::vector<float> want(static_cast<std::size_t>(grid[0] * grid[1] * grid[2]));
    cpu::resample(as_const(erase_type(contiguous_view<float, 3>(x.data(), shape))),
                  erase_type(contiguous_view<float, 3>(want.data(), grid)), axes, options, {});
    const bool has_fma = active_level() == CpuLevel::v3 || active_level() == CpuLevel::v4;
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(want.size(), exec);
        cuda::resample(as_const(erase_type(contiguous_view<float, 3>(device.data(), shape))),
                       erase_type(contiguous_view<float, 3>(out.data(), grid)), axes, options, exec);
        const std::vector<float> got = download(out, exec.stream);
        for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], has_fma ? 0.0F : 2e-6F);
    });
}

}  // namespace

TEST(resample_cuda, orders_and_modes) {
    const std::vector<AxisSampling> axes = {spread(7, -0.7, 5.9), spread(4, 0.25, 3.75), spread(9, 15.2, -0.4)};
    for (const int order : {0, 1, 3, 5}) {
        for (const Boundary mode : {Boundary::nearest, Boundary::constant, Boundary::grid_constant, Boundary::wrap,
                                    Boundary::reflect, Boundary::fov}) {
            if (kTsan && (order == 5 || mode == Boundary::wrap)) continue;
            Options options;
            options.kernel.order = order;
            options.mode = mode;
            options.cval = 0.75;
            expect_cpu(axes, options);
        }
    }
}

TEST(resample_cuda, sinc_smoothing_clip_and_axes_that_stay) {
    Options options;
    options.kernel = {0, SincWindow::lanczos, 3};
    expect_cpu({spread(4, 0.5, 4.5), spread(5, 0, 4), spread(5, 0.5, 14.5)}, options);
    options.kernel = {3};
    options.clip = true;
    std::vector<AxisSampling> axes = {spread(3, 0.5, 4.5), spread(8, 0, 4), spread(17, 0, 16)};
    axes[0].antialias_sigma = 0.6;
    expect_cpu(axes, options);
    options.prefilter = false;
    expect_cpu(axes, options);
}

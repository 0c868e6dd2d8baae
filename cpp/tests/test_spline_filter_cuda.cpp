// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same recursion, equal to the bit where the level has FMA.
#include <vector>

#include "core/cpu.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/spline_filter/spline_filter.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::spline_filter::Options;

namespace {

constexpr std::int64_t kShape[] = {4, 5, 17};
constexpr std::size_t kSize = 340;

template <class T>
ArrayView view_of(T* data) {
    return erase_type(contiguous_view<T, 3>(data, kShape));
}

double tolerance(double without_fma) {
    return active_level() == CpuLevel::v3 || active_level() == CpuLevel::v4 ? 0.0 : without_fma;
}

template <class T>
void expect_near(const std::vector<T>& got, const std::vector<T>& want, double within) {
    for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], within);
}

}  // namespace

TEST(spline_filter_cuda, orders_modes_and_axes) {
    std::vector<float> x = noise(kSize);
    for (int order = 0; order <= 5; ++order) {
        for (const Boundary mode : {Boundary::mirror, Boundary::reflect, Boundary::grid_wrap}) {
            if (kTsan && (order < 3 || mode == Boundary::reflect)) continue;
            for (const std::vector<int>& axes : {std::vector<int>{0, 1, 2}, std::vector<int>{1}, std::vector<int>{}}) {
                const Options options = {axes, order, mode, false};
                std::vector<float> want(kSize);
                cpu::spline_filter(as_const(view_of(x.data())), view_of(want.data()), options, {});
                in_every_order([&](const cuda::Exec& exec) {
                    const auto device = cuda::upload(x, exec);
                    const cuda::Scratch<float> out(kSize, exec);
                    const ArrayView in = view_of(device.data());
                    cuda::spline_filter(as_const(in), view_of(out.data()), options, exec);
                    expect_near(download(out, exec.stream), want, tolerance(1e-5));
                    cuda::spline_filter(as_const(in), in, options, exec);
                    expect_near(download(device, exec.stream), want, tolerance(1e-5));
                });
            }
        }
    }
}

TEST(spline_filter_cuda, other_dtypes_keep_their_precision_between_passes) {
    std::vector<std::int16_t> x(kSize);
    const std::vector<float> random = noise(kSize);
    for (std::size_t i = 0; i < kSize; ++i) x[i] = static_cast<std::int16_t>(900.0F * random[i]);
    const Options options = {{0, 1, 2}, 3, Boundary::mirror, false};
    std::vector<std::int16_t> rounded(kSize);
    std::vector<double> exact(kSize);
    cpu::spline_filter(as_const(view_of(x.data())), view_of(rounded.data()), options, {});
    cpu::spline_filter(as_const(view_of(x.data())), view_of(exact.data()), options, {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<std::int16_t> narrow(kSize, exec);
        const cuda::Scratch<double> wide(kSize, exec);
        cuda::spline_filter(as_const(view_of(device.data())), view_of(narrow.data()), options, exec);
        cuda::spline_filter(as_const(view_of(device.data())), view_of(wide.data()), options, exec);
        expect_near(download(narrow, exec.stream), rounded, tolerance(1.0));
        expect_near(download(wide, exec.stream), exact, tolerance(1e-9));
    });
}

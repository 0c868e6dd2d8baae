// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same additions, equal to the bit where the level has FMA.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/cpu.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/correlate/correlate.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::correlate::Filter;

namespace {

Filter filter_of(std::vector<std::int64_t> shape, Boundary mode) {
    Filter filter;
    filter.shape = std::move(shape);
    std::size_t taps = 1;
    for (const std::int64_t n : filter.shape) taps *= static_cast<std::size_t>(n);
    for (const float w : noise(taps)) filter.weights.push_back(w < 0.2F ? 0.0 : static_cast<double>(w));
    filter.origins.assign(filter.shape.size(), 0);
    filter.mode = mode;
    filter.cval = 0.5;
    return filter;
}

template <class T>
void expect_cpu(const std::int64_t (&shape)[3], const Filter& filter, double tolerance, bool with_nan = false) {
    const auto n = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
    std::vector<T> x;
    for (const float value : noise(n)) x.push_back(static_cast<T>(value));
    if (with_nan) x[n / 2] = std::numeric_limits<T>::quiet_NaN();
    std::vector<T> want(n);
    const View<const T, 3> in = contiguous_view<const T, 3>(x.data(), shape);
    cpu::correlate(erase_type(in), erase_type(contiguous_view<T, 3>(want.data(), shape)), filter, {});
    const auto spoilt = std::count_if(want.begin(), want.end(), [](T v) { return std::isnan(v); });
    EXPECT((spoilt > 0) == with_nan && spoilt < static_cast<std::ptrdiff_t>(n));
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<T> out(n, exec);
        cuda::correlate(as_const(erase_type(contiguous_view<T, 3>(device.data(), shape))),
                        erase_type(contiguous_view<T, 3>(out.data(), shape)), filter, exec);
        const std::vector<T> got = download(out, exec.stream);
        for (std::size_t i = 0; i < n; ++i) {
            if (std::isnan(want[i])) {
                EXPECT(std::isnan(got[i]));
            } else {
                EXPECT_NEAR(got[i], want[i], tolerance);
            }
        }
    });
}

double rounding() {
    return active_level() == CpuLevel::v3 || active_level() == CpuLevel::v4 ? 0.0 : 1e-5;
}

}  // namespace

TEST(correlate_cuda, weights_and_modes) {
    for (const Boundary mode : {Boundary::reflect, Boundary::constant}) {
        expect_cpu<float>({3, 7, 5}, filter_of({3, 3, 3}, mode), rounding());
    }
    expect_cpu<double>({5, 3, 4}, filter_of({2, 4, 5}, Boundary::grid_wrap), 0.0);
    if (!kTsan) expect_cpu<float>({3, 7, 5}, filter_of({3, 3, 3}, Boundary::constant), rounding(), true);
    if (!kTsan) expect_cpu<float>({2, 3, 4}, filter_of({3, 60, 70}, Boundary::mirror), 3e-3);
}

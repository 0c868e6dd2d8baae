// SPDX-License-Identifier: Apache-2.0
// The kernels against the CPU's: the same bits and indices.
#include <cmath>
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/edt/edt.hpp"

using namespace voxkern;
using namespace executor_test;

namespace {

const std::vector<double> kUneven = {1.0, 0.7310585786300049, 1.3};  // whole numbers of no unit

// One sample in `every` is zero.
std::vector<float> image_of(std::size_t n, std::size_t every) {
    std::vector<float> x = noise(n);
    for (float& value : x) value = value * static_cast<float>(every) < 1.0F ? 0.0F : value;
    return x;
}

void expect_cpu(const std::int64_t (&shape)[3], const std::vector<double>& sampling, std::size_t every) {
    const auto n = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
    const std::vector<float> x = image_of(n, every);
    const std::int64_t all[] = {3, shape[0], shape[1], shape[2]};
    std::vector<double> far(n);
    std::vector<std::int32_t> near(3 * n);
    const ConstArrayView in = erase_type(contiguous_view<const float, 3>(x.data(), shape));
    const ArrayView distances = erase_type(contiguous_view<double, 3>(far.data(), shape));
    const ArrayView indices = erase_type(contiguous_view<std::int32_t, 4>(near.data(), all));
    cpu::edt(in, &distances, &indices, sampling, true, {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<double> device_far(n, exec);
        const cuda::Scratch<std::int32_t> device_near(3 * n, exec);
        const ArrayView out = erase_type(contiguous_view<double, 3>(device_far.data(), shape));
        const ArrayView places = erase_type(contiguous_view<std::int32_t, 4>(device_near.data(), all));
        cuda::edt(erase_type(contiguous_view<const float, 3>(device.data(), shape)), &out, &places, sampling, true,
                  exec);
        EXPECT(download(device_far, exec.stream) == far);
        EXPECT(download(device_near, exec.stream) == near);
    });
}

}  // namespace

TEST(edt_cuda, distances_and_indices) {
    expect_cpu({2, 3, 9}, {2.0, 0.9, 0.7}, 20);
    if (kTsan) return;
    expect_cpu({3, 5, 9}, {2.0, 0.9, 0.7}, 20);
    for (const std::size_t every : {10, 100000}) {  // none at all at last
        expect_cpu({5, 7, 9}, {1.0, 1.0, 1.0}, every);
        expect_cpu({5, 7, 9}, kUneven, every);
        expect_cpu({1, 4, 37}, {1.0, 2.0, 3.0}, every);
        expect_cpu({41, 1, 1}, kUneven, every);
    }
    expect_cpu({1, 40, 9}, kUneven, 100);  // lines in several blocks
}

TEST(edt_cuda, lines_of_any_length) {
    if (kTsan) return;
    // Shared memory full to the brim but for the smallest squares; fewer lines of a block; none staged.
    for (const std::int64_t n : {192, 384, 400, 1600}) {
        expect_cpu({n, 1, 3}, {1.0, 1.0, 1.0}, 20);
        expect_cpu({1, 3, n}, kUneven, 20);
    }
}

TEST(edt_cuda, within_a_distance_and_signed) {
    const std::int64_t shape[] = {4, 5, 7};
    const std::size_t n = 140;
    const std::vector<float> x = image_of(n, 2);
    const ConstArrayView in = erase_type(contiguous_view<const float, 3>(x.data(), shape));
    for (const bool zeros : {false, true}) {
        for (const std::vector<double>& sampling : {std::vector<double>{1.0, 1.0, 1.0}, kUneven}) {
            std::vector<std::uint8_t> want(n);
            cpu::within_distance(in, erase_type(contiguous_view<std::uint8_t, 3>(want.data(), shape)), sampling, 1.35,
                                 zeros, {});
            in_every_order([&](const cuda::Exec& exec) {
                const auto device = cuda::upload(x, exec);
                const cuda::Scratch<std::uint8_t> out(n, exec);
                cuda::within_distance(erase_type(contiguous_view<const float, 3>(device.data(), shape)),
                                      erase_type(contiguous_view<std::uint8_t, 3>(out.data(), shape)), sampling, 1.35,
                                      zeros, exec);
                EXPECT(download(out, exec.stream) == want);
            });
            if (kTsan) return;
        }
    }
    std::vector<double> outer(n), inner(n);
    const ArrayView outside = erase_type(contiguous_view<double, 3>(outer.data(), shape));
    const ArrayView inside = erase_type(contiguous_view<double, 3>(inner.data(), shape));
    cpu::edt(in, &outside, nullptr, kUneven, false, {});
    cpu::edt(in, &inside, nullptr, kUneven, true, {});
    for (std::size_t i = 0; i < n; ++i) outer[i] -= inner[i];
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<double> out(n, exec);
        const ArrayView target = erase_type(contiguous_view<double, 3>(out.data(), shape));
        cuda::signed_edt(erase_type(contiguous_view<const float, 3>(device.data(), shape)), target, kUneven, exec);
        EXPECT(download(out, exec.stream) == outer);
        const auto nothing = cuda::upload(std::vector<float>(n, 0.0F), exec);
        cuda::signed_edt(erase_type(contiguous_view<const float, 3>(nothing.data(), shape)), target, kUneven, exec);
        EXPECT(std::isnan(download(out, exec.stream)[0]));
    });
}

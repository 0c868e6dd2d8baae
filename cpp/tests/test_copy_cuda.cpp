// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same values, to the bit.
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/copy/copy.hpp"

using namespace voxkern;
using namespace executor_test;

namespace {

constexpr std::int64_t kShape[] = {3, 5, 7};
constexpr std::size_t kSize = 105;

template <class From, class To>
void expect_cpu(const std::vector<From>& x) {
    std::vector<To> want(kSize);
    const View<const From, 3> in = contiguous_view<const From, 3>(x.data(), kShape);
    cpu::copy(erase_type(in), erase_type(contiguous_view<To, 3>(want.data(), kShape)), {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<To> out(kSize, exec);
        cuda::copy(as_const(erase_type(contiguous_view<From, 3>(device.data(), kShape))),
                   erase_type(contiguous_view<To, 3>(out.data(), kShape)), exec);
        EXPECT(download(out, exec.stream) == want);
    });
}

std::vector<double> values() {
    std::vector<double> x(kSize);
    for (std::size_t i = 0; i < kSize; ++i) x[i] = 7.25 * static_cast<double>(i) - 300.0;
    return x;
}

}  // namespace

TEST(copy_cuda, converts_as_the_cpu_does) {
    const std::vector<double> x = values();
    expect_cpu<double, std::uint8_t>(x);
    expect_cpu<double, std::int16_t>(x);
    expect_cpu<double, std::uint64_t>(x);
    expect_cpu<double, float>(x);
    expect_cpu<std::int16_t, float>(std::vector<std::int16_t>(kSize, -7));
}

TEST(copy_cuda, equal_dtypes_keep_their_bits) {
    expect_cpu<double, double>(values());
    std::vector<std::uint64_t> x(kSize);
    for (std::size_t i = 0; i < kSize; ++i) x[i] = ~(std::uint64_t{i} << 55 | i);  // no double holds them
    expect_cpu<std::uint64_t, std::uint64_t>(x);
}

TEST(copy_cuda, any_strides) {
    const std::vector<float> x = noise(kSize);
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(kSize, exec);
        const View<float, 3> in = {device.data() + 104, {7, 5, 3}, {-1, -7, -35}};  // reversed and transposed
        cuda::copy(as_const(erase_type(in)), erase_type(contiguous_view<float, 3>(out.data(), {7, 5, 3})), exec);
        const std::vector<float> got = download(out, exec.stream);
        for (std::int64_t i = 0; i < 105; ++i) {
            const std::int64_t from = 104 - i / 15 - i / 3 % 5 * 7 - i % 3 * 35;
            EXPECT(got[static_cast<std::size_t>(i)] == x[static_cast<std::size_t>(from)]);
        }
    });
}

TEST(copy_cuda, nothing) {
    const Stream stream;
    ConstArrayView in;
    ArrayView out;
    in.rank = out.rank = 1;
    cuda::copy(in, out, stream.exec());
}

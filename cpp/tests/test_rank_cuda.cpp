// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same bits.
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/rank/rank.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::rank::Options;

namespace {

template <class T>
void expect_cpu(const std::int64_t (&shape)[3], const Options& options) {
    const auto n = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
    std::vector<T> x;
    for (const float value : noise(n)) x.push_back(static_cast<T>(value * 100.0F));
    std::vector<T> want(n);
    const View<const T, 3> in = contiguous_view<const T, 3>(x.data(), shape);
    cpu::rank(erase_type(in), erase_type(contiguous_view<T, 3>(want.data(), shape)), options, {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<T> out(n, exec);
        cuda::rank(as_const(erase_type(contiguous_view<T, 3>(device.data(), shape))),
                   erase_type(contiguous_view<T, 3>(out.data(), shape)), options, exec);
        const std::vector<T> got = download(out, exec.stream);
        for (std::size_t i = 0; i < n; ++i) EXPECT(got[i] == want[i]);
    });
}

Options window(std::vector<std::int64_t> size, std::int64_t rank, Boundary mode) {
    Options options;
    options.size = size;
    for (const std::int64_t s : size) options.before.push_back(s / 2);
    options.mode.assign(3, mode);
    options.rank = rank;
    options.cval = 50.0;
    return options;
}

}  // namespace

TEST(rank_cuda, networks) {
    expect_cpu<float>({5, 3, 6}, window({3, 3, 3}, 13, Boundary::reflect));
    expect_cpu<std::uint8_t>({4, 3, 3}, window({3, 3, 3}, 20, Boundary::constant));
    expect_cpu<double>({2, 5, 4}, window({1, 3, 3}, 3, Boundary::grid_wrap));
}

TEST(rank_cuda, bits) {
    Options options = window({2, 3, 4}, 9, Boundary::constant);
    expect_cpu<std::int16_t>({5, 3, 6}, options);
    options.footprint.assign(24, true);
    for (const std::size_t hole : {std::size_t{0}, std::size_t{5}, std::size_t{23}}) options.footprint[hole] = false;
    expect_cpu<double>({3, 4, 5}, options);
}

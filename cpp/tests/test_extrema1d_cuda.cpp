// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same bits.
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/extrema1d/extrema1d.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::extrema1d::Footprint;
using voxkern::extrema1d::Kind;
using voxkern::extrema1d::Window;

namespace {

// A box, or a footprint, of noise.
template <class Shape>
void expect_cpu(const std::int64_t (&shape)[3], Kind kind, const Shape& window) {
    const auto n = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
    const std::vector<float> x = noise(n);
    std::vector<float> want(n);
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), shape);
    cpu::extrema1d(erase_type(in), erase_type(contiguous_view<float, 3>(want.data(), shape)), kind, window, 0.5, {},
                   {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(n, exec);
        cuda::extrema1d(as_const(erase_type(contiguous_view<float, 3>(device.data(), shape))),
                        erase_type(contiguous_view<float, 3>(out.data(), shape)), kind, window, 0.5, {}, exec);
        const std::vector<float> got = download(out, exec.stream);
        for (std::size_t i = 0; i < n; ++i) EXPECT(got[i] == want[i]);
    });
}

}  // namespace

TEST(extrema1d_cuda, boxes_along_every_axis) {
    for (const Boundary mode : {Boundary::reflect, Boundary::constant}) {
        expect_cpu({3, 7, 5}, Kind::maximum, std::vector<Window>{{0, 2, 0, mode}, {1, 7, -1, mode}, {2, 20, 3, mode}});
    }
    if (!kTsan) expect_cpu({2, 3, 300}, Kind::minimum, std::vector<Window>{{2, 900, 0, Boundary::mirror}});
    if (!kTsan) expect_cpu({300, 1, 3}, Kind::minimum, std::vector<Window>{{0, 900, 0, Boundary::mirror}});
}

TEST(extrema1d_cuda, footprints) {
    Footprint cross;
    cross.windows = {{0, 3, 0, Boundary::nearest}, {1, 3, 0, Boundary::constant}, {2, 3, 1, Boundary::grid_wrap}};
    for (const int i : {4, 10, 12, 13, 14, 16, 22}) {
        cross.set.resize(27);
        cross.set[static_cast<std::size_t>(i)] = 1;
    }
    expect_cpu({5, 3, 4}, Kind::minimum, cross);
    if (!kTsan) expect_cpu({6, 35, 9}, Kind::maximum, cross);
}

TEST(extrema1d_cuda, residues) {
    using extrema1d::Residue;
    const std::int64_t shape[] = {2, 3, 5};
    std::vector<std::int8_t> x;
    for (const float value : noise(30)) x.push_back(static_cast<std::int8_t>(value * 250.0F - 125.0F));
    const std::vector<Window> windows = {{1, 3}, {2, 2}};
    const View<const std::int8_t, 3> in = contiguous_view<const std::int8_t, 3>(x.data(), shape);
    for (const Residue::Kind kind :
         {Residue::Kind::above, Residue::Kind::below, Residue::Kind::laplace, Residue::Kind::differing}) {
        std::vector<std::int8_t> want(30);
        cpu::extrema1d(erase_type(in), erase_type(contiguous_view<std::int8_t, 3>(want.data(), shape)), Kind::maximum,
                       windows, 0.0, {kind, x.data(), x.data()}, {});
        in_every_order([&](const cuda::Exec& exec) {
            const auto device = cuda::upload(x, exec);
            const cuda::Scratch<std::int8_t> out(30, exec);
            cuda::extrema1d(as_const(erase_type(contiguous_view<std::int8_t, 3>(device.data(), shape))),
                            erase_type(contiguous_view<std::int8_t, 3>(out.data(), shape)), Kind::maximum, windows, 0.0,
                            {kind, device.data(), device.data()}, exec);
            EXPECT(download(out, exec.stream) == want);
        });
    }
}

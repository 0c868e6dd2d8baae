// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same bits window by window; large windows that blocks share agree in every order.
#include <algorithm>
#include <limits>
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/pool3d/pool3d.hpp"

using namespace voxkern;
using namespace executor_test;
using pool3d::Kind;
using pool3d::Options;

namespace {

struct Shape {
    std::int64_t of[5];

    std::size_t size() const {
        std::int64_t n = 1;
        for (const std::int64_t extent : of) n *= extent;
        return static_cast<std::size_t>(n);
    }
};

// Few values, so that many are equal; NaN, and infinities.
std::vector<float> samples(std::size_t n) {
    std::vector<float> x = noise(n);
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = static_cast<float>(static_cast<int>(4.0F * x[i])) - 1.0F;
        if (i % 37 == 5) x[i] = std::numeric_limits<float>::quiet_NaN();
        if (i % 41 == 7) x[i] = -std::numeric_limits<float>::infinity();
    }
    return x;
}

Options windows(Kind kind, std::int64_t kernel, std::int64_t stride, std::int64_t padding, std::int64_t dilation) {
    Options options;
    options.kind = kind;
    for (pool3d::Window& window : options.windows) window = {kernel, stride, padding, dilation};
    return options;
}

bool same(const std::vector<float>& a, const std::vector<float>& b, float tolerance) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        const bool nan = std::isnan(a[i]) && std::isnan(b[i]);
        if (!nan && a[i] != b[i] && !(std::abs(a[i] - b[i]) <= tolerance)) return false;
    }
    return a.size() == b.size();
}

void expect_cpu(const std::vector<float>& x, const Shape& in, const Shape& out, const Options& options,
                float tolerance = 0.0F) {
    std::vector<float> want(out.size());
    std::vector<std::int64_t> places(out.size());
    const bool largest = options.kind == Kind::max;
    const ConstArrayView host = erase_type(contiguous_view<const float, 5>(x.data(), in.of));
    const ArrayView where = erase_type(contiguous_view<std::int64_t, 5>(places.data(), out.of));
    cpu::pool3d(host, erase_type(contiguous_view<float, 5>(want.data(), out.of)), largest ? where : ArrayView(),
                options, {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> plain(out.size(), exec);
        const cuda::Scratch<float> beside(out.size(), exec);
        const cuda::Scratch<std::int64_t> found(out.size(), exec);
        const ConstArrayView from = as_const(erase_type(contiguous_view<float, 5>(device.data(), in.of)));
        cuda::pool3d(from, erase_type(contiguous_view<float, 5>(plain.data(), out.of)), {}, options, exec);
        EXPECT(same(download(plain, exec.stream), want, tolerance));
        if (!largest) return;
        const ArrayView at = erase_type(contiguous_view<std::int64_t, 5>(found.data(), out.of));
        cuda::pool3d(from, erase_type(contiguous_view<float, 5>(beside.data(), out.of)), at, options, exec);
        EXPECT(same(download(beside, exec.stream), want, 0.0F));
        EXPECT(download(found, exec.stream) == places);
    });
}

}  // namespace

TEST(pool3d_cuda, windows_of_a_thread) {
    const Shape in = {{2, 2, 5, 6, 7}};
    const std::vector<float> x = samples(in.size());
    for (const Kind kind : {Kind::max, Kind::average}) {
        expect_cpu(x, in, {{2, 2, 2, 3, 3}}, windows(kind, 2, 2, 0, 1));
        if (kTsan) continue;
        expect_cpu(x, in, {{2, 2, 5, 6, 7}}, windows(kind, 3, 1, 1, 1));
        expect_cpu(x, in, {{2, 2, 3, 3, 4}}, windows(kind, 3, 2, 1, 1));
        Options inside = windows(kind, 4, 3, 2, 1);
        inside.count_include_pad = false;
        expect_cpu(x, in, {{2, 2, 2, 3, 3}}, inside);
        inside.divisor = -3.0;
        expect_cpu(x, in, {{2, 2, 2, 3, 3}}, inside);
        Options adaptive;
        adaptive.kind = kind;
        adaptive.adaptive = true;
        expect_cpu(x, in, {{2, 2, 3, 4, 9}}, adaptive);
        expect_cpu(x, in, {{2, 2, 1, 3, 1}}, adaptive);
    }
    expect_cpu(x, in, {{2, 2, 3, 4, 5}}, windows(Kind::max, 2, 1, 0, 2));
}

TEST(pool3d_cuda, a_window_beside_the_image) {
    Options options;
    options.windows[2] = {2, 3, 1, 9};
    expect_cpu({1, 2, 3, 4, 5}, {{1, 1, 1, 1, 5}}, {{1, 1, 1, 1, 1}}, options);
}

TEST(pool3d_cuda, windows_that_blocks_share) {
    const Shape in = {{1, 2, sized(19, 7), 18, sized(17, 5)}};
    std::vector<float> x = noise(in.size());
    Options adaptive;
    adaptive.adaptive = true;
    for (const Kind kind : {Kind::max, Kind::average}) {
        adaptive.kind = kind;
        expect_cpu(x, in, {{1, 2, 1, 1, 1}}, adaptive, 1e-6F);
        if (!kTsan) expect_cpu(x, in, {{1, 2, 2, 1, 2}}, adaptive, 1e-6F);
    }
    if (kTsan) return;
    adaptive.kind = Kind::max;
    expect_cpu(std::vector<float>(in.size(), -std::numeric_limits<float>::infinity()), in, {{1, 2, 1, 1, 1}}, adaptive);
    expect_cpu(samples(in.size()), in, {{1, 2, 1, 1, 1}}, adaptive);
    std::fill(x.begin(), x.end(), 1.0F);  // equals: the first
    expect_cpu(x, in, {{1, 2, 1, 1, 1}}, adaptive);
}

TEST(pool3d_cuda, shared_averages_have_the_same_bits) {
    const Shape in = {{1, 1, sized(40, 9), 16, sized(17, 8)}};
    const std::vector<float> x = noise(in.size());
    const std::int64_t one[] = {1, 1, 1, 1, 1};
    Options options;
    options.kind = Kind::average;
    options.adaptive = true;
    std::vector<float> first;
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(1, exec);
        cuda::pool3d(as_const(erase_type(contiguous_view<float, 5>(device.data(), in.of))),
                     erase_type(contiguous_view<float, 5>(out.data(), one)), {}, options, exec);
        const std::vector<float> got = download(out, exec.stream);
        if (first.empty()) first = got;
        EXPECT(got == first);
    });
}

TEST(pool3d_cuda, any_strides) {
    const Shape shape = {{1, 2, 4, 4, 6}};
    const std::vector<float> x = samples(shape.size());
    const View<const float, 5> host = {x.data() + 191, {1, 2, 4, 4, 6}, {-192, -1, -48, -12, -2}};  // channels last
    const std::int64_t made[] = {1, 2, 2, 2, 3};
    std::vector<float> want(24);
    const Options options = windows(Kind::max, 2, 2, 0, 1);
    cpu::pool3d(erase_type(host), erase_type(contiguous_view<float, 5>(want.data(), made)), {}, options, {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(24, exec);
        const View<float, 5> in = {device.data() + 191, {1, 2, 4, 4, 6}, {-192, -1, -48, -12, -2}};
        const View<float, 5> to = {out.data(), {1, 2, 2, 2, 3}, {24, 1, 12, 6, 2}};
        cuda::pool3d(as_const(erase_type(in)), erase_type(to), {}, options, exec);
        const std::vector<float> got = download(out, exec.stream);
        for (std::size_t c = 0; c < 2; ++c) {
            for (std::size_t i = 0; i < 12; ++i) {
                const bool nan = std::isnan(want[12 * c + i]);
                EXPECT(nan ? std::isnan(got[2 * i + c]) : got[2 * i + c] == want[12 * c + i]);
            }
        }
    });
}

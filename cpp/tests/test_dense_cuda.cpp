// SPDX-License-Identifier: Apache-2.0
// The kernels against the CPU's: products of any shape and strides, lines along any axis; the same bits in every order.
#include <cmath>
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/dense/dense.hpp"

using namespace voxkern;
using namespace executor_test;

namespace {

ConstArrayView matrix(const float* x, std::int64_t rows, std::int64_t columns) {
    return erase_type(contiguous_view<const float, 2>(x, {rows, columns}));
}

void expect_cpu(std::int64_t m, std::int64_t n, std::int64_t k) {
    const std::vector<float> x = noise(static_cast<std::size_t>(m * k));
    std::vector<float> w = noise(static_cast<std::size_t>(n * k));
    for (float& v : w) v -= 0.5F;
    const std::vector<float> b = noise(static_cast<std::size_t>(n));
    std::vector<float> want(static_cast<std::size_t>(m * n));
    const ConstArrayView bias = erase_type(contiguous_view<const float, 1>(b.data(), {n}));
    cpu::dense(matrix(x.data(), m, k), matrix(w.data(), n, k), bias,
               erase_type(contiguous_view<float, 2>(want.data(), {m, n})), {});
    std::vector<float> first;
    in_every_order([&](const cuda::Exec& exec) {
        const auto rows = cuda::upload(x, exec);
        const auto weights = cuda::upload(w, exec);
        const auto start = cuda::upload(b, exec);
        const cuda::Scratch<float> out(want.size(), exec);
        cuda::dense(matrix(rows.data(), m, k), matrix(weights.data(), n, k),
                    erase_type(contiguous_view<const float, 1>(start.data(), {n})),
                    erase_type(contiguous_view<float, 2>(out.data(), {m, n})), exec);
        const std::vector<float> got = download(out, exec.stream);
        if (first.empty()) first = got;
        EXPECT(got == first);
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-6 * static_cast<double>(k + 1));
    });
}

constexpr std::int64_t kAcross = sized(5, 1);  // lines in front of an axis, and behind it
constexpr std::int64_t kBehind = sized(3, 2);

// An image without samples, and each of its axes.
template <class Visit>
void for_lines(std::int64_t n, const Visit& visit) {
    const View<const float, 3> in = contiguous_view<const float, 3>(nullptr, {kAcross, n, kBehind});
    for (int axis = 0; axis < 3; ++axis) visit(in, axis);
}

}  // namespace

TEST(dense_cuda, products) {
    expect_cpu(3, 5, 40);
    expect_cpu(9, sized(70, 5), 33);
    if (kTsan) return;
    expect_cpu(1, 33, 300);
    expect_cpu(8, 7, 31);
    expect_cpu(65, 66, 257);
    expect_cpu(130, 3, 512);
}

TEST(dense_cuda, strides_leading_axes_and_no_terms) {
    const std::vector<float> x = noise(2 * 6 * 7);
    const std::vector<float> w = noise(4 * 7);
    const std::vector<float> b = {1, 2, 3, 4};
    const View<const float, 3> host = {x.data() + 83, {2, 6, 7}, {-7, -14, -1}};
    const View<const float, 2> turned = {w.data(), {4, 7}, {1, 4}};
    std::vector<float> want(48);
    cpu::dense(erase_type(host), erase_type(turned), {}, erase_type(contiguous_view<float, 3>(want.data(), {2, 6, 4})),
               {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto rows = cuda::upload(x, exec);
        const auto weights = cuda::upload(w, exec);
        const auto start = cuda::upload(b, exec);
        const cuda::Scratch<float> out(48, exec);
        const View<const float, 3> in = {rows.data() + 83, {2, 6, 7}, {-7, -14, -1}};
        const View<const float, 2> weight = {weights.data(), {4, 7}, {1, 4}};
        const View<float, 3> to = {out.data(), {2, 6, 4}, {24, 1, 6}};
        cuda::dense(erase_type(in), erase_type(weight), {}, erase_type(to), exec);
        const std::vector<float> got = download(out, exec.stream);
        for (std::size_t i = 0; i < 48; ++i) {
            EXPECT_NEAR(got[i / 24 * 24 + i % 4 * 6 + i / 4 % 6], want[i], 1e-5);
        }
        for (const std::int64_t m : {2, 9}) {  // K = 0: the bias
            cuda::dense(matrix(rows.data(), m, 0), matrix(weights.data(), 4, 0),
                        erase_type(contiguous_view<const float, 1>(start.data(), {4})),
                        erase_type(contiguous_view<float, 2>(out.data(), {m, 4})), exec);
            const std::vector<float> none = download(out, exec.stream);
            for (std::size_t i = 0; i < static_cast<std::size_t>(4 * m); ++i) EXPECT(none[i] == b[i % 4]);
        }
    });
}

TEST(dense_cuda, softmax_along_any_axis) {
    for (const std::int64_t n : {std::int64_t{4}, std::int64_t{sized(600, 300)}}) {  // threads, and blocks
        std::vector<float> x = noise(static_cast<std::size_t>(kAcross * kBehind * n));
        for (float& v : x) v *= 20.0F;
        x[7] = NAN;
        for_lines(n, [&](const View<const float, 3>& like, int axis) {
            if (kTsan && n > 4 && axis != 1) return;
            const View<const float, 3> host = contiguous_view<const float, 3>(x.data(), like.shape);
            std::vector<float> want(x.size());
            cpu::softmax(erase_type(host), erase_type(contiguous_view<float, 3>(want.data(), like.shape)), axis, {});
            std::vector<float> first;
            in_every_order([&](const cuda::Exec& exec) {
                const auto device = cuda::upload(x, exec);
                const cuda::Scratch<float> out(x.size(), exec);
                cuda::softmax(as_const(erase_type(contiguous_view<float, 3>(device.data(), like.shape))),
                              erase_type(contiguous_view<float, 3>(out.data(), like.shape)), axis, exec);
                const std::vector<float> got = download(out, exec.stream);
                for (std::size_t i = 0; i < got.size(); ++i) {
                    EXPECT(std::isnan(got[i]) == std::isnan(want[i]));
                    if (!std::isnan(want[i])) EXPECT_NEAR(got[i], want[i], 1e-6);
                    if (!first.empty() && !std::isnan(want[i])) EXPECT(got[i] == first[i]);
                }
                first = got;
            });
        });
    }
}

TEST(dense_cuda, argmax_along_any_axis) {
    for (const std::int64_t n : {std::int64_t{4}, std::int64_t{sized(600, 300)}}) {
        std::vector<float> x = noise(static_cast<std::size_t>(kAcross * kBehind * n));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::floor(6.0F * x[i]);
        for (std::size_t i = 3; i < x.size() / 2; i += 11) x[i] = NAN;
        for_lines(n, [&](const View<const float, 3>& like, int axis) {
            if (kTsan && n > 4 && axis != 1) return;
            View<std::int64_t, 3> winners = contiguous_view<std::int64_t, 3>(nullptr, {kAcross, n, kBehind});
            winners.shape[axis] = 1;
            std::vector<std::int64_t> want(x.size());
            winners.data = want.data();
            cpu::argmax(erase_type(contiguous_view<const float, 3>(x.data(), like.shape)), erase_type(winners), axis,
                        {});
            in_every_order([&](const cuda::Exec& exec) {
                const auto device = cuda::upload(x, exec);
                const auto out = cuda::upload(std::vector<std::int64_t>(x.size()), exec);
                View<std::int64_t, 3> to = winners;
                to.data = out.data();
                cuda::argmax(as_const(erase_type(contiguous_view<float, 3>(device.data(), like.shape))), erase_type(to),
                             axis, exec);
                EXPECT(download(out, exec.stream) == want);
            });
        });
    }
}

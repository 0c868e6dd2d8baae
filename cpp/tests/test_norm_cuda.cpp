// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: each kind of statistics, any strides, in place; the same bits in every order.
#include <cmath>
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/norm/norm.hpp"

using namespace voxkern;
using namespace executor_test;
using norm::Channels;
using norm::Options;
using norm::Statistics;

namespace {

constexpr double kClose = 2e-6;

// Images with means of their own.
std::vector<float> images(std::int64_t volumes, std::int64_t n, float mean) {
    std::vector<float> x = noise(static_cast<std::size_t>(volumes * n));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += mean * static_cast<float>(i / static_cast<std::size_t>(n));
    return x;
}

ConstArrayView numbers(const float* x, std::int64_t n) {
    return erase_type(contiguous_view<const float, 1>(x, {n}));
}

// weight, bias, mean and variance of three channels, and moments of two images
struct Tables {
    std::vector<float> channels = {2, -1, 0.5F, 0.25F, 0, 3, 1, 2, 3, 4, 0.5F, 1};
    std::vector<double> moments;

    Tables() {
        for (int v = 0; v < 6; ++v) moments.insert(moments.end(), {10.0, 0.5 * v, 4.0 + v});
    }
};

Channels channels_at(const float* table, const double* moments, Statistics statistics) {
    Channels c;
    c.weight = numbers(table, 3);
    c.bias = numbers(table + 3, 3);
    if (statistics == Statistics::given) {
        c.mean = numbers(table + 6, 3);
        c.variance = numbers(table + 9, 3);
    }
    if (statistics == Statistics::known) c.moments = erase_type(contiguous_view<const double, 3>(moments, {2, 3, 3}));
    return c;
}

void expect_cpu(const std::vector<float>& x, std::int64_t n, const Options& options) {
    const Tables tables;
    const View<const float, 3> host = contiguous_view<const float, 3>(x.data(), {2, 3, n});
    std::vector<float> want(x.size());
    cpu::norm(erase_type(host), erase_type(contiguous_view<float, 3>(want.data(), {2, 3, n})),
              channels_at(tables.channels.data(), tables.moments.data(), options.statistics), options, {});
    std::vector<float> first;
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const auto channels = cuda::upload(tables.channels, exec);
        const auto moments = cuda::upload(tables.moments, exec);
        const View<float, 3> in = contiguous_view<float, 3>(device.data(), {2, 3, n});
        cuda::norm(as_const(erase_type(in)), erase_type(in),  // in place
                   channels_at(channels.data(), moments.data(), options.statistics), options, exec);
        const std::vector<float> got = download(device, exec.stream);
        if (first.empty()) first = got;
        EXPECT(got == first);
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], kClose * 4.0);
    });
}

}  // namespace

TEST(norm_cuda, each_kind_of_statistics) {
    for (const Statistics statistics :
         {Statistics::instance, Statistics::batch, Statistics::given, Statistics::known}) {
        if (kTsan && statistics != Statistics::batch) continue;
        const std::int64_t n = sized(700, 40);
        expect_cpu(images(6, n, 1.0F), n, {statistics, 1e-5, 0.5F});
    }
    if (kTsan) return;
    expect_cpu(images(6, 5, 1.0F), 5, {Statistics::instance, 0.1, 0.0F});
    expect_cpu(images(6, 9001, 0.0F), 9001, {Statistics::instance, 0.0, 1.0F});  // shares of a volume
    expect_cpu(images(6, 9001, 0.0F), 9001, {Statistics::batch, 0.0, 1.0F});
}

TEST(norm_cuda, large_means_cost_no_digit) {
    const std::int64_t n = sized(9000, 400);
    std::vector<float> x;
    for (std::int64_t i = 0; i < n; ++i) x.push_back(1e6F + (i % 2 == 0 ? 1.0F : -1.0F));
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(x.size(), exec);
        cuda::norm(as_const(erase_type(contiguous_view<float, 3>(device.data(), {1, 1, n}))),
                   erase_type(contiguous_view<float, 3>(out.data(), {1, 1, n})), {}, {Statistics::instance, 0.0, 0.5F},
                   exec);
        const std::vector<float> y = download(out, exec.stream);
        for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], i % 2 == 0 ? 1.0F : -0.5F, 1e-6);
    });
}

TEST(norm_cuda, channels_last_and_reversed) {
    const std::vector<float> x = images(1, 60, 0.0F);
    const Options options = {Statistics::instance, 1e-5, 1.0F};
    const View<const float, 4> host = {x.data() + 59, {1, 3, 4, 5}, {-60, -1, -15, -3}};
    std::vector<float> want(60);
    cpu::norm(erase_type(host), erase_type(contiguous_view<float, 4>(want.data(), {1, 3, 4, 5})), {}, options, {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(60, exec);
        const View<float, 4> in = {device.data() + 59, {1, 3, 4, 5}, {-60, -1, -15, -3}};
        cuda::norm(as_const(erase_type(in)), erase_type(contiguous_view<float, 4>(out.data(), {1, 3, 4, 5})), {},
                   options, exec);
        const std::vector<float> got = download(out, exec.stream);
        for (std::size_t i = 0; i < 60; ++i) EXPECT_NEAR(got[i], want[i], kClose);
    });
}

TEST(norm_cuda, activations_keep_nan) {
    const std::vector<float> x = {-2.0F, -0.0F, 3.0F, NAN, INFINITY, -INFINITY};
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(6, exec);
        const View<float, 3> in = contiguous_view<float, 3>(device.data(), {1, 1, 6});
        cuda::norm(as_const(erase_type(in)), erase_type(contiguous_view<float, 3>(out.data(), {1, 1, 6})), {},
                   {Statistics::given, 0.0, 0.0F}, exec);
        const std::vector<float> y = download(out, exec.stream);
        EXPECT(y[0] == 0.0F && y[1] == 0.0F && y[2] == 3.0F && std::isnan(y[3]) && y[4] == INFINITY && y[5] == 0.0F);
    });
}

TEST(norm_cuda, adds_in_front_of_the_activation) {
    const std::vector<float> x = {1, 2, 3, 4, 5, 6};
    const std::vector<float> b = {-9, -1, 0, 1, 2, 3};  // channels last
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const auto other = cuda::upload(b, exec);
        const View<float, 3> in = contiguous_view<float, 3>(device.data(), {1, 2, 3});
        const View<const float, 3> added = {other.data(), {1, 2, 3}, {6, 1, 2}};
        Channels channels;
        channels.added = erase_type(added);
        cuda::norm(as_const(erase_type(in)), erase_type(in), channels, {Statistics::given, 0.0, 0.5F}, exec);
        EXPECT(download(device, exec.stream) == (std::vector<float>{-4, 2, 5, 3, 6, 9}));
    });
}

TEST(norm_cuda, nan_spoils_its_channel_alone) {
    std::vector<float> x = images(2, 50, 0.0F);
    x[17] = NAN;
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const View<float, 3> in = contiguous_view<float, 3>(device.data(), {1, 2, 50});
        cuda::norm(as_const(erase_type(in)), erase_type(in), {}, {Statistics::instance, 1e-5, 1.0F}, exec);
        const std::vector<float> y = download(device, exec.stream);
        for (std::size_t i = 0; i < 100; ++i) EXPECT(std::isnan(y[i]) == (i < 50));
    });
}

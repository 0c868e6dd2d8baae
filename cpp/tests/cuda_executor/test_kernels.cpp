// SPDX-License-Identifier: Apache-2.0
// Each kernel against a plain loop, in every order.
#include <cmath>
#include <vector>

#include "kernels.hpp"
#include "support.hpp"

using namespace executor_test;
using voxkern::cuda::Exec;
using voxkern::cuda::Scratch;
using voxkern::cuda::upload;

namespace {

constexpr int kNz = sized(9, 2);
constexpr int kNy = sized(35, 5);
constexpr int kNx = sized(150, 34);
constexpr std::size_t kSize = static_cast<std::size_t>(kNz) * kNy * kNx;

// Flood fill: the smallest index of each component.
std::vector<int> flooded(const std::vector<unsigned char>& mask) {
    std::vector<int> out(mask.size(), -1);
    std::vector<int> todo;
    const auto visit = [&](int i, int label) {
        if (mask[static_cast<std::size_t>(i)] == 0 || out[static_cast<std::size_t>(i)] >= 0) return;
        out[static_cast<std::size_t>(i)] = label;
        todo.push_back(i);
    };
    for (int start = 0; start < static_cast<int>(mask.size()); ++start) {
        visit(start, start);
        while (!todo.empty()) {
            const int i = todo.back();
            todo.pop_back();
            const int x = i % kNx;
            const int y = i / kNx % kNy;
            const int z = i / kNx / kNy;
            if (x > 0) visit(i - 1, start);
            if (x + 1 < kNx) visit(i + 1, start);
            if (y > 0) visit(i - kNx, start);
            if (y + 1 < kNy) visit(i + kNx, start);
            if (z > 0) visit(i - kNx * kNy, start);
            if (z + 1 < kNz) visit(i + kNx * kNy, start);
        }
    }
    return out;
}

}  // namespace

TEST(kernels, transpose) {
    const std::vector<float> in = noise(kSize);
    std::vector<float> expected(kSize);
    for (int z = 0; z < kNz; ++z) {
        for (int y = 0; y < kNy; ++y) {
            for (int x = 0; x < kNx; ++x) {
                expected[static_cast<std::size_t>((z * kNx + x) * kNy + y)] =
                    in[static_cast<std::size_t>((z * kNy + y) * kNx + x)];
            }
        }
    }
    in_every_order([&](const Exec& exec) {
        const Scratch<float> device = upload(in, exec);
        const Scratch<float> out(kSize, exec);
        transpose(device.data(), out.data(), kNz, kNy, kNx, exec.stream);
        EXPECT(download(out, exec.stream) == expected);
    });
}

TEST(kernels, line_filter) {
    const std::vector<float> in = noise(kSize);
    const std::vector<float> weights = {0.05f, 0.1f, 0.2f, 0.3f, 0.2f, 0.1f, 0.05f};
    std::vector<float> expected(kSize);
    for (int line = 0; line < kNz * kNy; ++line) {
        for (int x = 0; x < kNx; ++x) {
            float sum = 0.0f;
            for (int t = 0; t < 7; ++t) {
                int i = x + t - 3;
                i = i < 0 ? -1 - i : i;
                i = i >= kNx ? 2 * kNx - 1 - i : i;
                sum = std::fma(weights[static_cast<std::size_t>(t)], in[static_cast<std::size_t>(line * kNx + i)], sum);
            }
            expected[static_cast<std::size_t>(line * kNx + x)] = sum;
        }
    }
    in_every_order([&](const Exec& exec) {
        const Scratch<float> device = upload(in, exec);
        const Scratch<float> taps = upload(weights, exec);
        const Scratch<float> out(kSize, exec);
        filter_lines(device.data(), out.data(), kNz * kNy, kNx, taps.data(), 3, exec.stream);
        EXPECT(download(out, exec.stream) == expected);
    });
}

TEST(kernels, sum_and_histogram) {
    constexpr int bins = 50;
    const std::vector<float> in = noise(kSize);
    double sum = 0.0;
    std::vector<int> histogram(bins);
    for (const float v : in) {
        sum += static_cast<double>(v) * v;
        ++histogram[static_cast<std::size_t>(v * bins)];
    }
    in_every_order([&](const Exec& exec) {
        const Scratch<float> device = upload(in, exec);
        const Scratch<double> total = upload(std::vector<double>{0.0}, exec);
        const Scratch<int> counts = upload(std::vector<int>(bins), exec);
        statistics(device.data(), kSize, total.data(), counts.data(), bins, exec.stream);
        EXPECT(download(counts, exec.stream) == histogram);
        EXPECT_NEAR(download(total, exec.stream)[0], sum, 1e-6 * sum);
    });
}

TEST(kernels, label) {
    const std::vector<float> in = noise(kSize);
    std::vector<unsigned char> mask(kSize);
    for (std::size_t i = 0; i < kSize; ++i) mask[i] = in[i] < 0.35f ? 1 : 0;
    const std::vector<int> expected = flooded(mask);
    in_every_order([&](const Exec& exec) {
        const Scratch<unsigned char> device = upload(mask, exec);
        const Scratch<int> out(kSize, exec);
        label(device.data(), out.data(), kNz, kNy, kNx, exec.stream);
        EXPECT(download(out, exec.stream) == expected);
    });
}

TEST(kernels, pointer_in_a_struct) {
    const std::vector<float> in = noise(50);
    in_every_order([&](const Exec& exec) {
        const Scratch<float> device = upload(in, exec);
        const Scratch<float> out(in.size(), exec);
        copy_table({device.data(), 50}, out.data(), exec.stream);
        EXPECT(download(out, exec.stream) == in);
    });
}

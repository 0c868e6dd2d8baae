// SPDX-License-Identifier: Apache-2.0
// The kernels against the CPU's: counts are equal, moments have the same bits in every order.
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/measure/measure.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::measure::Image;

namespace {

constexpr std::int64_t kShape[] = {3, 7, 13};
constexpr std::size_t kSize = 273;

std::vector<std::uint16_t> mask_of() {
    std::vector<std::uint16_t> mask;
    for (std::size_t i = 0; i < kSize; ++i) mask.push_back(i % 5 == 0 ? 0 : 256);
    return mask;
}

Image image_of(const float* x, const std::uint16_t* mask) {
    return {erase_type(contiguous_view<const float, 3>(x, kShape)),
            erase_type(contiguous_view<const std::uint16_t, 3>(mask, kShape))};
}

// body(image of the host, image of the device, exec)
template <class Body>
void on_both(const std::vector<float>& x, const Body& body) {
    const std::vector<std::uint16_t> mask = mask_of();
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const auto inside = cuda::upload(mask, exec);
        body(image_of(x.data(), mask.data()), image_of(device.data(), inside.data()), exec);
    });
}

}  // namespace

TEST(measure_cuda, moments_and_extremes) {
    Moments first;
    on_both(noise(kSize), [&](const Image& host, const Image& device, const cuda::Exec& exec) {
        const Moments got = cuda::measure(device, exec);
        const Moments want = cpu::measure(host, {});
        EXPECT(got.count == want.count);
        EXPECT_NEAR(got.mean, want.mean, 1e-14);
        EXPECT_NEAR(got.squares, want.squares, 1e-12);
        if (first.count == 0.0) first = got;
        EXPECT(got.mean == first.mean && got.squares == first.squares);
        const measure::Extremes found = cuda::measure_extremes(device, exec);
        const measure::Extremes wanted = cpu::measure_extremes(host, {});
        EXPECT(found.count == wanted.count && found.not_numbers == wanted.not_numbers);
        EXPECT(found.minimum == wanted.minimum && found.maximum == wanted.maximum);
    });
}

TEST(measure_cuda, histograms_and_boxes) {
    std::vector<float> x = noise(kSize);
    for (std::size_t i = 0; i < 120; ++i) x[i] = 0.0F;
    std::vector<double> few, many;
    for (int i = 0; i <= 10; ++i) few.push_back(0.1 + 0.07 * i);
    for (int i = 0; i <= 5000; ++i) many.push_back(0.0002 * i);  // more than shared memory holds
    on_both(x, [&](const Image& host, const Image& device, const cuda::Exec& exec) {
        for (const std::vector<double>* edges : {&few, &many}) {
            if (kTsan && edges == &many) continue;
            EXPECT(cuda::measure_histogram(device, *edges, exec) == cpu::measure_histogram(host, *edges, {}));
        }
        for (const std::optional<double> threshold : {std::optional<double>(), std::optional<double>(0.97)}) {
            const measure::Box got = cuda::measure_box(device.voxels, threshold, exec);
            const measure::Box want = cpu::measure_box(host.voxels, threshold, {});
            for (int a = 0; a < 3; ++a) EXPECT(got.first[a] == want.first[a] && got.last[a] == want.last[a]);
        }
    });
}

TEST(measure_cuda, quantiles_and_what_stays_on_the_device) {
    const std::vector<double> quantiles = {0.0, 0.33, 0.5, 0.95, 1.0};
    on_both(noise(kSize), [&](const Image& host, const Image& device, const cuda::Exec& exec) {
        std::vector<float> got(10), want(10);
        const auto pairs = [](std::vector<float>& v) {
            return erase_type(contiguous_view<float, 2>(v.data(), {5, 2}));
        };
        const measure::Quantiles found = cuda::measure_quantiles(device, quantiles, pairs(got), exec);
        const measure::Quantiles wanted = cpu::measure_quantiles(host, quantiles, pairs(want), {});
        EXPECT(found.count == wanted.count && found.fractions == wanted.fractions);
        EXPECT(got == want);
        const cuda::Scratch<double> numbers(4, exec);
        cuda::measure_line(device, numbers.data(), exec);
        cuda::measure_limits(device, 0.33, 0.95, numbers.data() + 2, exec);
        const std::vector<double> kept = download(numbers, exec.stream);
        const Moments moments = cpu::measure(host, {});
        EXPECT_NEAR(kept[0], moments.mean, 1e-14);
        EXPECT_NEAR(kept[1] * std::sqrt(moments.squares / moments.count), 1.0, 1e-12);
        EXPECT(kept[2] >= want[2] && kept[2] <= want[3] && kept[3] >= want[6] && kept[3] <= want[7]);
    });
}

// SPDX-License-Identifier: Apache-2.0
// The kernels against the CPU's: whole numbers are equal, sums agree to a few roundings and have the same bits in every
// order.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/regions/regions.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::regions::Names;
using voxkern::regions::Table;

namespace {

constexpr std::int64_t kShape[] = {3, 5, 37};
constexpr std::size_t kSize = 555;

// Objects of some length, and noise.
std::vector<std::int32_t> labels_of(std::int32_t step = 1) {
    std::vector<std::int32_t> labels;
    const std::vector<float> random = noise(kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
        const auto label = i < 300 ? static_cast<int>(i / 23 % 4) : static_cast<int>(random[i] * 5.0F);
        labels.push_back((label - 1) * step);
    }
    return labels;
}

ConstArrayView labels_view(const std::int32_t* labels, bool fortran) {
    View<const std::int32_t, 3> view = contiguous_view<const std::int32_t, 3>(labels, kShape);
    if (fortran) {
        view.strides[0] = 1;
        view.strides[1] = kShape[0];
        view.strides[2] = kShape[0] * kShape[1];
    }
    return erase_type(view);
}

template <class T>
ConstArrayView image_view(const T* image) {
    return erase_type(contiguous_view<const T, 3>(image, kShape));
}

// NaN is the same as NaN.
template <class T>
bool same(T a, T b) {
    return a == b || (a != a && b != b);
}

void expect_near(double got, double want, double scale) {
    EXPECT(same(got, want) || std::abs(got - want) <= 1e-13 * scale);
}

void expect_tables(const Table& got, const Table& want, double scale) {
    EXPECT(got.counts == want.counts && got.boxes == want.boxes && got.indices == want.indices);
    for (std::size_t k = 0; k < got.counts.size(); ++k) {
        if (got.wanted.sums) {
            EXPECT(got.sums[k].whole == want.sums[k].whole);
            expect_near(got.sums[k].sum, want.sums[k].sum, scale * kSize);
        }
        if (got.wanted.moments) expect_near(got.spreads[k].squares, want.spreads[k].squares, scale * scale * kSize);
        if (!got.wanted.extremes) continue;
        const regions::Extremes& a = got.extremes[k];
        const regions::Extremes& b = want.extremes[k];
        EXPECT(a.minimum_at == b.minimum_at && a.maximum_at == b.maximum_at && a.not_number_at == b.not_number_at);
        const auto alike = [](std::uint64_t x, std::uint64_t y) {
            return x == y || (x << 1 == 0 && y << 1 == 0);
        };  // 0.0
        EXPECT(alike(a.minimum, b.minimum) && alike(a.maximum, b.maximum));
    }
    for (std::size_t i = 0; i < got.centres.size(); ++i) {
        if (!std::isfinite(want.centres[i])) {
            EXPECT(std::isnan(got.centres[i]));  // an infinity has no centre
        } else {
            expect_near(got.centres[i], want.centres[i], scale * kSize * 37);
        }
    }
}

template <class T>
void expect_regions(const std::vector<T>& image, double scale, const Names& names) {
    const std::vector<std::int32_t> labels = labels_of();
    for (const bool fortran : {false, true}) {
        if (kTsan && fortran) continue;
        Table first;
        const auto check = [&](const cuda::Exec& exec) {
            const auto device = cuda::upload(labels, exec);
            const auto beside = cuda::upload(image, exec);
            for (const regions::Wanted wanted : {regions::Wanted{true, true, true, true, true, true},
                                                 regions::Wanted{false, false, true, false, false, false},
                                                 regions::Wanted{true, false, false, false, false, false}}) {
                const Table got =
                    cuda::regions(labels_view(device.data(), fortran), image_view(beside.data()), names, wanted, exec);
                expect_tables(
                    got, cpu::regions(labels_view(labels.data(), fortran), image_view(image.data()), names, wanted, {}),
                    scale);
                if (!wanted.moments) continue;
                if (first.counts.empty()) first = got;
                for (std::size_t k = 0; k < got.counts.size(); ++k) {
                    EXPECT(same(got.sums[k].sum, first.sums[k].sum));
                    EXPECT(same(got.spreads[k].squares, first.spreads[k].squares));
                }
                if (kTsan) break;
            }
        };
        if (fortran) {
            check(Stream().exec());
        } else {
            in_every_order(check);
        }
    }
}

}  // namespace

TEST(regions_cuda, tables_of_floats) {
    std::vector<float> image = noise(kSize);
    image[40] = image[41] = -0.0F;
    expect_regions(image, 1.0, Names::range(-2, 7));
    if (kTsan) return;
    image[7] = image[8] = std::nanf("");
    image[30] = -INFINITY;
    image[31] = image[33] = INFINITY;
    expect_regions(image, 1.0, Names::listed({3, 1, -1, 9, 2}));
    image[60] = 3e38F;  // by itself: beside it no other sum would be looked at
    expect_regions(image, 3e38, Names::listed({3, 1, -1, 9, 2}));
}

TEST(regions_cuda, tables_of_numbers_far_apart) {
    if (kTsan) return;
    std::vector<double> image;
    for (const float x : noise(kSize)) image.push_back(1e9 + x);
    const std::vector<std::int32_t> labels = labels_of();
    const Stream stream;
    const cuda::Exec exec = stream.exec();
    const auto device = cuda::upload(labels, exec);
    const auto there = cuda::upload(image, exec);
    const regions::Wanted wanted = {true, true, false, false, false, true};
    const Names names = Names::positive();
    const Table got = cuda::regions(labels_view(device.data(), false), image_view(there.data()), names, wanted, exec);
    const Table want = cpu::regions(labels_view(labels.data(), false), image_view(image.data()), names, wanted, {});
    EXPECT(got.counts == want.counts);
    EXPECT_NEAR(got.sums[0].sum / want.sums[0].sum, 1.0, 1e-15);
    EXPECT_NEAR(got.spreads[0].squares / want.spreads[0].squares, 1.0, 1e-12);
    EXPECT_NEAR(got.centres[2] / want.centres[2], 1.0, 1e-15);
    for (double& x : image) x = x < 1e9 + 0.5 ? 1e-300 : 1e-305;
    const auto small = cuda::upload(image, exec);
    const Table tiny = cuda::regions(labels_view(device.data(), false), image_view(small.data()), names, wanted, exec);
    const Table wanted_tiny =
        cpu::regions(labels_view(labels.data(), false), image_view(image.data()), names, wanted, {});
    EXPECT_NEAR(tiny.sums[0].sum / wanted_tiny.sums[0].sum, 1.0, 1e-14);
}

TEST(regions_cuda, tables_of_integers) {
    if (kTsan) return;
    std::vector<std::int64_t> wide;
    std::vector<std::uint64_t> positive;
    std::vector<std::int16_t> narrow;
    for (const float x : noise(kSize)) {
        narrow.push_back(static_cast<std::int16_t>(x * 2000.0F - 1000.0F));
        wide.push_back(static_cast<std::int64_t>((static_cast<double>(x) - 0.5) * 1.8e19));
        positive.push_back(static_cast<std::uint64_t>(static_cast<double>(x) * 1.8e19));
    }
    wide[3] = INT64_MIN;
    positive[90] = UINT64_MAX;
    expect_regions(narrow, 1e3, Names::range(-1, 5));
    expect_regions(wide, 1e19, Names::range(-1, 5));
    expect_regions(positive, 2e19, Names::range(-1, 5));
}

TEST(regions_cuda, labels_that_nobody_named) {
    for (const std::int32_t step : {1, 300000000}) {
        const std::vector<std::int32_t> labels = labels_of(step);
        if (kTsan && step == 1) continue;
        in_every_order([&](const cuda::Exec& exec) {
            const auto device = cuda::upload(labels, exec);
            for (const bool zero : {false, true}) {
                const Table got =
                    cuda::regions(labels_view(device.data(), false), std::nullopt, Names::every(zero), {}, exec);
                const Table want =
                    cpu::regions(labels_view(labels.data(), false), std::nullopt, Names::every(zero), {}, {});
                EXPECT(got.labels.size() == want.labels.size());
                EXPECT(std::is_sorted(got.labels.begin(), got.labels.end()));
                for (std::size_t k = 0; k < want.labels.size(); ++k) {
                    const auto at = std::find(got.labels.begin(), got.labels.end(), want.labels[k]);
                    EXPECT(at != got.labels.end());
                    EXPECT(got.counts[static_cast<std::size_t>(at - got.labels.begin())] == want.counts[k]);
                }
            }
        });
    }
}

// More than the first table of labels holds.
TEST(regions_cuda, many_labels_far_apart) {
    if (kTsan || kAsan) return;
    constexpr std::int64_t kCount = 70000;
    std::vector<std::int64_t> labels(kCount);
    for (std::int64_t k = 0; k < kCount; ++k) labels[static_cast<std::size_t>(k)] = (k - kCount / 2) * 0x7000000000 - 1;
    std::vector<std::int64_t> want = labels;
    std::reverse(labels.begin() + 1, labels.end());
    const Stream stream;
    const auto device = cuda::upload(labels, stream.exec());
    const ConstArrayView view = erase_type(contiguous_view<const std::int64_t, 1>(device.data(), {kCount}));
    const Table got = cuda::regions(view, std::nullopt, Names::every(true), {}, stream.exec());
    EXPECT(got.labels == want && got.counts == std::vector<std::int64_t>(kCount, 1));
    EXPECT(std::find(want.begin(), want.end(), -1) != want.end());
}

TEST(regions_cuda, groups_and_their_quantiles) {
    if (kTsan) return;  // a radix sort makes more threads than ThreadSanitizer has room for
    const std::vector<std::int32_t> labels = labels_of();
    std::vector<float> image = noise(kSize);
    image[5] = image[450] = std::nanf("");
    std::vector<std::int64_t> many(300);
    for (std::size_t k = 0; k < many.size(); ++k) many[k] = 2 - static_cast<std::int64_t>(k);
    for (const Names& names : {Names::range(-1, 4), Names::positive(), Names::listed(many)}) {
        const ConstArrayView host = labels_view(labels.data(), true);
        const regions::Groups want = cpu::region_groups(host, image_view(image.data()), names, true, {});
        const auto size = static_cast<std::size_t>(want.offsets.back());
        std::vector<float> samples(size);
        std::vector<std::int64_t> positions(size);
        std::vector<std::int64_t> indices(3 * size);
        cpu::write_groups(want, host, image_view(image.data()), names,
                          {samples.data(), positions.data(), indices.data()}, {});
        const std::vector<double> quantiles = {0.5, 0.0, 0.83};
        const auto check = [&](const cuda::Exec& exec) {
            const auto device = cuda::upload(labels, exec);
            const auto there = cuda::upload(image, exec);
            const ConstArrayView view = labels_view(device.data(), true);
            const regions::Groups got = cuda::region_groups(view, image_view(there.data()), names, true, exec);
            EXPECT(got.offsets == want.offsets);
            const cuda::Scratch<float> own(size, exec);
            const cuda::Scratch<std::int64_t> where(size, exec);
            const cuda::Scratch<std::int64_t> along(3 * size, exec);
            cuda::write_groups(got, view, image_view(there.data()), names, {own.data(), where.data(), along.data()},
                               exec);
            const std::vector<float> grouped_there = download(own, exec.stream);
            EXPECT(std::equal(samples.begin(), samples.end(), grouped_there.begin(), same<float>));
            EXPECT(download(where, exec.stream) == positions);
            EXPECT(download(along, exec.stream) == indices);
            std::vector<float> pairs(got.offsets.size() * 6);
            std::vector<float> expected(pairs.size());
            ArrayView grouped = erase_type(contiguous_view<float, 1>(own.data(), {static_cast<std::int64_t>(size)}));
            const regions::Ranks ranks = cuda::region_quantiles(grouped, got.offsets, quantiles, pairs.data(), exec);
            std::vector<float> sorted = samples;
            grouped.data = sorted.data();
            const regions::Ranks wanted = cpu::region_quantiles(grouped, want.offsets, quantiles, expected.data(), {});
            EXPECT(ranks.not_numbers == wanted.not_numbers);
            for (std::size_t k = 0; k + 1 < got.offsets.size(); ++k) {
                if (got.offsets[k] == got.offsets[k + 1]) continue;
                for (std::size_t i = 6 * k; i < 6 * k + 6; ++i) EXPECT(same(pairs[i], expected[i]));
                for (std::size_t i = 3 * k; i < 3 * k + 3; ++i) EXPECT(same(ranks.fractions[i], wanted.fractions[i]));
            }
        };
        if (names.kind() == Names::Kind::range) {
            in_every_order(check);
        } else {
            check(Stream().exec());  // a sort makes many threads
        }
    }
}

TEST(regions_cuda, histograms_and_surfaces) {
    const std::vector<std::int32_t> labels = labels_of();
    const std::vector<float> image = noise(kSize);
    std::vector<double> few, many;
    for (int i = 0; i <= 10; ++i) few.push_back(0.1 + 0.07 * i);
    for (int i = 0; i <= 2000; ++i) many.push_back(0.0005 * i);  // more than shared memory holds
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(labels, exec);
        const auto there = cuda::upload(image, exec);
        for (const Names& names : {Names::range(-1, 5), Names::listed({2, 7, 1})}) {
            for (const std::vector<double>* edges : {&few, &many}) {
                if (kTsan && edges == &many) continue;
                EXPECT(cuda::region_histograms(labels_view(device.data(), true), image_view(there.data()), names,
                                               *edges, exec) == cpu::region_histograms(labels_view(labels.data(), true),
                                                                                       image_view(image.data()), names,
                                                                                       *edges, {}));
            }
            EXPECT(cuda::region_crossings(labels_view(device.data(), false), names, exec) ==
                   cpu::region_crossings(labels_view(labels.data(), false), names, {}));
            if (kTsan) break;
        }
        std::vector<float> taken(3);
        cuda::region_samples(image_view(there.data()), {554, 0, 77}, taken.data(), exec);
        EXPECT(taken[0] == image[554] && taken[1] == image[0] && taken[2] == image[77]);
    });
}

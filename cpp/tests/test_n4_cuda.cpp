// SPDX-License-Identifier: Apache-2.0
// n4 against the CPU's; and the same bits for every order of threads, blocks and streams.
#include <cmath>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/n4/n4.hpp"
#include "kernels/n4/n4_math.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::n4::Options;

namespace {

using Shape = std::vector<std::int64_t>;

template <class T>
ArrayView view_of(const T* data, const Shape& shape) {
    ConstArrayView like;
    like.rank = static_cast<int>(shape.size());
    std::copy(shape.begin(), shape.end(), like.shape);
    return contiguous_at(const_cast<T*>(data), DTypeOf<T>::value, like);
}

struct Scan {
    Shape shape;
    std::vector<float> image;
    std::vector<std::uint8_t> mask;
    std::vector<float> weights;

    // Two tissues under a smooth field, a mask with holes.
    explicit Scan(const Shape& extent) : shape(extent) {
        std::size_t size = 1;
        for (const std::int64_t n : shape) size *= static_cast<std::size_t>(n);
        image = noise(size);
        for (std::size_t i = 0; i < size; ++i) {
            const float at = static_cast<float>(i) / static_cast<float>(size);
            image[i] = ((i / 5 % 3 == 0 ? 50.0F : 100.0F) + image[i]) * std::exp(0.3F * at);
            mask.push_back(i % 11 != 3 && i > 4);
            weights.push_back(i % 13 == 0 ? 0.0F : 0.5F);
        }
    }
};

Options options_of(const Shape& shape, std::vector<std::int64_t> iterations) {
    Options options;
    options.iterations = std::move(iterations);
    options.convergence_threshold = 0.0;
    options.spline_order = sized(3, 1);  // a warp per control point
    for (const std::int64_t n : shape) {
        options.control_points.push_back(sized(4, 2));
        options.axes.push_back({0.0, 1.0, n});
    }
    options.voxel_axes = options.axes;
    return options;
}

struct Outcome {
    n4::Fit fit;
    std::vector<float> corrected;
    std::vector<float> field;
};

Outcome on_cpu(const Scan& scan, bool masked, bool weighted, const Options& options) {
    Outcome outcome{{}, scan.image, scan.image};
    const ConstArrayView image = as_const(view_of(scan.image.data(), scan.shape));
    const ConstArrayView mask = as_const(view_of(scan.mask.data(), scan.shape));
    const ConstArrayView weights = as_const(view_of(scan.weights.data(), scan.shape));
    const ArrayView field = view_of(outcome.field.data(), scan.shape);
    outcome.fit = cpu::n4_correct({image, masked ? &mask : nullptr, weighted ? &weights : nullptr},
                                  {image, view_of(outcome.corrected.data(), scan.shape), &field}, options, {}, {});
    return outcome;
}

Outcome on_gpu(const Scan& scan, bool masked, bool weighted, const Options& options, const cuda::Exec& exec,
               const n4::Observer& observer = {}) {
    const auto image = cuda::upload(scan.image, exec);
    const auto mask = cuda::upload(scan.mask, exec);
    const auto weights = cuda::upload(scan.weights, exec);
    const cuda::Scratch<float> corrected(scan.image.size(), exec);
    const cuda::Scratch<float> divisor(scan.image.size(), exec);
    const ConstArrayView in = as_const(view_of(image.data(), scan.shape));
    const ConstArrayView inside = as_const(view_of(mask.data(), scan.shape));
    const ConstArrayView weight = as_const(view_of(weights.data(), scan.shape));
    const ArrayView field = view_of(divisor.data(), scan.shape);
    Outcome outcome;
    outcome.fit = cuda::n4_correct({in, masked ? &inside : nullptr, weighted ? &weight : nullptr},
                                   {in, view_of(corrected.data(), scan.shape), &field}, options, observer, exec);
    outcome.corrected = download(corrected, exec.stream);
    outcome.field = download(divisor, exec.stream);
    return outcome;
}

void expect_near(const Outcome& got, const Outcome& want) {
    float largest = 0.0F;
    for (const float f : want.field) largest = std::max(largest, std::fabs(std::log(f)));
    for (std::size_t i = 0; i < want.field.size(); ++i) {
        EXPECT_NEAR(std::log(got.field[i]), std::log(want.field[i]), 1e-4 * largest);
        EXPECT_NEAR(got.corrected[i] / want.corrected[i], 1.0, 1e-4);
    }
}

struct Case {
    Shape shape;
    bool masked;
    bool weighted;
    std::int64_t bins;
    int order;
    bool itk;
};

}  // namespace

TEST(n4_cuda, the_field_of_the_cpu_and_the_same_bits_in_every_order) {
    const std::vector<Case> cases =
        kTsan ? std::vector<Case>{{{3, 6, 7}, true, true, 40, 1, true}}
              : std::vector<Case>{{{7, 9, 33}, true, true, 200, 3, true},  {{5, 12, 140}, false, false, 200, 2, false},
                                  {{16, 20}, true, false, 5000, 3, false}, {{3, 1, 40}, false, true, 64, 1, true},
                                  {{1, 90}, false, false, 700, 3, true},   {{6, 70, 5}, true, false, 200, 3, true}};
    for (const Case& one : cases) {
        const Scan scan(one.shape);
        Options options =
            options_of(one.shape, kTsan ? std::vector<std::int64_t>{1, 1} : std::vector<std::int64_t>{2, 1});
        options.bins = one.bins;
        options.spline_order = one.order;
        options.itk = one.itk;
        if (one.order == 2) options.control_points = {4, 3, 5};
        const Outcome want = on_cpu(scan, one.masked, one.weighted, options);
        Outcome first;
        in_every_order([&](const cuda::Exec& exec) {
            const Outcome got = on_gpu(scan, one.masked, one.weighted, options, exec);
            expect_near(got, want);
            EXPECT(got.fit.voxels == want.fit.voxels && got.fit.not_positive == want.fit.not_positive);
            EXPECT(got.fit.lattice.shape == want.fit.lattice.shape);
            EXPECT(got.fit.trace.size() == want.fit.trace.size());
            EXPECT_NEAR(got.fit.mean_log_field, want.fit.mean_log_field, 1e-5);
            for (std::size_t i = 0; i < want.fit.trace.size(); ++i) {
                EXPECT(got.fit.trace[i].level == want.fit.trace[i].level);
                EXPECT(got.fit.trace[i].iteration == want.fit.trace[i].iteration);
                EXPECT_NEAR(got.fit.trace[i].convergence / want.fit.trace[i].convergence, 1.0, 1e-3);
            }
            if (first.field.empty()) first = got;
            EXPECT(got.field == first.field && got.corrected == first.corrected);
            EXPECT(got.fit.lattice.coefficients == first.fit.lattice.coefficients);
        });
    }
}

TEST(n4_cuda, waits_once_unless_watched) {
    const Scan scan({4, 6, 7});
    for (const bool watched : {false, true}) {
        Options options = options_of(scan.shape, {2, 1});
        options.watched = watched;
        const Stream stream;
        const cuda::Exec exec = stream.exec();
        const auto image = cuda::upload(scan.image, exec);
        const cuda::Scratch<float> out(scan.image.size(), exec);
        const ConstArrayView in = as_const(view_of(image.data(), scan.shape));
        const std::uint64_t waits = cuda_executor::synchronisations();
        const std::uint64_t copies = cuda_executor::copies_to_host();
        const n4::Fit fit = cuda::n4_correct({in}, {in, view_of(out.data(), scan.shape)}, options, {}, exec);
        const std::uint64_t expected = watched ? 2 : 1;
        EXPECT(cuda_executor::copies_to_host() == copies + expected);
        EXPECT(cuda_executor::synchronisations() == waits + expected);
        EXPECT(fit.trace.size() == (watched ? 3U : 0U) && fit.voxels == 168);
    }
}

TEST(n4_cuda, asks_after_64_iterations_where_more_are_left) {
    if (kTsan) return;  // the kernels of the first case, many times
    const Scan scan({2, 3, 4});
    const Stream stream;
    const cuda::Exec exec = stream.exec();
    const auto image = cuda::upload(scan.image, exec);
    const cuda::Scratch<float> out(scan.image.size(), exec);
    const ConstArrayView in = as_const(view_of(image.data(), scan.shape));
    for (const std::int64_t iterations : {63, 64, 65}) {
        Options options = options_of(scan.shape, {iterations});
        options.watched = false;
        const std::uint64_t waits = cuda_executor::synchronisations();
        cuda::n4_correct({in}, {in, view_of(out.data(), scan.shape)}, options, {}, exec);
        EXPECT(cuda_executor::synchronisations() == waits + (iterations == 65 ? 2 : 1));
    }
}

TEST(n4_cuda, observer_sees_every_iteration_and_may_end_the_fit) {
    if (kTsan) return;  // the kernels of the first case, many times
    const Scan scan({4, 6, 7});
    const Stream stream;
    Options options = options_of(scan.shape, {3, 2});
    std::vector<n4::Step> seen;
    const auto note = [&](const n4::Step& step) { seen.push_back(step); };
    const Outcome outcome = on_gpu(scan, true, false, options, stream.exec(), note);
    EXPECT(seen.size() == 5 && outcome.fit.trace.size() == 5);
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT(seen[i].convergence == outcome.fit.trace[i].convergence);
    const auto stop = [](const n4::Step&) { throw InvalidArgument("enough"); };
    EXPECT_THROWS(InvalidArgument, on_gpu(scan, true, false, options, stream.exec(), stop));
    options.convergence_threshold = 1.0;  // reached at once
    EXPECT(on_gpu(scan, true, false, options, stream.exec()).fit.trace.size() == 2);
    options.iterations = {200};  // the host asks
    EXPECT(on_gpu(scan, true, false, options, stream.exec()).fit.trace.size() == 1);
}

TEST(n4_cuda, bad_images_are_named) {
    if (kTsan) return;
    const Stream stream;
    const auto fit = [&](std::vector<float> image, std::vector<std::uint8_t> mask, std::vector<float> weights) {
        Scan scan({2, 3});
        scan.image = std::move(image);
        scan.mask = std::move(mask);
        scan.weights = std::move(weights);
        Options options = options_of(scan.shape, {2});
        options.watched = false;
        return on_gpu(scan, true, true, options, stream.exec()).fit.voxels;
    };
    const std::vector<std::uint8_t> all(6, 1);
    const std::vector<float> ones(6, 1.0F);
    EXPECT_THROWS(InvalidArgument, fit({1, 2, 3, 4, 5, 6}, {0, 0, 0, 0, 0, 0}, ones));
    EXPECT_THROWS(InvalidArgument, fit({1, 2, 3, NAN, 5, 6}, all, ones));
    EXPECT_THROWS(InvalidArgument, fit({1, 2, 3, HUGE_VALF, 5, 6}, all, ones));
    EXPECT_THROWS(InvalidArgument, fit({0, -1, -2, -3, -4, 0}, all, ones));
    EXPECT_THROWS(InvalidArgument, fit({7, 7, 7, 7, 7, 7}, all, ones));
    EXPECT_THROWS(InvalidArgument, fit({1, 2, 3, 4, 5, 6}, all, {1, 1, -1, 1, 1, 1}));
    EXPECT(fit({1, 2, 3, NAN, 5, 6}, {1, 1, 1, 0, 1, 1}, ones) == 5);
    Options options = options_of({2, 3}, {1 << 20, 1});
    EXPECT_THROWS(InvalidArgument, on_gpu(Scan({2, 3}), false, false, options, stream.exec()));
}

TEST(n4_cuda, what_ants_does_after_the_division) {
    const Scan scan({3, 4, 5});
    for (const bool rescale : {false, true}) {
        std::vector<float> want = noise(scan.image.size());
        const std::vector<float> corrected = want;
        const ConstArrayView mask = as_const(view_of(scan.mask.data(), scan.shape));
        const n4::Finish on_host = {&mask, 1.0, true, rescale};
        cpu::n4_finish(as_const(view_of(scan.image.data(), scan.shape)), view_of(want.data(), scan.shape), on_host, {});
        in_every_order([&](const cuda::Exec& exec) {
            const auto image = cuda::upload(scan.image, exec);
            const auto inside = cuda::upload(scan.mask, exec);
            const auto out = cuda::upload(corrected, exec);
            const ConstArrayView region = as_const(view_of(inside.data(), scan.shape));
            const n4::Finish finish = {&region, 1.0, true, rescale};
            cuda::n4_finish(as_const(view_of(image.data(), scan.shape)), view_of(out.data(), scan.shape), finish, exec);
            EXPECT(download(out, exec.stream) == want);
        });
    }
}

TEST(n4_cuda, fused_statistics_are_those_of_itk) {
    n4::RunningStatistics want;
    n4::RunningStatistics got;
    const std::vector<float> x = noise(100000);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const float ratio = 1.0F + 0.01F * (x[i] - 0.3F);
        want.add(ratio);
        got.add(ratio, 1.0F / static_cast<float>(i + 1));
    }
    EXPECT_NEAR(got.mean, want.mean, 1e-6);
    EXPECT_NEAR(got.spread / want.spread, 1.0, 1e-4);
}

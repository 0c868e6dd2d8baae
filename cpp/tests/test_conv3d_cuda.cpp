// SPDX-License-Identifier: Apache-2.0
// The kernels against the CPU's direct sums: the same products, added in another order.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/conv3d/conv3d.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::conv3d::Activation;
using voxkern::conv3d::Algorithm;
using voxkern::conv3d::Extras;
using voxkern::conv3d::Options;

namespace {

constexpr double kTolerance = 2e-6;  // of the largest result

std::vector<float> centred(std::size_t n) {
    std::vector<float> values = noise(n);
    for (float& v : values) v -= 0.5F;
    return values;
}

struct Case {
    std::int64_t in[5];
    std::int64_t weight[5];
    std::int64_t out[5];
    Options options;
};

// The size of what a layer makes of an axis, without output padding.
std::int64_t size_of_result(const Options& o, std::size_t axis, std::int64_t n, std::int64_t k) {
    const std::int64_t reach = o.dilation[axis] * (k - 1) + 1;
    return o.transposed ? (n - 1) * o.stride[axis] + reach - 2 * o.padding[axis]
                        : (n + 2 * o.padding[axis] - reach) / o.stride[axis] + 1;
}

Case case_of(std::int64_t images, std::int64_t ins, std::int64_t outs, const std::array<std::int64_t, 3>& shape,
             const std::array<std::int64_t, 3>& kernel, Options options) {
    options.algorithm = Algorithm::direct;
    Case c = {{images, ins, shape[0], shape[1], shape[2]},
              {outs, ins / options.groups, kernel[0], kernel[1], kernel[2]},
              {images, outs, 0, 0, 0},
              options};
    if (options.transposed) {
        c.weight[0] = ins;
        c.weight[1] = outs / options.groups;
    }
    for (std::size_t a = 0; a < 3; ++a) c.out[a + 2] = size_of_result(options, a, shape[a], kernel[a]);
    return c;
}

template <class T>
std::size_t count(const T (&shape)[5]) {
    std::size_t n = 1;
    for (const T extent : shape) n *= static_cast<std::size_t>(extent);
    return n;
}

// With a bias, a residual and what is in the options; `padding` is that of a part of an image.
void expect_cpu(const Case& c, std::optional<std::int64_t> padding = {}) {
    const std::vector<float> x = centred(count(c.in));
    const std::vector<float> w = centred(count(c.weight));
    const std::vector<float> bias = centred(static_cast<std::size_t>(c.out[1]));
    const std::vector<float> added = centred(count(c.out));
    std::vector<float> want(count(c.out));
    const auto view = [](const auto& values, const std::int64_t(&shape)[5]) {
        return contiguous_view<const float, 5>(values.data(), shape);
    };
    const conv3d::Filter host(erase_type(view(w, c.weight)), bias, c.options);
    Extras extras;
    extras.residual = erase_type(view(added, c.out));
    extras.padding = padding;
    cpu::conv3d(erase_type(view(x, c.in)), erase_type(contiguous_view<float, 5>(want.data(), c.out)), host, extras, {});
    double largest = 0.0;
    for (const float v : want) largest = std::max(largest, static_cast<double>(std::abs(v)));
    std::vector<float> first;  // result, of which all others have the bits
    in_every_order([&](const cuda::Exec& exec) {
        const auto image = cuda::upload(x, exec);
        const auto weights = cuda::upload(w, exec);
        const auto biases = cuda::upload(bias, exec);
        const auto residual = cuda::upload(added, exec);
        const cuda::Scratch<float> out = cuda::filled<float>(want.size(), 0xff, exec);
        const auto channels = static_cast<std::int64_t>(bias.size());
        const cuda::ConvFilter filter(erase_type(view(weights, c.weight)),
                                      erase_type(contiguous_view<const float, 1>(biases.data(), {channels})), c.options,
                                      exec);
        Extras on_device;
        on_device.residual = erase_type(view(residual, c.out));
        on_device.padding = padding;
        cuda::conv3d(erase_type(view(image, c.in)), erase_type(contiguous_view<float, 5>(out.data(), c.out)), filter,
                     on_device, exec);
        const std::vector<float> got = download(out, exec.stream);
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], kTolerance * largest);
        if (first.empty()) first = got;
        EXPECT(first == got);
    });
}

Options options_of(std::int64_t stride, std::int64_t padding, std::int64_t dilation = 1, std::int64_t groups = 1) {
    Options options;
    options.stride = {stride, stride, stride};
    options.padding = {padding, padding, padding};
    options.dilation = {dilation, dilation, dilation};
    options.groups = groups;
    return options;
}

Options transposed(Options options) {
    options.transposed = true;
    return options;
}

}  // namespace

TEST(conv3d_cuda, products_of_tiles) {
    Options relu = options_of(1, 1);
    relu.activation = Activation::relu;
    expect_cpu(case_of(1, 9, 20, {2, 3, 8}, {3, 1, 3}, relu));  // chunks and rows that are not full, whole fours
    if (kTsan) return;
    expect_cpu(case_of(2, 16, 33, {3, 4, 5}, {3, 3, 3}, options_of(1, 1)));  // long sums, two images
    expect_cpu(case_of(1, 16, 40, {5, 4, 7}, {2, 2, 3}, options_of(2, 1, 2)));
    expect_cpu(case_of(1, 16, 48, {4, 4, 4}, {1, 1, 1}, options_of(1, 0, 1, 2)));
}

TEST(conv3d_cuda, sums_of_few_channels) {
    Options leaky = options_of(1, 1);
    leaky.activation = Activation::leaky_relu;
    leaky.slope = 0.25F;
    expect_cpu(case_of(1, 1, 9, {5, 3, 4}, {3, 3, 1}, leaky));
    if (kTsan) return;
    expect_cpu(case_of(2, 3, 3, {2, 6, 5}, {3, 3, 3}, options_of(1, 1)));   // rows share a thread, not planes
    expect_cpu(case_of(1, 40, 1, {3, 3, 3}, {3, 3, 3}, options_of(1, 1)));  // long sums
    expect_cpu(case_of(1, 4, 8, {9, 5, 7}, {3, 2, 3}, options_of(2, 2, 2, 2)));
}

TEST(conv3d_cuda, depthwise) {
    expect_cpu(case_of(1, 3, 3, {9, 3, 4}, {3, 3, 3}, options_of(1, 1, 1, 3)));
    if (kTsan) return;
    expect_cpu(case_of(2, 3, 3, {5, 4, 3}, {3, 2, 1}, options_of(1, 2, 1, 3)));
    expect_cpu(case_of(1, 2, 2, {6, 4, 3}, {3, 3, 3}, options_of(1, 1, 2, 2)));  // direct: taps lie apart
}

TEST(conv3d_cuda, transposed) {
    expect_cpu(case_of(1, 8, 12, {1, 2, 4}, {2, 2, 2}, transposed(options_of(2, 0))));  // woven, in whole fours
    if (kTsan) return;
    expect_cpu(case_of(1, 8, 12, {2, 2, 3}, {3, 3, 3}, transposed(options_of(2, 1))));  // an odd width
    expect_cpu(case_of(1, 3, 2, {2, 3, 3}, {3, 2, 3}, transposed(options_of(2, 1))));
    expect_cpu(case_of(1, 4, 6, {2, 2, 3}, {2, 3, 2}, transposed(options_of(3, 0, 2, 2))));
    expect_cpu(case_of(1, 2, 2, {2, 2, 2}, {2, 1, 2}, transposed(options_of(3, 0))));  // results without a tap
}

// Sums of few results are cut into slices of channels, by one block each.
TEST(conv3d_cuda, slices) {
    Options relu = options_of(1, 1);
    relu.activation = Activation::relu;
    expect_cpu(case_of(1, 25, 17, {1, 2, 4}, {3, 3, 3}, relu));  // the last slice has fewer channels
    if (kTsan) return;
    expect_cpu(case_of(2, 64, 40, {2, 1, 3}, {3, 3, 3}, options_of(1, 1, 1, 2)));
    expect_cpu(case_of(1, 130, 10, {2, 1, 3}, {3, 3, 3}, transposed(options_of(2, 1))));
}

// Samples that lie beyond 32 bits: in 32 they would be those inside the image.
TEST(conv3d_cuda, far_outside) {
    const std::int64_t far = std::int64_t{1} << 32;
    Options options = options_of(1, 0);
    options.dilation[0] = far;
    for (const std::int64_t ins : {2, 8}) {
        if (kTsan && ins > 2) break;
        Case c = case_of(1, ins, 17, {2, 2, 3}, {1, 1, 2}, options_of(1, 0));
        expect_cpu(c, far);
        c = case_of(1, ins, 17, {2, 2, 3}, {1, 1, 2}, options);
        c.weight[2] = 2;
        if (!kTsan) expect_cpu(c);
    }
    if (!kTsan) expect_cpu(case_of(1, 2, 2, {6, 3, 3}, {3, 3, 3}, options_of(1, 1, 1, 2)), far);
}

// A layer made on one stream is used on another; parts of an image have the bits of the whole.
TEST(conv3d_cuda, other_streams_and_parts) {
    const Case c = case_of(1, 2, 3, {8, 3, 5}, {3, 3, 3}, options_of(1, 1));
    const std::vector<float> x = centred(count(c.in));
    const std::vector<float> w = centred(count(c.weight));
    in_every_order([&](const cuda::Exec& exec) {
        const auto weights = cuda::upload(w, exec);
        const cuda::ConvFilter filter(erase_type(contiguous_view<const float, 5>(weights.data(), c.weight)), {},
                                      c.options, exec);
        const Stream stream;
        const cuda::Exec other = stream.exec();
        const auto image = cuda::upload(x, other);
        const cuda::Scratch<float> whole(count(c.out), other);
        const cuda::Scratch<float> parts = cuda::filled<float>(count(c.out), 0xff, other);
        const View<const float, 5> in = contiguous_view<const float, 5>(image.data(), c.in);
        cuda::conv3d(erase_type(in), erase_type(contiguous_view<float, 5>(whole.data(), c.out)), filter, {}, other);
        for (std::int64_t start = 0; start < 8; start += 4) {
            View<float, 5> out = contiguous_view<float, 5>(parts.data(), c.out);
            out.data += start * out.strides[2];
            out.shape[2] = 4;
            View<const float, 5> part = in;
            const std::int64_t first = std::max<std::int64_t>(start - 1, 0);
            part.data += first * in.strides[2];
            part.shape[2] = std::min<std::int64_t>(start + 5, 8) - first;
            Extras extras;
            extras.padding = first - (start - 1);
            cuda::conv3d(erase_type(part), erase_type(out), filter, extras, other);
        }
        EXPECT(download(whole, other.stream) == download(parts, other.stream));
    });
}

TEST(conv3d_cuda, bad_input) {
    const Stream stream;
    const cuda::Exec exec = stream.exec();
    const Case c = case_of(1, 2, 3, {2, 2, 2}, {2, 2, 2}, transposed(options_of(2, 0)));
    const auto weights = cuda::upload(centred(count(c.weight)), exec);
    const ConstArrayView weight = erase_type(contiguous_view<const float, 5>(weights.data(), c.weight));
    const cuda::ConvFilter filter(weight, {}, c.options, exec);
    const cuda::Scratch<float> out(count(c.out), exec);
    const ConstArrayView in = erase_type(contiguous_view<const float, 5>(weights.data(), {1, 2, 2, 2, 2}));
    const ArrayView to = erase_type(contiguous_view<float, 5>(out.data(), c.out));
    Extras odd;
    odd.padding = 1;
    EXPECT_THROWS(Error, cuda::conv3d(in, to, filter, odd, exec));
    Extras moments;
    moments.moments = to;
    EXPECT_THROWS(InvalidArgument, cuda::conv3d(in, to, filter, moments, exec));
    EXPECT_THROWS(Error, cuda::conv3d(as_const(to), to, filter, {}, exec));
    const ConstArrayView five = erase_type(contiguous_view<const float, 1>(weights.data(), {5}));
    EXPECT_THROWS(InvalidArgument, cuda::ConvFilter(weight, five, c.options, exec));
}

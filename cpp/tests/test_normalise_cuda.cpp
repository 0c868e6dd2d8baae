// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same bits, with numbers of the host and of the device.
#include <cmath>
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/normalise/normalise.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::normalise::Options;

namespace {

constexpr std::int64_t kShape[] = {3, 5, 7};
constexpr std::size_t kSize = 105;

template <class Out>
std::vector<Out> on_cpu(const std::vector<float>& x, const std::vector<std::uint8_t>& mask, const Options& options) {
    std::vector<Out> out(kSize);
    cpu::normalise(erase_type(contiguous_view<const float, 3>(x.data(), kShape)),
                   erase_type(contiguous_view<const std::uint8_t, 3>(mask.data(), kShape)),
                   erase_type(contiguous_view<Out, 3>(out.data(), kShape)), options, {});
    return out;
}

std::vector<std::uint8_t> half() {
    std::vector<std::uint8_t> mask;
    for (std::size_t i = 0; i < kSize; ++i) mask.push_back(i % 3 == 0 ? 0 : 2);
    return mask;
}

}  // namespace

TEST(normalise_cuda, lines_and_limits) {
    const std::vector<float> x = noise(kSize);
    for (const Options& options : {Options{0.25, 2.0, 0.5, 0.1, 0.9, 7.0}, Options{0.0, 1.0, 0.0, 0.2, 0.6, 7.0}}) {
        const std::vector<float> floats = on_cpu<float>(x, half(), options);
        const std::vector<std::uint8_t> bytes = on_cpu<std::uint8_t>(x, half(), options);
        in_every_order([&](const cuda::Exec& exec) {
            const auto device = cuda::upload(x, exec);
            const auto inside = cuda::upload(half(), exec);
            const cuda::Scratch<float> out(kSize, exec);
            const cuda::Scratch<std::uint8_t> small(kSize, exec);
            const ConstArrayView in = as_const(erase_type(contiguous_view<float, 3>(device.data(), kShape)));
            const ConstArrayView mask = as_const(erase_type(contiguous_view<std::uint8_t, 3>(inside.data(), kShape)));
            cuda::normalise(in, mask, erase_type(contiguous_view<float, 3>(out.data(), kShape)), options, exec);
            cuda::normalise(in, mask, erase_type(contiguous_view<std::uint8_t, 3>(small.data(), kShape)), options,
                            exec);
            EXPECT(download(out, exec.stream) == floats);
            EXPECT(download(small, exec.stream) == bytes);
        });
    }
}

TEST(normalise_cuda, numbers_of_the_device) {
    const std::vector<float> x = noise(kSize);
    Options line;
    line.centre = 0.5;
    line.scale = 3.0;
    Options limits;
    limits.low = 0.3;
    limits.high = 0.8;
    const std::vector<float> scaled = on_cpu<float>(x, half(), line);
    const std::vector<float> limited = on_cpu<float>(x, half(), limits);
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const auto inside = cuda::upload(half(), exec);
        const auto numbers = cuda::upload(std::vector<double>{0.5, 3.0, 0.3, 0.8, NAN, NAN}, exec);
        const cuda::Scratch<float> out(kSize, exec);
        const ConstArrayView in = as_const(erase_type(contiguous_view<float, 3>(device.data(), kShape)));
        const ConstArrayView mask = as_const(erase_type(contiguous_view<std::uint8_t, 3>(inside.data(), kShape)));
        const ArrayView to = erase_type(contiguous_view<float, 3>(out.data(), kShape));
        cuda::normalise_by(in, mask, to, numbers.data(), nullptr, exec);
        EXPECT(download(out, exec.stream) == scaled);
        cuda::normalise_by(in, mask, to, nullptr, numbers.data() + 2, exec);
        EXPECT(download(out, exec.stream) == limited);
        cuda::normalise_by(in, {}, to, nullptr, numbers.data() + 4, exec);
        for (const float v : download(out, exec.stream)) EXPECT(std::isnan(v));
    });
}

// SPDX-License-Identifier: Apache-2.0
// The kernels against the CPU's: the same labels.
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/resample_labels/resample_labels.hpp"

using namespace voxkern;
using namespace executor_test;
using namespace voxkern::resample_labels;

namespace {

constexpr std::int64_t kShape[] = {4, 5, 6};
constexpr std::int64_t kGrid[] = {5, 4, 9};
constexpr std::size_t kVoxels = 180;

Coordinates coordinates() {
    Coordinates axes(3);
    for (std::size_t a = 0; a < 3; ++a) {
        const double step = static_cast<double>(kShape[a]) / static_cast<double>(kGrid[a]);
        for (std::int64_t i = 0; i < kGrid[a]; ++i) axes[a].push_back((static_cast<double>(i) + 0.5) * step - 0.5);
    }
    return axes;
}

// Runs both with views of input and output: call(in, out, exec).
template <class T, class CpuCall, class CudaCall>
void expect_same(const std::vector<T>& x, const std::vector<std::int64_t>& shape, const CpuCall& on_cpu,
                 const CudaCall& on_cuda) {
    const auto view = [&](const T* data) {
        ConstArrayView in;
        in.rank = static_cast<int>(shape.size());
        std::copy(shape.begin(), shape.end(), in.shape);
        return as_const(contiguous_at(const_cast<T*>(data), DTypeOf<T>::value, in));
    };
    std::vector<std::int16_t> want(kVoxels);
    on_cpu(view(x.data()), erase_type(contiguous_view<std::int16_t, 3>(want.data(), kGrid)));
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<std::int16_t> out(kVoxels, exec);
        on_cuda(view(device.data()), erase_type(contiguous_view<std::int16_t, 3>(out.data(), kGrid)), exec);
        EXPECT(download(out, exec.stream) == want);
    });
}

std::vector<std::int16_t> labels() {
    std::vector<std::int16_t> x;
    for (const float v : noise(120)) x.push_back(static_cast<std::int16_t>(3.99F * v) - 1);
    return x;
}

}  // namespace

TEST(resample_labels_cuda, rules_along_the_axes_and_anywhere) {
    const std::vector<double> offset = {0.5, -0.25, 1.0};
    const std::vector<double> matrix = {0.75, 0.25, 0.0, -0.25, 1.0, 0.1, 0.1, 0.0, 0.5};
    for (const Rule rule : {Rule::argmax, Rule::half, Rule::nearest, Rule::gaussian}) {
        for (const Boundary mode : {Boundary::nearest, Boundary::grid_constant, Boundary::fov}) {
            if (kTsan && mode == Boundary::fov) continue;
            Options options;
            options.rule = rule;
            options.mode = mode;
            options.cval = 2;
            options.sigma = {1.0, 0.7, 1.2};
            expect_same(
                labels(), {4, 5, 6},
                [&](const auto& in, const auto& out) { cpu::resample_labels(in, out, coordinates(), options, {}); },
                [&](const auto& in, const auto& out, const auto& exec) {
                    cuda::resample_labels(in, out, coordinates(), options, exec);
                });
            expect_same(
                labels(), {4, 5, 6},
                [&](const auto& in, const auto& out) { cpu::warp_labels(in, out, offset, matrix, options, {}); },
                [&](const auto& in, const auto& out, const auto& exec) {
                    cuda::warp_labels(in, out, offset, matrix, options, exec);
                });
        }
    }
}

TEST(resample_labels_cuda, argmax_of_scores) {
    for (const Boundary mode : {Boundary::nearest, Boundary::constant}) {
        expect_same(
            noise(360), {3, 4, 5, 6},
            [&](const auto& in, const auto& out) { cpu::resample_argmax(in, out, coordinates(), mode, {}); },
            [&](const auto& in, const auto& out, const auto& exec) {
                cuda::resample_argmax(in, out, coordinates(), mode, exec);
            });
    }
}

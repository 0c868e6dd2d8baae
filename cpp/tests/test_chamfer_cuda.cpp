// SPDX-License-Identifier: Apache-2.0
// Steps and zeros of the CPU, in every order.
#include <vector>

#include "core/axes.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/chamfer/chamfer.hpp"

using namespace voxkern;
using namespace executor_test;

namespace {

ConstArrayView view_over(const float* data, const std::vector<std::int64_t>& shape) {
    ArrayView like;
    like.rank = static_cast<int>(shape.size());
    std::copy(shape.begin(), shape.end(), like.shape);
    ConstArrayView view = as_const(contiguous_at(nullptr, DType::f32, like));
    view.data = data;
    return view;
}

void expect_chamfer(const std::vector<std::int64_t>& shape, const std::vector<bool>& structure, float zeros,
                    bool reversed) {
    std::size_t size = 1;
    for (const std::int64_t n : shape) size *= static_cast<std::size_t>(n);
    std::vector<float> image = noise(size);
    for (float& x : image) x = x < zeros ? -0.0F : x;
    const auto turned = [&](ConstArrayView view) {
        if (!reversed) return view;
        view.data = view.at((view.shape[0] - 1) * view.strides[0]);
        view.strides[0] = -view.strides[0];
        return view;
    };
    const ConstArrayView host = turned(view_over(image.data(), shape));
    const std::size_t rank = shape.size();
    for (const bool last_zero : {false, true}) {
        std::vector<std::int32_t> steps(size);
        std::vector<std::int32_t> indices(rank * size);
        const ArrayView out = contiguous_at(steps.data(), DType::i32, host);
        ArrayView nearest = contiguous_at(indices.data(), DType::i32, host);
        cpu::chamfer(host, out, &nearest, {structure, last_zero}, {});
        in_every_order([&](const cuda::Exec& exec) {
            const auto device = cuda::upload(image, exec);
            const cuda::Scratch<std::int32_t> far(size, exec);
            const cuda::Scratch<std::int32_t> near(rank * size, exec);
            const ConstArrayView in = turned(view_over(device.data(), shape));
            ArrayView to = contiguous_at(near.data(), DType::i32, host);
            cuda::chamfer(in, contiguous_at(far.data(), DType::i32, host), &to, {structure, last_zero}, exec);
            EXPECT(download(far, exec.stream) == steps);
            EXPECT(download(near, exec.stream) == indices);
            if (last_zero) return;
            cuda::chamfer(in, contiguous_at(far.data(), DType::i32, host), nullptr, {structure, false}, exec);
            EXPECT(download(far, exec.stream) == steps);
        });
    }
}

std::vector<bool> all_of(std::size_t rank) {
    std::size_t size = 1;
    for (std::size_t a = 0; a < rank; ++a) size *= 3;
    return std::vector<bool>(size, true);
}

}  // namespace

TEST(chamfer_cuda, chessboard) {
    expect_chamfer({3, 4, 9}, all_of(3), 0.03F, true);
    expect_chamfer({300}, all_of(1), 0.01F, false);  // a line of more than one block
    if (kTsan) return;
    expect_chamfer({4, 1, 300}, all_of(3), 0.003F, false);
    expect_chamfer({1, 7, 1}, all_of(3), 0.3F, false);
    expect_chamfer({9, 40}, all_of(2), 0.01F, false);
    expect_chamfer({2, 3, 4, 5}, all_of(4), 0.02F, true);
    expect_chamfer({600}, all_of(1), 0.005F, true);
    expect_chamfer({2, 3, 4}, all_of(3), 0.0F, false);
}

TEST(chamfer_cuda, other_steps) {
    std::vector<bool> taxicab(27, false);
    for (const std::size_t i : {4, 10, 12, 13, 14, 16, 22}) taxicab[i] = true;
    expect_chamfer({4, 5, 37}, taxicab, 0.02F, false);
    if (kTsan) return;
    std::vector<bool> any(27, false);
    for (const std::size_t i : {2, 9, 11, 20}) any[i] = true;  // no step along a row
    expect_chamfer({4, 5, 12}, any, 0.1F, true);
    expect_chamfer({4, 5, 12}, std::vector<bool>(27, false), 0.1F, false);
}

// SPDX-License-Identifier: Apache-2.0
// The kernels against the CPU's: the same samples.
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/morphology/morphology.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::morphology::Step;

namespace {

Step cross(bool any, bool border, std::int64_t iterations = 1) {
    Step step;
    step.shape = {3, 3, 3};
    for (int i = 0; i < 27; ++i) {
        step.structure.push_back((i / 9 != 1) + (i / 3 % 3 != 1) + (i % 3 != 1) <= 1);
    }
    step.centre = {1, 1, 1};
    step.any = any;
    step.border = border;
    step.iterations = iterations;
    return step;
}

Step box(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& centre, bool any, bool border) {
    Step step;
    step.shape = shape;
    step.structure.assign(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]), true);
    step.centre = centre;
    step.any = any;
    step.border = border;
    return step;
}

void expect_cpu(const std::int64_t (&shape)[3], const std::vector<Step>& steps, bool masked = false) {
    const auto n = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
    std::vector<float> x = noise(n);
    std::vector<std::uint8_t> mask;
    for (float& value : x) {
        mask.push_back(value < 0.8F ? 1 : 0);
        value = value < 0.6F ? value + 0.1F : 0.0F;
    }
    std::vector<std::int16_t> want(n);
    const auto view = [&](auto* data) {
        return erase_type(contiguous_view<std::remove_pointer_t<decltype(data)>, 3>(data, shape));
    };
    const ConstArrayView within = as_const(view(mask.data()));
    cpu::morphology(as_const(view(x.data())), masked ? &within : nullptr, view(want.data()), steps, {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const auto device_mask = cuda::upload(mask, exec);
        const cuda::Scratch<std::int16_t> out(n, exec);
        const ConstArrayView inside = as_const(view(device_mask.data()));
        cuda::morphology(as_const(view(device.data())), masked ? &inside : nullptr, view(out.data()), steps, exec);
        EXPECT(download(out, exec.stream) == want);
    });
}

}  // namespace

TEST(morphology_cuda, iterations_and_borders) {
    expect_cpu({1, 3, 70}, {cross(true, false, 2), cross(false, true)}, true);
    if (kTsan) return;
    for (const bool any : {false, true}) {
        for (const bool border : {false, true}) {
            expect_cpu({3, 5, 67}, {cross(any, border, 3)});
            expect_cpu({4, 1, 9}, {cross(any, border, 70)}, true);  // more than are told apart
            expect_cpu({3, 4, 64}, {cross(any, border), cross(!any, !border)});
        }
    }
}

TEST(morphology_cuda, structures_of_any_shape) {
    if (kTsan) return;  // launches as above
    expect_cpu({3, 4, 35}, {box({3, 2, 9}, {0, 1, 6}, true, false)});
    expect_cpu({3, 4, 135}, {box({1, 2, 90}, {0, 0, 80}, false, true)});
    expect_cpu({3, 4, 5}, {box({7, 1, 1}, {6, 0, 0}, false, false)});  // beyond the array for all
    Step nothing = box({1, 1, 1}, {0, 0, 0}, false, false);
    nothing.structure = {false};
    expect_cpu({2, 2, 3}, {nothing}, true);
}

TEST(morphology_cuda, until_nothing_changes) {
    if (kTsan) return;  // 64 launches at a time
    expect_cpu({5, 6, 9}, {cross(true, false, 0)}, true);
    expect_cpu({5, 6, 9}, {cross(false, false, -1)});
    Step step = box({1, 1, 3}, {0, 0, 0}, true, false);  // moves everything out
    step.structure = {false, false, true};
    step.iterations = 0;
    expect_cpu({2, 3, 33}, {step});
}

TEST(morphology_cuda, a_result_that_alternates_is_an_error) {
    const std::int64_t shape[] = {1, 1, 2};
    Step swap = box({1, 1, 3}, {0, 0, 1}, true, false);
    swap.structure = {true, false, true};
    swap.iterations = 0;
    const Stream stream;
    const cuda::Exec exec = stream.exec();
    const auto x = cuda::upload(std::vector<std::uint8_t>{1, 0}, exec);
    const ArrayView view = erase_type(contiguous_view<std::uint8_t, 3>(x.data(), shape));
    EXPECT_THROWS(InvalidArgument, cuda::morphology(as_const(view), nullptr, view, {swap}, exec));
}

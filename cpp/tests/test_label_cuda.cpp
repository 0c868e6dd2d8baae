// SPDX-License-Identifier: Apache-2.0
// The kernels against the CPU's: the same numbers in every order of threads.
#include <vector>

#include "cuda_executor/support.hpp"
#include "kernels/label/label_cuda_task.hpp"

using namespace voxkern;
using namespace executor_test;

namespace {

// 3 samples along each of three axes: steps along so many axes at least and at most.
std::vector<bool> steps_along(int least, int most) {
    std::vector<bool> structure;
    for (int i = 0; i < 27; ++i) {
        const int axes = (i / 9 != 1) + (i / 3 % 3 != 1) + (i % 3 != 1);
        structure.push_back(axes >= least && axes <= most);
    }
    return structure;
}

std::vector<bool> upright() {
    std::vector<bool> structure(27, false);
    for (const int i : {1, 6, 10, 16, 20, 25}) structure[static_cast<std::size_t>(i)] = true;
    return structure;
}

struct Case {
    std::int64_t shape[3];
    std::vector<bool> structure;
    float density = 0.5F;
    bool zeros = false;

    std::size_t size() const { return static_cast<std::size_t>(shape[0] * shape[1] * shape[2]); }
    std::vector<float> image() const {
        std::vector<float> x = noise(size());
        for (float& value : x) value = value < density ? value + 1.0F : -0.0F;
        return x;
    }
    template <class T>
    auto view(T* data) const {
        return erase_type(contiguous_view<T, 3>(data, shape));
    }
    label::Options options() const { return {structure, zeros}; }
};

void expect_cpu(const Case& c, std::int64_t most_of_32_bits = INT32_MAX) {
    const std::vector<float> x = c.image();
    const label::Components want = cpu::label(c.view(x.data()), c.options(), {});
    std::vector<std::int32_t> numbers(c.size());
    cpu::write_labels(want, c.view(numbers.data()), {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Components got =
            cuda::label(c.view<const float>(device.data()), c.options(), exec, most_of_32_bits);
        const cuda::Scratch<std::int32_t> out(c.size(), exec);
        cuda::write_labels(got, c.view(out.data()), exec);
        EXPECT(cuda::count(got) == want.count);
        EXPECT(download(out, exec.stream) == numbers);
        EXPECT(cuda::sizes(got) == cpu::sizes(want));
    });
}

}  // namespace

TEST(label_cuda, faces_and_corners) {
    if (kTsan) return;  // the last test has the same launches
    expect_cpu({{2, 3, 37}, steps_along(1, 3), 0.3F});
    for (const int most : {1, 2, 3}) {
        for (const float density : {0.2F, 0.5F, 0.9F, 2.0F}) expect_cpu({{3, 9, 71}, steps_along(1, most), density});
    }
    expect_cpu({{3, 7, 64}, steps_along(1, 1), 0.5F, true});
    expect_cpu({{90, 41, 3}, steps_along(1, 1), 0.6F});  // roots in several blocks
    expect_cpu({{2, 3, 5}, steps_along(1, 3), 0.0F});
}

TEST(label_cuda, numbers_of_64_bits) {
    if (kTsan) return;
    expect_cpu({{3, 9, 71}, steps_along(1, 3), 0.4F}, 0);
    expect_cpu({{90, 41, 3}, steps_along(1, 1), 0.6F}, 0);
}

TEST(label_cuda, samples_of_a_row_are_not_connected) {
    if (kTsan) return;
    expect_cpu({{3, 3, 35}, upright(), 0.6F});
    for (const int least : {2, 3, 4}) expect_cpu({{4, 5, 67}, steps_along(least, 3), 0.7F});
}

TEST(label_cuda, what_is_asked_of_components) {
    const Case c = {{2, kTsan ? 2 : 7, 35}, steps_along(1, 1), 0.55F};
    const std::vector<float> x = c.image();
    const label::Components host = cpu::label(c.view(x.data()), c.options(), {});
    std::vector<std::uint8_t> values, marks(c.size(), 0);
    for (std::int64_t k = 0; k <= host.count; ++k) values.push_back(static_cast<std::uint8_t>(7 * k + 1));
    for (std::size_t i = 0; i < c.size(); i += 50) marks[i] = 3;
    std::vector<std::uint8_t> valued(c.size()), enclosed(c.size()), touched = marks;
    cpu::write_values(host, values, c.view(valued.data()), {});
    cpu::write_enclosed(host, {false, true, true}, c.view(enclosed.data()), {});
    cpu::fill_touched(host, c.view(touched.data()), {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Components got = cuda::label(c.view<const float>(device.data()), c.options(), exec);
        const auto filled = cuda::upload(marks, exec);
        cuda::fill_touched(got, c.view(filled.data()), exec);
        EXPECT(download(filled, exec.stream) == touched);
        const cuda::Scratch<std::uint8_t> out(c.size(), exec);
        cuda::write_enclosed(got, {false, true, true}, c.view(out.data()), exec);
        EXPECT(download(out, exec.stream) == enclosed);
        if (kTsan) return;
        cuda::write_values(got, values, c.view(out.data()), exec);
        EXPECT(download(out, exec.stream) == valued);
    });
}

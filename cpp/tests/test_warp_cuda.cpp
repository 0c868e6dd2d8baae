// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same sums, equal to the bit where the level has FMA. push adds whole numbers: the
// same bits in every order.
#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/warp/warp.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::warp::CoordinateMap;
using voxkern::warp::Options;

namespace {

constexpr std::int64_t kShape[] = {4, 5, 6, 2};
constexpr std::int64_t kGrid[] = {3, 4, 7, 2};
constexpr std::size_t kSamples = 240;
constexpr std::size_t kPoints = 168;

CoordinateMap turned() {
    CoordinateMap map;
    map.image_axes = map.grid_axes = 3;
    map.offset = {-0.75, 1.5, 0.25};
    map.matrix = {1.0, 0.25, 0.1, -0.5, 1.0, 0.2, 0.3, -0.1, 0.75};
    return map;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& want, float tolerance) {
    for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance);
}

// `scratch`: bytes that a call may take; 1: item by item.
void expect_cpu(const Options& options, std::int64_t scratch = 1 << 20) {
    const std::vector<float> x = noise(kSamples);
    const std::vector<float> field = noise(3 * kPoints / 2);
    CoordinateMap map = turned();
    const auto with_field = [&](const float* data) {
        map.field = erase_type(contiguous_view<const float, 4>(data, {3, kGrid[0], kGrid[1], kGrid[2]}));
    };
    std::vector<float> want(kPoints);
    with_field(field.data());
    cpu::warp(erase_type(contiguous_view<const float, 4>(x.data(), kShape)),
              erase_type(contiguous_view<float, 4>(want.data(), kGrid)), map, options, {});
    const bool has_fma = active_level() == CpuLevel::v3 || active_level() == CpuLevel::v4;
    in_every_order([&](const cuda::Exec& given) {
        cuda::Exec exec = given;
        exec.scratch = scratch;
        const auto image = cuda::upload(x, exec);
        const auto displacement = cuda::upload(field, exec);
        const cuda::Scratch<float> out(kPoints, exec);
        with_field(displacement.data());
        cuda::warp(as_const(erase_type(contiguous_view<float, 4>(image.data(), kShape))),
                   erase_type(contiguous_view<float, 4>(out.data(), kGrid)), map, options, exec);
        expect_near(download(out, exec.stream), want, has_fma ? 0.0F : 2e-6F);
    });
}

std::vector<float> pushed(const std::vector<float>& values, const Options& options, const cuda::Exec& exec) {
    const auto device = cuda::upload(values, exec);
    const cuda::Scratch<float> sums(kSamples, exec);
    cuda::push(as_const(erase_type(contiguous_view<float, 4>(device.data(), kGrid))),
               erase_type(contiguous_view<float, 4>(sums.data(), kShape)), turned(), options, exec);
    return download(sums, exec.stream);
}

void expect_pushed(const Options& options) {
    const std::vector<float> values = noise(kPoints);
    std::vector<float> want(kSamples);
    cpu::push(erase_type(contiguous_view<const float, 4>(values.data(), kGrid)),
              erase_type(contiguous_view<float, 4>(want.data(), kShape)), turned(), options, {});
    std::vector<float> first;
    in_every_order([&](const cuda::Exec& given) {
        cuda::Exec exec = given;
        const std::vector<float> got = pushed(values, options, exec);
        expect_near(got, want, 1e-5F);
        if (first.empty()) first = got;
        EXPECT(got == first);
        exec.scratch = 1;
        EXPECT(pushed(values, options, exec) == first);
    });
}

}  // namespace

TEST(warp_cuda, orders_and_modes) {
    // ThreadSanitizer keeps maps of every CUDA thread, and a process may have 65,000: it sees the atomics of push.
    if (kTsan) return;
    for (const int order : {0, 1, 3, 4}) {
        for (const Boundary mode : {Boundary::constant, Boundary::grid_constant, Boundary::nearest, Boundary::mirror,
                                    Boundary::wrap, Boundary::fov}) {
            Options options;
            options.kernel.order = order;
            options.mode = mode;
            options.cval = 0.75;
            expect_cpu(options);
        }
    }
}

TEST(warp_cuda, sincs_slopes_limits_and_parts_of_a_batch) {
    if (kTsan) return;
    Options options;
    options.mode = Boundary::reflect;
    options.clip = true;
    expect_cpu(options, 1);
    options.kernel = {0, SincWindow::lanczos, 4};
    expect_cpu(options);
    options.kernel = {2};
    options.clip = false;
    options.slope_axis = 1;
    expect_cpu(options);
    options.kernel = {1};
    expect_cpu(options);
}

TEST(warp_cuda, push_in_any_order) {
    for (const int order : {0, 1, 3}) {
        for (const Boundary mode : {Boundary::nearest, Boundary::mirror, Boundary::grid_constant}) {
            if (kTsan && (order != 1 || mode != Boundary::mirror)) continue;
            Options options;
            options.kernel.order = order;
            options.mode = mode;
            expect_pushed(options);
        }
    }
}

TEST(warp_cuda, push_of_what_is_no_number) {
    if (kTsan) return;  // the kernels of the test before
    std::vector<float> values = noise(kPoints);
    values[100] = NAN;
    values[31] = HUGE_VALF;
    Options options;
    options.kernel.order = 1;
    options.mode = Boundary::mirror;
    std::vector<float> want(kSamples);
    cpu::push(erase_type(contiguous_view<const float, 4>(values.data(), kGrid)),
              erase_type(contiguous_view<float, 4>(want.data(), kShape)), turned(), options, {});
    in_every_order([&](const cuda::Exec& exec) {
        const std::vector<float> got = pushed(values, options, exec);
        for (std::size_t i = 0; i < want.size(); ++i) {
            EXPECT(std::isnan(got[i]) == std::isnan(want[i]) && std::isinf(got[i]) == std::isinf(want[i]));
        }
    });
}

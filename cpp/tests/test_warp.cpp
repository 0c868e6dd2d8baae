// SPDX-License-Identifier: Apache-2.0
#include "kernels/warp/warp.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"
#include "kernels/warp/warp_math.hpp"
#include "kernels/warp/warp_plan.hpp"

using namespace voxkern;

namespace {

double pseudo(std::size_t i) {
    return static_cast<double>(i * 7919 % 1009) / 1009.0;
}

}  // namespace

// A turned map and a field, all levels, orders and modes, rows around a run: against sample_at on the source
// for order 1, and each level against the first for the rest. What AddressSanitizer watches.
TEST(warp, every_level_agrees) {
    const std::int64_t n[] = {7, 9, 11};
    std::vector<float> x(7 * 9 * 11);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(pseudo(i));
    const View<const float, 3> image = contiguous_view<const float, 3>(x.data(), {7, 9, 11});
    for (const std::int64_t length : {1, 63, 64, 65, 130}) {
        const std::int64_t m[] = {3, 5, length};
        std::vector<float> field(static_cast<std::size_t>(3 * 3 * 5 * length));
        for (std::size_t i = 0; i < field.size(); ++i) field[i] = static_cast<float>(6.0 * pseudo(i + 5) - 3.0);
        for (int order = 0; order <= 5; ++order) {
            for (const Boundary mode :
                 {Boundary::constant, Boundary::grid_constant, Boundary::nearest, Boundary::reflect, Boundary::mirror,
                  Boundary::wrap, Boundary::grid_wrap, Boundary::fov}) {
                warp::CoordinateMap map;
                map.image_axes = map.grid_axes = 3;
                map.offset = {1.0, -2.0, 0.5};
                map.matrix = {0.9, 0.2, 0.01, -0.3, 1.1, 0.02, 0.1, 0.2, 0.13};
                map.field = erase_type(contiguous_view<const float, 4>(field.data(), {3, m[0], m[1], m[2]}));
                warp::Options options;
                options.kernel.order = order;
                options.mode = mode;
                options.cval = 0.25;
                std::vector<float> first;
                for (const CpuLevel level : usable_levels()) {
                    set_active_level(to_string(level));
                    std::vector<float> out(static_cast<std::size_t>(m[0] * m[1] * m[2]));
                    Exec exec;
                    exec.threads = 3;
                    cpu::warp(erase_type(image), erase_type(contiguous_view<float, 3>(out.data(), {m[0], m[1], m[2]})),
                              map, options, exec);
                    if (first.empty()) first = out;
                    for (std::size_t i = 0; i < out.size(); ++i) EXPECT(std::abs(out[i] - first[i]) < 2e-5F);
                }
                if (order != 1) continue;
                warp::Source source;
                source.axes = 3;
                const std::int64_t strides[] = {99, 11, 1};
                std::copy_n(n, 3, source.shape);
                std::copy_n(strides, 3, source.strides);
                source.base = reinterpret_cast<const char*>(x.data());
                source.kernel = options.kernel;
                source.mode = mode;
                source.cval = options.cval;
                for (std::int64_t o = 0; o < m[0] * m[1] * m[2]; ++o) {
                    const std::int64_t at[] = {o / (m[1] * m[2]), o / m[2] % m[1], o % m[2]};
                    double c[3];
                    for (std::size_t a = 0; a < 3; ++a) {
                        c[a] = map.offset[a];
                        for (std::size_t j = 0; j < 3; ++j) {
                            c[a] += map.matrix[3 * a + j] * static_cast<double>(at[j]);
                        }
                        c[a] += static_cast<double>(
                            field[a * static_cast<std::size_t>(m[0] * m[1] * m[2]) + static_cast<std::size_t>(o)]);
                    }
                    const double want = warp::sample_at(source, c, warp::Samples<float>{source.base});
                    EXPECT(std::abs(static_cast<double>(first[static_cast<std::size_t>(o)]) - want) < 1e-6);
                }
            }
        }
    }
}

// <warp a, b> = <a, push b>, with every float64 rounding in between.
TEST(warp, push_is_the_adjoint) {
    std::vector<double> a(12 * 13);
    std::vector<double> b(8 * 70);
    std::vector<double> points(2 * b.size());
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = pseudo(i) - 0.5;
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = pseudo(i + 99) - 0.5;
    for (std::size_t i = 0; i < points.size(); ++i) points[i] = 18.0 * pseudo(3 * i) - 3.0;
    for (const int order : {0, 1, 3}) {
        for (const Boundary mode : {Boundary::nearest, Boundary::mirror, Boundary::constant, Boundary::grid_constant}) {
            warp::CoordinateMap map;
            map.image_axes = map.grid_axes = 2;
            map.field = erase_type(contiguous_view<const double, 3>(points.data(), {2, 8, 70}));
            warp::Options options;
            options.kernel.order = order;
            options.mode = mode;
            std::vector<double> pulled(b.size());
            std::vector<double> pushed(a.size());
            Exec exec;
            exec.threads = 2;
            const auto image = contiguous_view<const double, 2>(a.data(), {12, 13});
            cpu::warp(erase_type(image), erase_type(contiguous_view<double, 2>(pulled.data(), {8, 70})), map, options,
                      exec);
            const auto values = contiguous_view<const double, 2>(b.data(), {8, 70});
            cpu::push(erase_type(values), erase_type(contiguous_view<double, 2>(pushed.data(), {12, 13})), map, options,
                      exec);
            double left = 0.0;
            double right = 0.0;
            for (std::size_t i = 0; i < b.size(); ++i) left += pulled[i] * b[i];
            for (std::size_t i = 0; i < a.size(); ++i) right += a[i] * pushed[i];
            EXPECT(std::abs(left - right) < 1e-9);
        }
    }
}

namespace {

// The plan for contiguous arrays of these shapes.
warp::Plan plan_for(std::initializer_list<std::int64_t> image_shape, std::initializer_list<std::int64_t> grid,
                    const warp::Options& options) {
    const auto contiguous = [](std::initializer_list<std::int64_t> shape) {
        ArrayView like;
        like.rank = static_cast<int>(shape.size());
        std::copy(shape.begin(), shape.end(), like.shape);
        return contiguous_at(nullptr, DType::f32, like);
    };
    warp::CoordinateMap map;
    map.image_axes = static_cast<int>(image_shape.size());
    map.grid_axes = static_cast<int>(grid.size());
    return warp::plan_warp(as_const(contiguous(image_shape)), contiguous(grid), map, options);
}

}  // namespace

// A copy pays where many points read it, or where it holds coefficients.
TEST(warp, few_points_make_no_copy) {
    warp::Options options;
    EXPECT(plan_for({160, 160, 160}, {1000}, options).padded.size > 0);
    options.prefilter = false;
    EXPECT(plan_for({160, 160, 160}, {1000}, options).padded.size == 0);
    EXPECT(plan_for({160, 160, 160}, {40, 50, 60}, options).padded.size > 0);
    EXPECT(plan_for({9, 9, 9, 9}, {100000}, options).padded.size == 0);  // sampled one by one
    options.kernel = {0, SincWindow::lanczos, 5};
    EXPECT(plan_for({160, 160, 160}, {1000}, options).padded.size == 0);
    options.kernel = {1};
    EXPECT(plan_for({160, 160, 160}, {40, 50, 60}, options).padded.size == 0);
}

// A list of points is many chunks: the call ends long before the last of them.
TEST(warp, a_grid_of_one_axis_is_cut) {
    const std::uint8_t seven = 7;
    const View<const std::uint8_t, 1> image = {&seven, {100}, {0}};
    std::vector<std::uint8_t> out(1000 * 1000, 99);
    const auto asks = [](void* first) { return *static_cast<std::uint8_t*>(first) != 99; };
    Cancellation cancellation(asks, out.data(), std::chrono::milliseconds{0});
    Exec exec;
    exec.cancellation = &cancellation;
    warp::CoordinateMap map;
    map.image_axes = map.grid_axes = 1;
    map.matrix = {1e-5};
    warp::Options options;
    options.kernel.order = 1;
    const ArrayView line = erase_type(contiguous_view<std::uint8_t, 1>(out.data(), {1000 * 1000}));
    EXPECT_THROWS(Cancelled, cpu::warp(erase_type(image), line, map, options, exec));
    EXPECT(out.front() == 7 && out.back() == 99);
    cpu::warp(erase_type(image), line, map, options, {});
    EXPECT(std::all_of(out.begin(), out.end(), [](std::uint8_t x) { return x == 7; }));
}

TEST(warp, runs_go_along_an_axis_that_fills_them) {
    warp::Options options;
    options.kernel.order = 1;
    EXPECT(plan_for({9, 9, 9}, {256, 256, 2}, options).task.run_axis == 1);
    EXPECT(plan_for({9, 9, 9}, {256, 2, 4}, options).task.run_axis == 0);
    EXPECT(plan_for({9, 9, 9}, {256, 256, 33}, options).task.run_axis == 2);
    EXPECT(plan_for({9, 9, 9}, {5, 6, 7}, options).task.run_axis == 2);
    EXPECT(plan_for({9}, {3}, options).task.run_axis == 0);
}

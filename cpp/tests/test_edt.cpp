// SPDX-License-Identifier: Apache-2.0
#include "kernels/edt/edt.hpp"

#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;

namespace {

// Distances in a volume of ones whose only zero is at (3, 2, 5), along steps of these sizes.
void check(const std::vector<double>& sampling) {
    constexpr std::int64_t shape[3] = {9, 7, 70};
    std::vector<std::uint8_t> x(9 * 7 * 70, 1);
    std::vector<double> y(x.size());
    std::vector<std::int32_t> at(3 * x.size());
    const View<std::uint8_t, 3> in = contiguous_view<std::uint8_t, 3>(x.data(), {9, 7, 70});
    const View<double, 3> out = contiguous_view<double, 3>(y.data(), {9, 7, 70});
    const View<std::int32_t, 4> nearest = contiguous_view<std::int32_t, 4>(at.data(), {3, 9, 7, 70});
    in(3, 2, 5) = 0;
    const ArrayView distances = erase_type(out);
    const ArrayView indices = erase_type(nearest);
    Exec exec;
    exec.threads = 2;
    cpu::edt(as_const(erase_type(in)), &distances, &indices, sampling, true, exec);
    for (std::int64_t z = 0; z < shape[0]; ++z) {
        for (std::int64_t j = 0; j < shape[1]; ++j) {
            for (std::int64_t i = 0; i < shape[2]; ++i) {
                const double dz = static_cast<double>(z - 3) * sampling[0];
                const double dy = static_cast<double>(j - 2) * sampling[1];
                const double dx = static_cast<double>(i - 5) * sampling[2];
                EXPECT(std::abs(out(z, j, i) - std::sqrt(dz * dz + dy * dy + dx * dx)) < 1e-12);
                EXPECT(nearest(0, z, j, i) == 3 && nearest(1, z, j, i) == 2 && nearest(2, z, j, i) == 5);
            }
        }
    }
}

}  // namespace

TEST(edt, one_zero_at_every_level) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        check({1.0, 1.0, 1.0});
        check({2.0, 0.5, 0.75});
    }
}

TEST(edt, a_long_line_and_no_zero) {
    std::vector<float> x(5000, 1.0F);
    std::vector<double> y(x.size());
    const View<const float, 2> in = contiguous_view<const float, 2>(x.data(), {1, 5000});
    const View<double, 2> out = contiguous_view<double, 2>(y.data(), {1, 5000});
    const ArrayView distances = erase_type(out);
    cpu::edt(erase_type(in), &distances, nullptr, {1.0, 1.0}, true, {});
    EXPECT(y[0] == 1.0 && std::abs(y[4999] - std::sqrt(1.0 + 4999.0 * 4999.0)) < 1e-9);
    x[4000] = -0.0F;
    cpu::edt(erase_type(in), &distances, nullptr, {3.0, 1.0}, true, {});
    EXPECT(y[0] == 4000.0 && y[4000] == 0.0 && y[4999] == 999.0);
}

TEST(edt, samples_within_a_radius_at_every_level) {
    std::vector<std::uint8_t> x(9 * 11 * 70, 0);
    std::vector<std::uint8_t> y(x.size());
    const View<std::uint8_t, 3> in = contiguous_view<std::uint8_t, 3>(x.data(), {9, 11, 70});
    const View<std::uint8_t, 3> out = contiguous_view<std::uint8_t, 3>(y.data(), {9, 11, 70});
    in(4, 5, 60) = 3;
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const double step : {1.0, 2.0}) {  // whole squares, and any
            cpu::within_distance(as_const(erase_type(in)), erase_type(out), {1.0, 1.0, step}, 4.0, false, {});
            const std::int64_t reach = step == 1.0 ? 4 : 2;
            EXPECT(out(4, 5, 60 - reach) == 1 && out(4, 5, 60 - reach - 1) == 0);
            EXPECT(out(8, 5, 60) == 1 && out(8, 6, 60) == 0 && out(0, 0, 0) == 0);
        }
        cpu::within_distance(as_const(erase_type(in)), erase_type(out), {1.0, 1.0, 1.0}, 0.0, true, {});
        for (std::size_t i = 0; i < x.size(); ++i) EXPECT(y[i] == (x[i] != 0));
    }
}

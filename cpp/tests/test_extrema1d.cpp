// SPDX-License-Identifier: Apache-2.0
#include "kernels/extrema1d/extrema1d.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"

using namespace voxkern;
using voxkern::extrema1d::Footprint;
using voxkern::extrema1d::Kind;
using voxkern::extrema1d::Residue;
using voxkern::extrema1d::Window;

namespace {

template <class T>
std::vector<T> numbers(std::int64_t n) {
    std::vector<T> x(static_cast<std::size_t>(n));
    std::uint32_t state = 12345;
    for (T& value : x) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<T>(state >> 25);
    }
    return x;
}

// The extremum over what is set, sample by sample.
template <class T>
T expected(const View<const T, 3>& in, const std::int64_t* at, Kind kind, const Footprint& footprint, T cval) {
    T best = 0;
    bool first = true;
    std::size_t k = 0;
    std::int64_t t[3];
    for (t[0] = 0; t[0] < footprint.windows[0].size; ++t[0]) {
        for (t[1] = 0; t[1] < footprint.windows[1].size; ++t[1]) {
            for (t[2] = 0; t[2] < footprint.windows[2].size; ++t[2]) {
                if (footprint.set[k++] == 0) continue;
                T x = cval;
                std::int64_t place[3];
                bool inside = true;
                for (std::size_t a = 0; a < 3; ++a) {
                    const Window& w = footprint.windows[a];
                    place[a] = fold_index(at[a] - w.before() + t[a], in.shape[a], w.mode);
                    inside = inside && place[a] != kOutside;
                }
                if (inside) x = in(place[0], place[1], place[2]);
                if (!footprint.heights.empty()) x = static_cast<T>(x + static_cast<T>(footprint.heights[k - 1]));
                best = first ? x : kind == Kind::minimum ? std::min(best, x) : std::max(best, x);
                first = false;
            }
        }
    }
    return best;
}

template <class T>
void compare(const std::int64_t (&shape)[3], const Footprint& footprint, bool box, Kind kind, bool across = false) {
    const std::vector<T> x = numbers<T>(shape[0] * shape[1] * shape[2]);
    std::vector<T> y(x.size());
    const View<const T, 3> beside = contiguous_view<const T, 3>(x.data(), shape);
    View<const T, 3> in = beside;
    if (across) {
        in.strides[0] = 1;
        in.strides[1] = shape[0];
        in.strides[2] = shape[0] * shape[1];
    }
    const View<T, 3> out = contiguous_view<T, 3>(y.data(), shape);
    Exec exec;
    exec.threads = 3;
    const Residue residue = {Residue::Kind::below, x.data()};
    if (box) {
        cpu::extrema1d(erase_type(in), erase_type(out), kind, footprint.windows, 5.0, residue, exec);
    } else {
        cpu::extrema1d(erase_type(in), erase_type(out), kind, footprint, 5.0, residue, exec);
    }
    std::int64_t at[3];
    for (at[0] = 0; at[0] < shape[0]; ++at[0]) {
        for (at[1] = 0; at[1] < shape[1]; ++at[1]) {
            for (at[2] = 0; at[2] < shape[2]; ++at[2]) {
                const T e = expected(in, at, kind, footprint, T{5});
                EXPECT(out(at[0], at[1], at[2]) == static_cast<T>(e - beside(at[0], at[1], at[2])));
            }
        }
    }
}

Footprint window_of(const std::int64_t (&sizes)[3], Boundary mode, bool all) {
    Footprint footprint;
    for (int a = 0; a < 3; ++a) footprint.windows.push_back({a, sizes[a], a == 1 ? (sizes[a] - 1) / 2 : 0, mode});
    const std::vector<std::uint8_t> random = numbers<std::uint8_t>(sizes[0] * sizes[1] * sizes[2]);
    for (const std::uint8_t r : random) footprint.set.push_back(all || r > 60 ? 1 : 0);
    footprint.set.back() = 1;
    return footprint;
}

Footprint raised(Footprint footprint) {
    for (std::size_t k = 0; k < footprint.set.size(); ++k) footprint.heights.push_back(static_cast<double>(k % 4));
    return footprint;
}

}  // namespace

// Odd shapes, and rows around a vector's length: what AddressSanitizer watches.
TEST(extrema1d, windows_equal_their_definition_at_every_level) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (const Boundary mode : {Boundary::reflect, Boundary::constant, Boundary::grid_wrap}) {
            for (const std::int64_t n : {1, 15, 33, 70}) {
                for (const bool box : {true, false}) {
                    compare<float>({5, 7, n}, window_of({3, 2, 5}, mode, box), box, Kind::maximum);
                    compare<std::uint8_t>({5, 7, n}, window_of({3, 4, 1}, mode, box), box, Kind::minimum);
                    compare<std::int64_t>({3, 4, n}, window_of({1, 3, 6}, mode, box), box, Kind::maximum);
                }
                compare<float>({19, 7, n}, window_of({3, 2, 5}, mode, true), true, Kind::maximum, true);
                compare<double>({33, 3, n}, window_of({3, 1, 2}, mode, true), true, Kind::minimum, true);
                compare<float>({5, 7, n}, raised(window_of({3, 2, 5}, mode, false)), false, Kind::maximum);
                compare<std::uint8_t>({5, 7, n}, raised(window_of({1, 4, 2}, mode, true)), false, Kind::minimum);
                compare<std::int64_t>({3, 4, n}, raised(window_of({1, 1, 6}, mode, false)), false, Kind::maximum);
                compare<double>({4, 40, n}, window_of({1, 19, 21}, mode, true), true, Kind::minimum);
            }
        }
    }
}

TEST(extrema1d, nan_is_passed_over) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> x = {nan, nan, nan, 3.0F, nan, 2.0F};
    std::vector<float> y(x.size());
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        cpu::extrema1d(erase_type(contiguous_view<const float, 1>(x.data(), {6})),
                       erase_type(contiguous_view<float, 1>(y.data(), {6})), Kind::minimum, std::vector<Window>{{0, 3}},
                       0.0, {}, {});
        EXPECT(y[0] != y[0] && y[1] != y[1]);
        EXPECT(y[2] == 3.0F && y[3] == 3.0F && y[4] == 2.0F && y[5] == 2.0F);
    }
}

TEST(extrema1d, nothing_and_no_windows) {
    cpu::extrema1d(erase_type(contiguous_view<const float, 2>(nullptr, {0, 5})),
                   erase_type(contiguous_view<float, 2>(nullptr, {0, 5})), Kind::minimum, std::vector<Window>{{1, 3}},
                   0.0, {}, {});
    const std::vector<float> x = {1.5F, -2.5F, 3.5F};
    std::vector<std::int16_t> y(3);
    cpu::extrema1d(erase_type(contiguous_view<const float, 1>(x.data(), {3})),
                   erase_type(contiguous_view<std::int16_t, 1>(y.data(), {3})), Kind::maximum, std::vector<Window>{},
                   0.0, {}, {});
    EXPECT(y[0] == 1 && y[1] == -2 && y[2] == 3);  // truncated
}

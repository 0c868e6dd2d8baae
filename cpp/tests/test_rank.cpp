// SPDX-License-Identifier: Apache-2.0
#include "kernels/rank/rank.hpp"

#include <algorithm>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"
#include "kernels/rank/rank_nets.hpp"
#include "kernels/rank/rank_plan.hpp"

using namespace voxkern;

namespace {

std::vector<float> noise(std::int64_t n) {
    std::vector<float> x;
    std::uint32_t state = 1;
    for (std::int64_t i = 0; i < n; ++i) {
        state = state * 1664525U + 1013904223U;
        x.push_back(static_cast<float>(state >> 20) - 2000.0F);
    }
    return x;
}

rank::Options box(std::vector<std::int64_t> size, std::int64_t k) {
    rank::Options options;
    options.size = std::move(size);
    for (const std::int64_t s : options.size) {
        options.before.push_back(s / 2);
        options.mode.push_back(Boundary::reflect);
    }
    options.rank = k;
    return options;
}

// By sorting each window.
float wanted(const View<const float, 3>& in, const rank::Options& o, std::int64_t z, std::int64_t y, std::int64_t x) {
    std::vector<float> window;
    for (std::int64_t i = 0; i < o.size[0] * o.size[1] * o.size[2]; ++i) {
        if (!o.footprint.empty() && !o.footprint[static_cast<std::size_t>(i)]) continue;
        const std::int64_t dz = i / (o.size[1] * o.size[2]) - o.before[0];
        const std::int64_t dy = i / o.size[2] % o.size[1] - o.before[1];
        const std::int64_t dx = i % o.size[2] - o.before[2];
        window.push_back(in(fold_index(z + dz, in.shape[0], o.mode[0]), fold_index(y + dy, in.shape[1], o.mode[1]),
                            fold_index(x + dx, in.shape[2], o.mode[2])));
    }
    std::sort(window.begin(), window.end());
    return window[static_cast<std::size_t>(o.rank)];
}

void check(const rank::Options& options, rank::Method method) {
    const std::vector<float> x = noise(7 * 9 * 71);
    std::vector<float> y(x.size());
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), {7, 9, 71});
    const View<float, 3> out = contiguous_view<float, 3>(y.data(), {7, 9, 71});
    EXPECT(rank::Plan(erase_type(in), erase_type(out), options).method == method);
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        std::fill(y.begin(), y.end(), 0.0F);
        cpu::rank(erase_type(in), erase_type(out), options, {});
        std::int64_t wrong = 0;
        for (std::int64_t i = 0; i < out.size(); ++i) {
            wrong += y[static_cast<std::size_t>(i)] != wanted(in, options, i / (9 * 71), i / 71 % 9, i % 71);
        }
        EXPECT(wrong == 0);
    }
}

// A net of comparators sorts everything if it sorts zeros and ones.
template <int kN>
void check_sorting() {
    const rank::Net<kN> net = rank::sorting<kN>();
    for (int bits = 0; bits < 1 << kN; ++bits) {
        int x[kN];
        for (int i = 0; i < kN; ++i) x[i] = bits >> i & 1;
        for (int c = 0; c < net.count; ++c) {
            if (x[net.low[c]] > x[net.high[c]]) std::swap(x[net.low[c]], x[net.high[c]]);
        }
        for (int i = 1; i < kN; ++i) EXPECT(x[net.order[i - 1]] <= x[net.order[i]]);
    }
}

template <int kP, int kQ>
void check_merging() {
    const rank::Net<kP + kQ> net = rank::merging<kP, kQ>();
    for (int p = 0; p <= kP; ++p) {
        for (int q = 0; q <= kQ; ++q) {
            int x[kP + kQ];
            for (int i = 0; i < kP; ++i) x[i] = i >= p;
            for (int i = 0; i < kQ; ++i) x[kP + i] = i >= q;
            for (int c = 0; c < net.count; ++c) {
                if (x[net.low[c]] > x[net.high[c]]) std::swap(x[net.low[c]], x[net.high[c]]);
            }
            for (int i = 1; i < kP + kQ; ++i) EXPECT(x[net.order[i - 1]] <= x[net.order[i]]);
        }
    }
}

}  // namespace

TEST(rank, nets_sort_and_merge) {
    check_sorting<2>();
    check_sorting<3>();
    check_sorting<5>();
    check_sorting<8>();
    check_sorting<9>();
    EXPECT(rank::sorting<8>().count == 19);
    check_merging<1, 1>();
    check_merging<2, 1>();
    check_merging<5, 4>();
    check_merging<9, 8>();
    check_merging<9, 9>();
}

TEST(rank, boxes_at_every_level) {
    check(box({3, 3, 3}, 13), rank::Method::box);
    check(box({2, 4, 5}, 11), rank::Method::box);
    check(box({5, 5, 5}, 62), rank::Method::box);
    check(box({9, 9, 9}, 300), rank::Method::box);
    check(box({1, 3, 1}, 1), rank::Method::box);
}

TEST(rank, footprints_at_every_level) {
    rank::Options options = box({3, 3, 3}, 5);
    for (int i = 0; i < 27; ++i) options.footprint.push_back(i % 3 != 1);
    check(options, rank::Method::network);
    check(box({1, 1, 7}, 3), rank::Method::network);
    rank::Options holed = box({9, 9, 9}, 300);
    holed.footprint.assign(9 * 9 * 9, true);
    holed.footprint[100] = false;
    check(holed, rank::Method::bisect);
    check(box({1, 2, 99}, 50), rank::Method::slide);
}

TEST(rank, a_volume_in_any_order) {
    const std::vector<float> x = noise(5 * 6 * 40);
    std::vector<float> y(x.size());
    View<const float, 3> in;
    in.data = x.data() + x.size() - 1;
    const std::int64_t shape[] = {40, 6, 5};
    const std::int64_t strides[] = {-1, -40, -240};  // Fortran order, reversed
    View<float, 3> out;
    out.data = y.data();
    for (int a = 0; a < 3; ++a) {
        in.shape[a] = out.shape[a] = shape[a];
        in.strides[a] = strides[a];
        out.strides[a] = -strides[a];
    }
    const rank::Options options = box({3, 3, 3}, 20);
    cpu::rank(erase_type(in), erase_type(out), options, {});
    for (std::int64_t i = 0; i < out.size(); ++i) {
        EXPECT(out(i / 30, i / 5 % 6, i % 5) == wanted(in, options, i / 30, i / 5 % 6, i % 5));
    }
}

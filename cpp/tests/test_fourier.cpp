// SPDX-License-Identifier: Apache-2.0
// Transforms of lines side by side against the sums that they stand for.
#include "core/fourier.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "core/simd/intrinsics.hpp"
#include "expect.hpp"

using namespace voxkern;

namespace {

#include "core/simd/vec.inl.hpp"
// after vec.inl.hpp
#include "core/simd/fourier.inl.hpp"

// Lines of n points, as many as a vector has lanes: point i of lane l at [i][re or im][l].
template <class C>
struct Lines {
    explicit Lines(std::int64_t length) : n(length), data(static_cast<std::size_t>(2 * n * kVec<C>)) {
        std::uint32_t state = 1;
        for (C& x : data) {
            state = state * 1664525U + 1013904223U;
            x = static_cast<C>(static_cast<double>(state) / 4294967296.0 - 0.3);
        }
    }

    Points<C> points() { return {data.data(), 2 * kVec<C>, kVec<C>}; }
    std::complex<double> at(std::int64_t i, std::int64_t lane) const {
        const auto re = static_cast<std::size_t>(2 * i * kVec<C> + lane);
        return {static_cast<double>(data[re]), static_cast<double>(data[re + static_cast<std::size_t>(kVec<C>)])};
    }

    std::int64_t n;
    std::vector<C> data;
};

template <class C>
void expect_sums(std::int64_t n) {
    const FourierTable<C> table(n);
    const std::vector<std::int64_t> places = table.places();
    const Lines<C> x(n);
    Lines<C> made = x;
    transform_forward(table.transform(), made.points());
    const double tolerance = (sizeof(C) == 4 ? 1e-6 : 1e-14) * static_cast<double>(n);
    for (std::int64_t k = 0; k < n; ++k) {
        for (std::int64_t lane = 0; lane < kVec<C>; ++lane) {
            std::complex<double> sum = 0.0;
            for (std::int64_t j = 0; j < n; ++j) {
                sum += x.at(j, lane) *
                       std::polar(1.0, -2.0 * kPi * static_cast<double>(j * k % n) / static_cast<double>(n));
            }
            EXPECT_NEAR(std::abs(made.at(places[static_cast<std::size_t>(k)], lane) - sum), 0.0, tolerance);
        }
    }
    transform_inverse(table.transform(), made.points());
    for (std::size_t i = 0; i < x.data.size(); ++i) {
        EXPECT_NEAR(made.data[i], static_cast<double>(n) * static_cast<double>(x.data[i]), tolerance);
    }
}

}  // namespace

TEST(fourier, lengths_that_have_a_transform) {
    std::vector<std::int64_t> lengths = {144, 160, 250, 256, 270, 300};  // beyond 128 points part by part
    for (std::int64_t n = 1; n <= 96; ++n) {
        std::int64_t rest = n;
        for (const std::int64_t prime : {2, 3, 5}) {
            while (rest % prime == 0) rest /= prime;
        }
        EXPECT(has_transform(n) == (rest == 1));
        if (rest == 1) lengths.push_back(n);
    }
    EXPECT(!has_transform(0) && !has_transform(4096 * 7));
    for (const std::int64_t n : lengths) {
        expect_sums<float>(n);
        expect_sums<double>(n);
    }
}

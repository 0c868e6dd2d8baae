// SPDX-License-Identifier: Apache-2.0
#include "core/bspline.hpp"

#include "expect.hpp"

using namespace voxkern;

TEST(bspline, weights_sum_to_one_and_are_symmetric) {
    for (int order = 0; order <= kMaxSplineOrder; ++order) {
        for (double c = -3.0; c < 3.0; c += 0.01) {
            double w[kMaxTaps];
            double m[kMaxTaps];
            spline_weights(c, order, w);
            spline_weights(-c, order, m);
            double sum = 0.0;
            double moment = 0.0;
            for (int k = 0; k <= order; ++k) {
                sum += w[k];
                EXPECT(w[k] >= -1e-15);
                moment += w[k] * static_cast<double>(spline_start(c, order) + k);
            }
            EXPECT_NEAR(sum, 1.0, 1e-14);
            if (order >= 1) EXPECT_NEAR(moment, c, 1e-12);  // straight lines are reproduced
            if (order % 2 == 1 && c != std::floor(c)) {
                for (int k = 0; k <= order; ++k) EXPECT_NEAR(w[k], m[order - k], 1e-13);
            }
        }
    }
}

TEST(bspline, known_values_at_samples) {
    double w[kMaxTaps];
    spline_weights(2.0, 3, w);
    EXPECT_NEAR(w[0], 1.0 / 6, 1e-15);
    EXPECT_NEAR(w[1], 4.0 / 6, 1e-15);
    spline_weights(2.0, 5, w);
    EXPECT_NEAR(w[0], 1.0 / 120, 1e-15);
    EXPECT_NEAR(w[2], 66.0 / 120, 1e-15);
    spline_weights(2.0, 4, w);
    EXPECT_NEAR(w[2], 115.0 / 192, 1e-15);
    spline_weights(2.0, 2, w);
    EXPECT_NEAR(w[1], 0.75, 1e-15);
}

TEST(bspline, poles_are_roots_of_the_sampled_spline) {
    for (int order = 2; order <= kMaxSplineOrder; ++order) {
        double poles[2];
        const int n = spline_poles(order, poles);
        EXPECT(n == order / 2);
        double w[kMaxTaps];
        spline_weights(0.0, order, w);
        const int reach = order / 2;
        for (int p = 0; p < n; ++p) {
            double value = 0.0;
            for (int k = -reach; k <= reach; ++k) value += w[k + reach] * std::pow(poles[p], k);
            EXPECT_NEAR(value, 0.0, 1e-11);  // terms of up to 1/pole^2 cancel
            EXPECT(std::fabs(poles[p]) < 1.0);
        }
        EXPECT(spline_gain(order) > 1.0);
    }
    EXPECT(spline_gain(1) == 1.0);
}

TEST(bspline, halves_go_up) {
    EXPECT(spline_start(0.5, 0) == 1 && spline_start(-0.5, 0) == 0 && spline_start(1.499, 0) == 1);
}

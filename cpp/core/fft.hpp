// SPDX-License-Identifier: Apache-2.0
// Complex Fourier transform of a power of two, in place, in double: for tables of a few hundred
// entries inside kernels, where the set-up and dispatch of a general library cost more than the work.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/config.hpp"
#include "core/constants.hpp"

namespace voxkern {

// One step of a transform of n: entries a and a + half become the sum and the difference of two shorter transforms.
VOXKERN_HD VOXKERN_INLINE void butterfly(double* re, double* im, std::int64_t a, std::int64_t half, double cosine,
                                         double sine) {
    const std::int64_t b = a + half;
    const double x = re[b] * cosine + im[b] * sine;
    const double y = im[b] * cosine - re[b] * sine;
    re[b] = re[a] - x;
    im[b] = im[a] - y;
    re[a] += x;
    im[a] += y;
}

class Fft {
  public:
    // n is a power of two.
    explicit Fft(std::int64_t n) : n_(n), cos_(static_cast<std::size_t>(n / 2)), sin_(cos_.size()) {
        VOXKERN_ASSERT(n > 0 && (n & (n - 1)) == 0);
        const double step = 2.0 * kPi / static_cast<double>(n);
        for (std::size_t k = 0; k < cos_.size(); ++k) {
            cos_[k] = std::cos(step * static_cast<double>(k));
            sin_[k] = std::sin(step * static_cast<double>(k));
        }
    }

    std::int64_t size() const { return n_; }
    // Cosines and sines of 2 pi k / n for k below n / 2.
    const std::vector<double>& cosines() const { return cos_; }
    const std::vector<double>& sines() const { return sin_; }

    // X[k] = sum over j of x[j] exp(-2 pi i j k / n). The inverse is not divided by n; it is the
    // forward transform of the exchanged parts: call forward(im, re).
    void forward(double* re, double* im) const {
        reorder(re, im);
        for (std::int64_t half = 1; half < n_; half *= 2) {
            const std::int64_t stride = n_ / (2 * half);
            for (std::int64_t base = 0; base < n_; base += 2 * half) {
                for (std::int64_t k = 0; k < half; ++k) {
                    const auto turn = static_cast<std::size_t>(k * stride);
                    butterfly(re, im, base + k, half, cos_[turn], sin_[turn]);
                }
            }
        }
    }

  private:
    void reorder(double* re, double* im) const {
        for (std::int64_t i = 1, j = 0; i < n_; ++i) {
            std::int64_t bit = n_ >> 1;
            for (; (j & bit) != 0; bit >>= 1) j ^= bit;
            j ^= bit;
            if (i < j) {
                std::swap(re[i], re[j]);
                std::swap(im[i], im[j]);
            }
        }
    }

    std::int64_t n_;
    std::vector<double> cos_;
    std::vector<double> sin_;
};

}  // namespace voxkern

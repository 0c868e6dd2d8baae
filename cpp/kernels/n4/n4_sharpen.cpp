// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4_sharpen.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "core/fft.hpp"

namespace voxkern::n4 {
namespace {

// Twice the next power of two. ITK divides a float32 log of the bins by a double log of 2, so that
// exact powers of two come out a hair too large and are doubled once more.
std::int64_t padded_size(std::size_t bins) {
    const auto log_bins = static_cast<double>(std::log(static_cast<float>(bins)));
    return std::int64_t{1} << (static_cast<int>(std::ceil(log_bins / std::log(2.0))) + 1);
}

// Gaussian of unit area around index 0, in ITK's float32 arithmetic.
void add_gaussian(double* g, std::int64_t n, float width) {
    const auto exponent = static_cast<float>(4.0 * std::log(2.0) / static_cast<double>(width * width));
    const auto scale = static_cast<float>(2.0 * std::sqrt(std::log(2.0) / kPi) / width);
    for (std::int64_t i = 0; i < n; ++i) {
        const auto d = static_cast<float>(std::min(i, n - i));
        g[i] = static_cast<double>(scale * std::exp(-(d * d) * exponent));
    }
}

}  // namespace

std::vector<float> sharpen(const std::vector<double>& counts, const Bins& bins, double fwhm, double noise) {
    const std::int64_t size = padded_size(counts.size());
    const auto n = static_cast<std::size_t>(size);
    const std::size_t offset = (n - counts.size()) / 2;
    thread_local Fft fft(size);  // the sines of one size serve all iterations
    if (fft.size() != size) fft = Fft(size);

    // One transform for histogram (real part) and Gaussian (imaginary part; its transform is real).
    // The histogram's scale cancels; summing to 1 it does not drown the Gaussian.
    std::vector<double> re(n, 0.0);
    std::vector<double> im(n, 0.0);
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    for (std::size_t k = 0; k < counts.size(); ++k) re[k + offset] = counts[k] / total;
    add_gaussian(im.data(), size, static_cast<float>(fwhm) / bins.slope);
    fft.forward(re.data(), im.data());
    std::vector<double> gauss(n);
    std::vector<double> u_re(n);
    std::vector<double> u_im(n);
    const auto z = static_cast<double>(static_cast<float>(noise));
    for (std::size_t k = 0; k < n; ++k) {
        const std::size_t m = (n - k) % n;
        gauss[k] = 0.5 * (im[k] + im[m]);
        const double wiener = gauss[k] / (gauss[k] * gauss[k] + z);
        u_re[k] = 0.5 * (re[k] + re[m]) * wiener;
        u_im[k] = 0.5 * (im[k] - im[m]) * wiener;
    }
    fft.forward(u_im.data(), u_re.data());  // inverse: u_re is the sharpened histogram, n times

    // Expectation: Gaussian * (x U) over Gaussian * U, both in one transform there and one back.
    for (std::size_t i = 0; i < n; ++i) {
        const double u = std::max(u_re[i], 0.0);
        const float x = bins.low + (static_cast<float>(i) - static_cast<float>(offset)) * bins.slope;
        re[i] = u;
        im[i] = static_cast<double>(x) * u;
    }
    fft.forward(re.data(), im.data());
    for (std::size_t k = 0; k < n; ++k) {
        re[k] *= gauss[k];
        im[k] *= gauss[k];
    }
    fft.forward(im.data(), re.data());
    std::vector<float> expected(counts.size());
    for (std::size_t k = 0; k < counts.size(); ++k) {
        const double weight = re[k + offset];
        expected[k] = weight != 0.0 ? static_cast<float>(im[k + offset] / weight) : 0.0F;
    }
    return expected;
}

}  // namespace voxkern::n4

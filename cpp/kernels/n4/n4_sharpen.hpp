// SPDX-License-Identifier: Apache-2.0
// The sharpening step of N4: from a histogram of log intensities to the value each bin is expected
// to have had without the field. J. G. Sled et al., IEEE Trans. Med. Imaging 17 (1998), section II.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/config.hpp"
#include "core/constants.hpp"

namespace voxkern::n4 {

struct Bins {
    float low = 0.0F;    // log intensity of the first bin
    float slope = 0.0F;  // width of a bin
};

// Deconvolves `counts` with a Gaussian of `fwhm` (in log intensity) by a Wiener filter with `noise`,
// and returns the expectation of the true value in each bin.
std::vector<float> sharpen(const std::vector<double>& counts, const Bins& bins, double fwhm, double noise);

// Length of the transforms: twice the next power of two. ITK divides a float32 log of the bins by a double log of 2,
// so that exact powers of two come out a hair too large and are doubled once more.
std::int64_t padded_size(std::int64_t bins);

// The steps between the transforms, entry by entry, over five arrays of `size` numbers; all entries take one step
// before any takes the next:
//     enter, forward(re, im), deconvolve, forward(u_im, u_re), take_moments, forward(re, im), blur, forward(im, re)
// and then expected. One transform serves two real arrays, as real and imaginary part; exchanged parts go back.
struct Sharpening {
    std::int64_t size;
    std::int64_t offset;  // entry of the first bin
    Bins bins;
    double noise;
    double* re;
    double* im;
    double* gauss;
    double* u_re;
    double* u_im;

    // Numbers that sharpen `bins` bins need room for.
    static std::int64_t room(std::int64_t size) { return 5 * size; }

    VOXKERN_HD Sharpening(std::int64_t length, std::int64_t count, const Bins& binning, double wiener_noise,
                          double* memory)
        : size(length),
          offset((length - count) / 2),
          bins(binning),
          noise(static_cast<double>(static_cast<float>(wiener_noise))),
          re(memory),
          im(memory + length),
          gauss(memory + 2 * length),
          u_re(memory + 3 * length),
          u_im(memory + 4 * length) {}

    // The histogram, which sums to 1 so that it does not drown the Gaussian, and the Gaussian of unit area around
    // entry 0, in ITK's float32 arithmetic.
    VOXKERN_HD void enter(std::int64_t i, double share, double fwhm) const {
        const float width = static_cast<float>(fwhm) / bins.slope;
        const auto exponent = static_cast<float>(4.0 * std::log(2.0) / static_cast<double>(width * width));
        const auto scale = static_cast<float>(2.0 * std::sqrt(std::log(2.0) / kPi) / static_cast<double>(width));
        const auto d = static_cast<float>(i < size - i ? i : size - i);
        re[i] = share;
        im[i] = static_cast<double>(scale * std::exp(-(d * d) * exponent));
    }

    VOXKERN_HD void deconvolve(std::int64_t k) const {
        const std::int64_t m = k == 0 ? 0 : size - k;
        gauss[k] = 0.5 * (im[k] + im[m]);  // its transform is real
        const double wiener = gauss[k] / (gauss[k] * gauss[k] + noise);
        u_re[k] = 0.5 * (re[k] + re[m]) * wiener;
        u_im[k] = 0.5 * (im[k] - im[m]) * wiener;
    }

    // The sharpened histogram U, `size` times, and x U.
    VOXKERN_HD void take_moments(std::int64_t i) const {
        const double u = u_re[i] < 0.0 ? 0.0 : u_re[i];
        const float x = bins.low + (static_cast<float>(i) - static_cast<float>(offset)) * bins.slope;
        re[i] = u;
        im[i] = static_cast<double>(x) * u;
    }

    VOXKERN_HD void blur(std::int64_t k) const {
        re[k] *= gauss[k];
        im[k] *= gauss[k];
    }

    // Gaussian * (x U) over Gaussian * U.
    VOXKERN_HD float expected(std::int64_t bin) const {
        const double weight = re[bin + offset];
        return weight != 0.0 ? static_cast<float>(im[bin + offset] / weight) : 0.0F;
    }
};

}  // namespace voxkern::n4

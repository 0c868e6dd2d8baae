// SPDX-License-Identifier: Apache-2.0
// The sharpening step of N4: from a histogram of log intensities to the value each bin is expected
// to have had without the field. J. G. Sled et al., IEEE Trans. Med. Imaging 17 (1998), section II.
#pragma once

#include <vector>

namespace voxkern::n4 {

struct Bins {
    float low = 0.0F;    // log intensity of the first bin
    float slope = 0.0F;  // width of a bin
};

// Deconvolves `counts` with a Gaussian of `fwhm` (in log intensity) by a Wiener filter with `noise`,
// and returns the expectation of the true value in each bin.
std::vector<float> sharpen(const std::vector<double>& counts, const Bins& bins, double fwhm, double noise);

}  // namespace voxkern::n4

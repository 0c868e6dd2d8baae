// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4_sharpen.hpp"

#include <numeric>

#include "core/fft.hpp"

namespace voxkern::n4 {

std::int64_t padded_size(std::int64_t bins) {
    const auto log_bins = static_cast<double>(std::log(static_cast<float>(bins)));
    return std::int64_t{1} << (static_cast<int>(std::ceil(log_bins / std::log(2.0))) + 1);
}

std::vector<float> sharpen(const std::vector<double>& counts, const Bins& bins, double fwhm, double noise) {
    const auto count = static_cast<std::int64_t>(counts.size());
    const std::int64_t size = padded_size(count);
    thread_local Fft fft(size);  // the sines of one size serve all iterations
    if (fft.size() != size) fft = Fft(size);
    std::vector<double> memory(static_cast<std::size_t>(Sharpening::room(size)));
    const Sharpening s(size, count, bins, noise, memory.data());

    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    for (std::int64_t i = 0; i < size; ++i) {
        const std::int64_t bin = i - s.offset;
        const bool inside = bin >= 0 && bin < count;
        s.enter(i, inside ? counts[static_cast<std::size_t>(bin)] / total : 0.0, fwhm);
    }
    fft.forward(s.re, s.im);
    for (std::int64_t k = 0; k < size; ++k) s.deconvolve(k);
    fft.forward(s.u_im, s.u_re);
    for (std::int64_t i = 0; i < size; ++i) s.take_moments(i);
    fft.forward(s.re, s.im);
    for (std::int64_t k = 0; k < size; ++k) s.blur(k);
    fft.forward(s.im, s.re);
    std::vector<float> expected;
    for (std::int64_t k = 0; k < count; ++k) expected.push_back(s.expected(k));
    return expected;
}

}  // namespace voxkern::n4

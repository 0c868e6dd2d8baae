// SPDX-License-Identifier: Apache-2.0
// Fourier transforms of many lines side by side, of lengths 2^a 3^b 5^c: their tables. Row loops of the ISA levels
// compute them: core/simd/fourier.inl.hpp. core/fft.hpp is for one short line inside a kernel.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/config.hpp"
#include "core/constants.hpp"

namespace voxkern {

inline constexpr int kMaxRadices = 16;

// What a level needs to know of a transform. Stage s cuts each line into radix[s] parts and turns their elements by
// twiddle factors; it leaves frequencies in the order of their digits, not in that of their numbers.
template <class C>
struct LineTransform {
    std::int64_t length = 1;
    int stages = 0;
    std::int8_t radix[kMaxRadices] = {};
    const C* twiddles[kMaxRadices] = {};  // cosine and sine of 1, .. radix - 1 times j steps, for j = 1, 2, ..
};

// Lengths that have a transform.
inline bool has_transform(std::int64_t n) {
    for (const std::int64_t prime : {2, 3, 5}) {
        while (n > 0 && n % prime == 0) n /= prime;
    }
    return n == 1;
}

template <class C>
class FourierTable {
  public:
    explicit FourierTable(std::int64_t n) {
        VOXKERN_ASSERT(has_transform(n));
        transform_.length = n;
        std::vector<std::size_t> begins;
        for (std::int64_t rest = n; rest > 1;) {
            // Four last: the last stage turns nothing, so that it is best the largest.
            const std::int64_t radix = rest % 5 == 0 ? 5 : (rest % 3 == 0 ? 3 : (power_of_four(rest) ? 4 : 2));
            transform_.radix[transform_.stages++] = static_cast<std::int8_t>(radix);
            begins.push_back(twiddles_.size());
            for (std::int64_t j = 1; j < rest / radix; ++j) {
                for (std::int64_t p = 1; p < radix; ++p) {
                    const double angle = -2.0 * kPi * static_cast<double>(p * j % rest) / static_cast<double>(rest);
                    twiddles_.push_back(static_cast<C>(std::cos(angle)));
                    twiddles_.push_back(static_cast<C>(std::sin(angle)));
                }
            }
            rest /= radix;
        }
        for (std::size_t s = 0; s < begins.size(); ++s) transform_.twiddles[s] = twiddles_.data() + begins[s];
    }
    FourierTable(FourierTable&&) = default;  // the twiddle factors stay where they are
    FourierTable(const FourierTable&) = delete;
    FourierTable& operator=(const FourierTable&) = delete;

    const LineTransform<C>& transform() const { return transform_; }

    // Where a transformed line has its frequencies 0, 1, .. length - 1.
    std::vector<std::int64_t> places() const {
        std::vector<std::int64_t> places(static_cast<std::size_t>(transform_.length));
        for (std::int64_t frequency = 0; frequency < transform_.length; ++frequency) {
            std::int64_t rest = frequency;
            std::int64_t part = transform_.length;
            std::int64_t place = 0;
            for (int s = 0; s < transform_.stages; ++s) {
                part /= transform_.radix[s];
                place += rest % transform_.radix[s] * part;
                rest /= transform_.radix[s];
            }
            places[static_cast<std::size_t>(frequency)] = place;
        }
        return places;
    }

  private:
    static bool power_of_four(std::int64_t n) {
        while (n % 4 == 0) n /= 4;
        return n == 1;
    }

    std::vector<C> twiddles_;
    LineTransform<C> transform_;
};

}  // namespace voxkern

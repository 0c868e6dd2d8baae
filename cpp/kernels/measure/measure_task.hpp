// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/bins.hpp"
#include "core/cpu.hpp"
#include "kernels/measure/measure.hpp"

namespace voxkern::measure {

// 16 bits of the keys of elements, which order as the values do; a prefix is the bits above.
struct Digit {
    int shift = 0;
    std::uint64_t prefix = 0;
};
constexpr int kDigitBits = 16;
constexpr std::int64_t kDigits = std::int64_t{1} << kDigitBits;

// Places in a row; none where first > last.
struct Stretch {
    std::int64_t first;
    std::int64_t last;
};

// For the elements of one dtype. `values` lie side by side; n is 1 or more.
struct Ops {
    // Copies elements to where they lie side by side: all, or those inside; returns how many.
    void (*gather)(const void* in, std::int64_t stride, void* values, std::int64_t n);
    std::int64_t (*pack)(const void* in, std::int64_t stride, const std::uint8_t* inside, void* values, std::int64_t n);
    double (*mean)(const void* values, std::int64_t n);
    Moments (*moments)(double centre, const void* values, std::int64_t n);
    Extremes (*extremes)(const void* values, std::int64_t n);
    void (*bins)(const Bins& bins, const void* values, std::int64_t n, std::int64_t* counts);
    // Counts the digits of those elements that have the prefix.
    void (*digits)(const Digit& digit, const void* values, std::int64_t n, std::int64_t* counts);
    void (*keys)(const void* values, std::int64_t n, std::uint64_t* keys);
    // The element that has this key.
    void (*element)(std::uint64_t key, void* value);
    Stretch (*nonzero)(const void* in, std::int64_t stride, std::int64_t n);
    Stretch (*above)(double threshold, const void* in, std::int64_t stride, std::int64_t n);
};

// 1 where a mask is not zero, else 0.
using Inside = void (*)(const void* mask, std::int64_t stride, std::uint8_t* inside, std::int64_t n);

struct Level {
    Ops (*ops)(DType dtype);
    Inside (*inside)(DType dtype);
};

VOXKERN_DECLARE_LEVELS(Level, level)

}  // namespace voxkern::measure

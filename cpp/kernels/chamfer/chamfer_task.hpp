// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern::chamfer {

// No path from a zero yet. It leaves room for a step.
inline constexpr std::int32_t kFar = std::int32_t{1} << 30;

// I holds the number of a zero in C order.
template <class I>
struct RowOps {
    // A step to each of `n` samples from the one that lies opposite, in another row. `from` may be null.
    void (*beside)(const std::int32_t* there, const I* there_from, std::int32_t* steps, I* from, bool last_zero,
                   std::int64_t n);
    // Steps along a row, to the sample behind each, or before it.
    void (*along)(std::int32_t* steps, I* from, bool forwards, bool last_zero, std::int64_t n);
    // Splits numbers: places[i] = numbers[i] % extent, and the quotients stay.
    void (*split)(I* numbers, std::int64_t extent, std::int32_t* places, std::int64_t n);
};

struct Ops {
    // 0 for what is zero, else kFar.
    void (*start)(DType dtype, std::int64_t itemsize, const void* in, std::int64_t stride, std::int32_t* steps,
                  std::int64_t n);
    // Whether there is a kFar, and -1 for each.
    bool (*any_far)(const std::int32_t* steps, std::int64_t n);
    void (*mark_far)(std::int32_t* steps, std::int64_t n);
    RowOps<std::int32_t> narrow;
    RowOps<std::int64_t> wide;
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::chamfer

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern::chamfer {

// No path from a zero yet. It leaves room for a step.
inline constexpr std::int32_t kFar = std::int32_t{1} << 30;

// Where a step leads to: the sample opposite to the first one of a run. I holds the number of a zero in C order.
template <class I>
struct Way {
    const std::int32_t* steps = nullptr;
    const I* from = nullptr;
};

template <class I>
struct RowOps {
    // The best of these ways, and of none, for each of `n` samples. `from` may be null.
    void (*beside)(const Way<I>* ways, std::int64_t count, std::int32_t* steps, I* from, bool last_zero,
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
    std::int32_t (*most)(const std::int32_t* steps, std::int64_t n);
    // -1 for kFar.
    void (*mark_far)(std::int32_t* steps, std::int64_t n);
    RowOps<std::int32_t> narrow;
    RowOps<std::int64_t> wide;
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::chamfer

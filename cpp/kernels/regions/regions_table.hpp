// SPDX-License-Identifier: Apache-2.0
// How rows of a table grow and are joined.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/regions/regions.hpp"

namespace voxkern::regions {

// Extremes are kept as 8 bytes of the type they are compared in.
template <class T>
T as(std::uint64_t bits) {
    static_assert(sizeof(T) == 8);
    T value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

template <class T>
std::uint64_t bits_of(T value) {
    static_assert(sizeof(T) == 8);
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
}

// Whether a value is smaller (or larger) than the best one, which stands at `at`: -1 where there is none yet. Of equal
// ones the first counts.
template <class T, bool kSmaller>
bool is_better(T value, std::int64_t value_at, std::uint64_t best, std::int64_t at) {
    if (at < 0) return true;
    const T held = as<T>(best);
    return (kSmaller ? value < held : value > held) || (value == held && value_at < at);
}

inline void widen(std::int64_t* box, bool fresh, std::int64_t low, std::int64_t high) {
    box[0] = fresh ? low : std::min(box[0], low);
    box[1] = fresh ? high : std::max(box[1], high);
}

// Joins row `from` of table b to row `to` of table a; `image` is the dtype of the image.
void join_row(Table& a, std::size_t to, const Table& b, std::size_t from, DType image);

}  // namespace voxkern::regions

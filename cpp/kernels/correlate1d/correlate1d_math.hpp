// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA loops of correlate1d share: one output sample.
#pragma once

#include <cstdint>

#include "core/boundary.hpp"
#include "core/config.hpp"
#include "core/fir.hpp"

namespace voxkern {

// One sample, in the order of additions scipy uses for a filter without symmetry.
// `line(i)` gives the input at index i of the line.
template <class C, class Line>
VOXKERN_HD C correlate_sample(const Line& line, std::int64_t n, std::int64_t i, const C* weights, std::int64_t size,
                              std::int64_t origin, Boundary mode, C cval) {
    const std::int64_t first = i - size / 2 - origin;
    C sum = C{0};
    for (std::int64_t t = 0; t < size; ++t) {
        // The last tap is added first.
        const std::int64_t tap = t == 0 ? size - 1 : t - 1;
        const std::int64_t at = fold_index(first + tap, n, mode);
        sum += (at == kOutside ? cval : static_cast<C>(line(at))) * weights[tap];
    }
    return sum;
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// A line continued beyond its ends, for kernels that read a tile with a halo.
#pragma once

#include <cstdint>

namespace voxkern {

template <class C>
struct Extension {
    std::int64_t n = 1;                   // samples of the line
    std::int64_t before = 0;              // samples of extension ahead of it
    std::int64_t after = 0;               // and behind it
    const std::int64_t* index = nullptr;  // before + after sample indices, kOutside for cval
    C cval = C{0};
};

}  // namespace voxkern

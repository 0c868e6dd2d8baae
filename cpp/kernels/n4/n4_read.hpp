// SPDX-License-Identifier: Apache-2.0
// Rows of arrays of any dtype.
#pragma once

#include <cstdint>

#include "core/dtype.hpp"

namespace voxkern::n4 {

template <class To>
using ReadRow = void (*)(const void* from, std::int64_t stride, To* to, std::int64_t n);

template <class To>
ReadRow<To> reader_of(DType dtype) {
    return visit(dtype, [](auto type) -> ReadRow<To> {
        using From = typename decltype(type)::type;
        return [](const void* from, std::int64_t stride, To* to, std::int64_t n) {
            for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(static_cast<const From*>(from)[i * stride]);
        };
    });
}

}  // namespace voxkern::n4

// SPDX-License-Identifier: Apache-2.0
// Arrays that a kernel fills with the places it found.
#pragma once

#include "bindings/arrays.hpp"

namespace voxkern::bindings {

inline bool in_c_order(const ArrayView& array) {
    std::int64_t stride = 1;
    for (int a = array.rank - 1; a >= 0; --a) {
        if (array.size() > 0 && array.shape[a] > 1 && array.strides[a] != stride) return false;
        stride *= array.shape[a];
    }
    return true;
}

// Whether `array` holds an index along each axis of `in` for each sample: int32, one axis behind the other.
inline bool has_indices_of(const ConstArrayView& in, const ArrayView& array) {
    bool fits = array.dtype == DType::i32 && array.rank == in.rank + 1 && array.shape[0] == in.rank;
    for (int a = 0; fits && a < in.rank; ++a) fits = array.shape[a + 1] == in.shape[a];
    return fits && in_c_order(array);
}

}  // namespace voxkern::bindings

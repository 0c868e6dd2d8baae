// SPDX-License-Identifier: Apache-2.0
// Samples of a dtype known at run time. All threads take the same case. Where a kernel reads a sample many times its
// dtype is a template argument; one store per sample is cheap enough as it is.
#pragma once

#include <cuda_runtime.h>

#include "core/cast.hpp"
#include "core/dtype.hpp"

namespace voxkern::cuda {

template <class C>
__device__ C load_sample(const void* data, DType dtype, std::int64_t index) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return static_cast<C>(static_cast<const T*>(data)[index]);
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    return C{0};
}

template <class Rule, class C>
__device__ void store_sample(void* data, DType dtype, std::int64_t index, C value) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: static_cast<T*>(data)[index] = Rule::template cast<T, C>(value); return;
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
}

}  // namespace voxkern::cuda

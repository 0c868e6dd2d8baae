// SPDX-License-Identifier: Apache-2.0
// Samples of a dtype known at run time. All threads take the same case. Where a kernel reads a sample many times its
// dtype is a template argument; one store per sample is cheap enough as it is.
#pragma once

#include <cuda_runtime.h>

#include "core/cast.hpp"
#include "core/dtype.hpp"

namespace voxkern::cuda {

// Calls run(Type<T>{}) for the T that dtype names: where many samples of one dtype are read, the choice is made once.
template <class Run>
__device__ void with_type(DType dtype, const Run& run) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: run(Type<T>{}); return;
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
}

// Samples as numbers of type C and back, for core/cuda/window.hpp; results truncate and wrap, as those of filters do.
template <class C>
struct Numbers {
    using Value = C;
    DType in = DType::f32;
    DType out = DType::f32;

    template <class Run>
    __device__ void with_input(const Run& run) const {
        with_type(in, run);
    }
    template <class Run>
    __device__ void with_output(const Run& run) const {
        with_type(out, run);
    }
    template <class T>
    __device__ C load(T sample) const {
        return static_cast<C>(sample);
    }
    template <class T>
    __device__ T save(C value) const {
        return TruncateWrap::cast<T>(value);
    }
};

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

// Whether a mask has a voxel inside; without one all are. 64-bit integers that are not zero are no zeros in float64
// either, nor are subnormal numbers.
__device__ inline bool is_inside(const void* mask, DType dtype, std::int64_t index) {
    return mask == nullptr || load_sample<double>(mask, dtype, index) != 0.0;
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

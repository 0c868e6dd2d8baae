// SPDX-License-Identifier: Apache-2.0
// Launcher of the GPU kernel; all pointers lead to device memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/boundary.hpp"

namespace voxkern::cuda {

// Filters a C-contiguous float32 array seen as outer x n x inner along its middle axis, on `stream`.
// `in` and `out` must not overlap. Throws Error.
void correlate1d(const float* in, float* out, std::int64_t outer, std::int64_t n, std::int64_t inner,
                 const float* weights, std::int64_t size, std::int64_t origin, Boundary mode, float cval, float divisor,
                 cudaStream_t stream);

}  // namespace voxkern::cuda

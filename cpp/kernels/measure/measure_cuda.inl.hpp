// SPDX-License-Identifier: Apache-2.0
// The voxels that count, as the threads of a grid walk over them.
#pragma once

#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/positions.hpp"
#include "kernels/measure/measure_math.hpp"
#include "kernels/measure/measure_plan.hpp"

namespace voxkern::measure {
namespace {

struct Voxels {
    DType mask_dtype = DType::u8;
    const void* mask = nullptr;
    cuda::Positions<2> positions;  // of the voxels and the mask

    __device__ __forceinline__ bool inside(std::int64_t place) const {
        return cuda::is_inside(mask, mask_dtype, place);
    }
};

inline Voxels voxels_of(const Image& image) {
    Voxels voxels;
    voxels.positions = cuda::positions_of(walk_of(image));
    if (image.mask) {
        voxels.mask = image.mask->data;
        voxels.mask_dtype = image.mask->dtype;
    }
    return voxels;
}

// Blocks that go over so many voxels: the same number on every device.
inline unsigned blocks_for(std::int64_t voxels) {
    constexpr std::int64_t kEach = 16;  // voxels of a thread at least, where there are enough
    return cuda::grid_x(cuda::ceil_div(voxels, kEach * cuda::kBlockThreads), 1024);
}

}  // namespace
}  // namespace voxkern::measure

// SPDX-License-Identifier: Apache-2.0
// The moments of what one thread reads, to be joined with those of others.
#pragma once

#include <cuda_runtime.h>

#include <cmath>

#include "core/moments.hpp"

namespace voxkern::cuda {

struct MomentSum {
    using Part = Moments;
    double centre = 0.0;  // the first voxel: where all are equal, their squares are 0
    double count = 0.0;
    double first = 0.0;
    double second = 0.0;

    __device__ void take(double x) {
        if (count == 0.0) centre = x;
        const double d = x - centre;
        count += 1.0;
        first += d;
        second = std::fma(d, d, second);
    }
    __device__ Moments part() const {
        if (count == 0.0) return {};
        const double squares = second - first * first / count;
        return {count, centre + first / count, squares < 0.0 ? 0.0 : squares};
    }
};

}  // namespace voxkern::cuda

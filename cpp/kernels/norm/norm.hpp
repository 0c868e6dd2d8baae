// SPDX-License-Identifier: Apache-2.0
// Channels with mean 0 and variance 1, scaled, shifted and activated in one pass; see README.md in this folder.
#pragma once

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::norm {

// Whose mean and variance: each channel's of each image, each channel's over all images, or given ones. `known`: each
// channel's of each image, which another kernel has taken already.
enum class Statistics { instance, batch, given, known };

struct Options {
    Statistics statistics = Statistics::instance;
    double eps = 1e-5;   // added to variances
    float slope = 1.0F;  // what is below zero is multiplied by it: 1 keeps it, 0 makes it zero
};

// What is read beside the input: a float32 number per channel each. Absent ones have no data: weight 1, bias 0, mean 0,
// variance 1.
struct Channels {
    ConstArrayView weight;
    ConstArrayView bias;
    ConstArrayView mean;  // these two for Statistics::given
    ConstArrayView variance;
    ConstArrayView moments;  // for Statistics::known: float64 (N, C, 3), see core/moments.hpp
    ConstArrayView added;    // float32 of the input's shape: what is added in front of the activation
};

}  // namespace voxkern::norm

namespace voxkern::cpu {

// `in` and `out` are float32, (N, C, ...) of one shape with any number of axes. They are the same array, or do not
// overlap; nor does `out` overlap what is added, unless it is the same.
// out = activation((in - mean) / sqrt(variance + eps) * weight + bias + added).
void norm(const ConstArrayView& in, const ArrayView& out, const norm::Channels& channels, const norm::Options& options,
          const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`; `channels` are arrays of the device.
void norm(const ConstArrayView& in, const ArrayView& out, const norm::Channels& channels, const norm::Options& options,
          const Exec& exec);

}  // namespace voxkern::cuda

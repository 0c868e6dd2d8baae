// SPDX-License-Identifier: Apache-2.0
// Components on the GPU, as the bindings of _cuda hold them.
#pragma once

#include "core/cuda/exec.hpp"
#include "kernels/label/label.hpp"

namespace voxkern::label {

// One bit per sample, in words of 32 along the last axis. Samples side by side in a word are a run, and its first one
// stands for it. Samples are numbered in C order, 32 or 64 bits each: `parents` has the number of the first sample of
// the component there, and in its place minus the number of the component.
struct DeviceComponents {
    cuda::Exec exec;
    int rank = 0;
    std::int64_t shape[kMaxRank] = {};
    bool along = false;   // samples of a row are connected
    bool narrow = false;  // 32 bits
    cuda::Scratch<std::uint32_t> bits;
    cuda::Scratch<char> parents;
    cuda::Scratch<long long> count;
    mutable long long known = -1;  // the count, once it was fetched
};

}  // namespace voxkern::label

namespace voxkern::cuda {

using Components = label::DeviceComponents;

// As in cpu. Nothing waits but `count`, once, and `sizes`. Components are freed in the order of the stream of `exec`.
// Tests choose for how many samples 32 bits do.
Components label(const ConstArrayView& in, const label::Options& options, const Exec& exec,
                 std::int64_t most_of_32_bits = INT32_MAX);
std::int64_t count(const Components& components);
std::vector<std::int64_t> sizes(const Components& components);
void write_labels(const Components& components, const ArrayView& out, const Exec& exec);
void write_values(const Components& components, const std::vector<std::uint8_t>& values, const ArrayView& out,
                  const Exec& exec);
void write_enclosed(const Components& components, const std::vector<bool>& axes, const ArrayView& out,
                    const Exec& exec);
void fill_touched(const Components& components, const ArrayView& marks, const Exec& exec);

}  // namespace voxkern::cuda

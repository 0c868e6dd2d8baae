// SPDX-License-Identifier: Apache-2.0
// Connected components of what is not zero, or of what is; see README.md in this folder.
#pragma once

#include <memory>
#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"
#include "core/workspace.hpp"

namespace voxkern::label {

struct Options {
    std::vector<bool>
        structure;       // 3 samples along each axis, symmetric about its centre: which neighbours are connected
    bool zeros = false;  // of the zeros instead
};

// The components of an array, numbered from 1 in the order of their first samples, as runs of its rows.
struct Components {
    int rank = 0;
    std::int64_t shape[kMaxRank] = {};
    std::int64_t count = 0;
    std::vector<std::int64_t> first_run;  // of each row, and of the one behind the last
    std::unique_ptr<Workspace> memory;
    std::int32_t* begin = nullptr;  // of each run, along the last axis
    std::int32_t* end = nullptr;
    std::int32_t* label = nullptr;
};

}  // namespace voxkern::label

namespace voxkern::cpu {

// The last axis has fewer than 2^31 samples, and there are fewer than 2^31 runs: else InvalidArgument.
label::Components label(const ConstArrayView& in, const label::Options& options, const Exec& exec);

// Writes the number of its component to each sample, and 0 to the others. `out` has the shape of the array.
void write_labels(const label::Components& components, const ArrayView& out, const Exec& exec);

// The same with one byte per component in place of its number; `values` starts with that of the others. uint8.
void write_values(const label::Components& components, const std::vector<std::uint8_t>& values, const ArrayView& out,
                  const Exec& exec);

// Samples of each component; the first number is that of the others.
std::vector<std::int64_t> sizes(const label::Components& components);

// Which components have a sample that is not zero in an array of their shape; the first answer is false. bool or uint8.
std::vector<std::uint8_t> touched(const label::Components& components, const ConstArrayView& marks, const Exec& exec);

// Which components have a sample at an end of one of these axes; the first answer is false.
std::vector<std::uint8_t> at_ends(const label::Components& components, const std::vector<bool>& axes);

}  // namespace voxkern::cpu

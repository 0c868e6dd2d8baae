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

using label::Components;

// The last axis has fewer than 2^31 samples, and there are fewer than 2^31 runs: else InvalidArgument.
Components label(const ConstArrayView& in, const label::Options& options, const Exec& exec);

// Number of components.
std::int64_t count(const Components& components);

// Samples of each component; the first number is that of the others.
std::vector<std::int64_t> sizes(const Components& components);

// Writes the number of its component to each sample, and 0 to the others. `out` has the shape of the array.
void write_labels(const Components& components, const ArrayView& out, const Exec& exec);

// The same with one byte per component in place of its number; `values` starts with that of the others. uint8.
void write_values(const Components& components, const std::vector<std::uint8_t>& values, const ArrayView& out,
                  const Exec& exec);

// Writes 0 to components with a sample at an end of one of these axes, and 1 to all else. uint8.
void write_enclosed(const Components& components, const std::vector<bool>& axes, const ArrayView& out,
                    const Exec& exec);

// Writes 1 to components with a sample that is not zero in `marks`, an array of their shape, and leaves all else as it
// is. bool or uint8.
void fill_touched(const Components& components, const ArrayView& marks, const Exec& exec);

}  // namespace voxkern::cpu

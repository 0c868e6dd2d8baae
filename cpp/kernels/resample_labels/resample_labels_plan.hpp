// SPDX-License-Identifier: Apache-2.0
// The tables and tasks of a call, whoever runs it.
#pragma once

#include <vector>

#include "kernels/resample_labels/resample_labels.hpp"
#include "kernels/resample_labels/resample_labels_task.hpp"

namespace voxkern::resample_labels {

AxisRule rule_of_axis(const Options& options, int axis);

// An AxisTable and the memory its pointers lead to.
class OwnedAxis {
  public:
    OwnedAxis(const double* coordinates, std::int64_t n_out, std::int64_t n, const AxisRule& rule);
    OwnedAxis(OwnedAxis&&) = default;

    const AxisTable& table() const { return table_; }

  private:
    void fill(const std::vector<Taps>& all);

    AxisTable table_;
    std::vector<std::int64_t> index_;
    std::vector<double> weight_;
    std::vector<int> count_;
    std::vector<std::int64_t> nearest_;
    std::vector<unsigned char> outside_;
};

// Everything but the tables of the axes. Throws InvalidArgument where a voxel would weigh too many samples.
Task task_of(const ConstArrayView& in, const ArrayView& out, const Options& options);

// A label map onto a rectilinear grid.
struct Plan {
    Task task;
    std::vector<OwnedAxis> axes;
};
Plan plan_of(const ConstArrayView& in, const ArrayView& out, const Coordinates& axes, const Options& options);

// Class scores onto a rectilinear grid. `pick_lanes`: of a vector that picks may fill, 0: none.
struct ArgmaxPlan {
    ArgmaxTask task;
    std::vector<std::int64_t> index[3];
    std::vector<float> weights[3];
    std::vector<unsigned char> outside[3];
    OwnedPicks<float> picks;
};
ArgmaxPlan argmax_plan(const ConstArrayView& scores, const ArrayView& out, const Coordinates& axes, Boundary mode,
                       std::int64_t pick_lanes);

// Picks read and write whole vectors: so many samples more than a row has.
inline constexpr std::int64_t kSlack = 64;

// Memory is a Workspace, or the WorkspaceSize it is made of.
template <class Memory>
ArgmaxScratch take_scratch(Memory& memory, const ArgmaxTask& task) {
    const std::int64_t length = task.length + kSlack;
    const std::int64_t n = task.n_out[2] + kSlack;
    ArgmaxScratch scratch;
    scratch.rows = memory.template take<float>(4 * length);
    scratch.row = memory.template take<float>(length);
    scratch.score = memory.template take<float>(n);
    scratch.best = memory.template take<float>(n);
    scratch.winner = memory.template take<float>(n);
    return scratch;
}

}  // namespace voxkern::resample_labels

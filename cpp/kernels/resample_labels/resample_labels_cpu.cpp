// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/axes.hpp"
#include "core/workspace.hpp"
#include "kernels/resample_labels/resample_labels.hpp"
#include "kernels/resample_labels/resample_labels_plan.hpp"

namespace voxkern::resample_labels {
namespace {

constexpr std::int64_t kGroup = 8;  // rows of one chunk

const Ops& level_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

// Calls body(row) for every row of a chunk.
template <class Body>
void for_rows(std::int64_t rows, std::int64_t chunk, const Body& body) {
    for (std::int64_t row = chunk * kGroup; row < std::min(rows, (chunk + 1) * kGroup); ++row) body(row);
}

// Calls body(at) for every row along run_axis, its first voxel in `at`.
template <class Body>
void for_rows_of(const ArrayView& out, int run_axis, const Exec& exec, const Body& body) {
    const std::int64_t rows = out.size() / out.shape[run_axis];
    parallel_for((rows + kGroup - 1) / kGroup, exec, [&](std::int64_t chunk) {
        for_rows(rows, chunk, [&](std::int64_t row) {
            std::int64_t at[kMaxAxes] = {};
            unravel(row, out.rank, out.shape, at, run_axis);
            body(at);
        });
    });
}

// The taps of one voxel as tables of one sample.
struct VoxelTaps {
    Taps taps[kMaxAxes];
    unsigned char outside[kMaxAxes];
    AxisTable tables[kMaxAxes];

    void set(std::size_t a, const Taps& found) {
        taps[a] = found;
        outside[a] = found.inside && found.count > 0 ? 0 : 1;
        tables[a].taps = found.count;
        tables[a].index = taps[a].index;
        tables[a].weight = taps[a].weight;
        tables[a].count = &taps[a].count;
        tables[a].nearest = &taps[a].nearest;
        tables[a].outside = &outside[a];
    }
};

}  // namespace
}  // namespace voxkern::resample_labels

namespace voxkern {

using namespace resample_labels;

void cpu::resample_labels(const ConstArrayView& in, const ArrayView& out, const Coordinates& axes,
                          const Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    const Plan plan = plan_of(in, out, axes, options);
    const Task& task = plan.task;
    const Ops& ops = level_ops();
    for_rows_of(out, task.run_axis, limited_to_work(exec, 4 * out.size()), [&](const std::int64_t* at) {
        Workspace workspace(Workspace::padded(task.source_length));
        ops.row(task, at, workspace.take<unsigned char>(task.source_length));
    });
}

void cpu::warp_labels(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& offset,
                      const std::vector<double>& matrix, const Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    const Task task = task_of(in, out, options);
    const Ops& ops = level_ops();
    const auto n = static_cast<std::size_t>(in.rank);
    AxisRule rules[kMaxAxes];
    for (int a = 0; a < in.rank; ++a) rules[a] = rule_of_axis(options, a);
    for_rows_of(out, task.run_axis, limited_to_work(exec, 32 * out.size()), [&](std::int64_t* at) {
        VoxelTaps voxel;
        for (std::int64_t i = 0; i < out.shape[task.run_axis]; ++i) {
            at[task.run_axis] = i;
            std::int64_t place = 0;
            for (std::size_t a = 0; a < n; ++a) {
                double c = offset[a];
                for (std::size_t j = 0; j < n; ++j) c += matrix[a * n + j] * static_cast<double>(at[j]);
                place += at[a] * out.strides[a];
                voxel.set(a, taps_at(c, in.shape[a], rules[a]));
            }
            ops.voxel(task, voxel.tables, out.at(place));
        }
    });
}

void cpu::resample_argmax(const ConstArrayView& scores, const ArrayView& out, const Coordinates& axes, Boundary mode,
                          const Exec& exec) {
    if (out.size() == 0) return;
    const Ops& ops = level_ops();
    const ArgmaxPlan plan = argmax_plan(scores, out, axes, mode, ops.pick_lanes);
    const ArgmaxTask& task = plan.task;
    WorkspaceSize size;
    take_scratch(size, task);
    const std::int64_t rows = task.n_out[0] * task.n_out[1];
    const Exec limited = flushing_subnormals(limited_to_work(exec, 4 * out.size() * task.classes));
    parallel_for((rows + kGroup - 1) / kGroup, limited, [&](std::int64_t chunk) {
        Workspace workspace(size.bytes());
        const ArgmaxScratch scratch = take_scratch(workspace, task);
        std::fill_n(scratch.row + task.length, kSlack, 0.0F);
        for_rows(rows, chunk,
                 [&](std::int64_t row) { ops.argmax_row(task, row / task.n_out[1], row % task.n_out[1], scratch); });
    });
}

}  // namespace voxkern

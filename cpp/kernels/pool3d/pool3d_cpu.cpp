// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/workspace.hpp"
#include "kernels/pool3d/pool3d.hpp"
#include "kernels/pool3d/pool3d_task.hpp"

namespace voxkern::pool3d {
namespace {

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

AxisTask task_of(const AxisPlan& plan, const ConstArrayView& in, const ArrayView& out, int axis) {
    return {plan.first.data(), plan.count.data(), plan.size.data(), plan.step,
            in.shape[axis],    out.shape[axis],   in.strides[axis], out.strides[axis]};
}

}  // namespace
}  // namespace voxkern::pool3d

namespace voxkern::cpu {

void pool3d(const ConstArrayView& in, const ArrayView& out, const ArrayView& places, const pool3d::Options& options,
            const Exec& exec) {
    constexpr std::int64_t kChunk = std::int64_t{1} << 16;  // samples that one thread reads at a time
    if (out.size() == 0) return;
    pool3d::AxisPlan plans[pool3d::kSpatial];
    for (int a = 0; a < pool3d::kSpatial; ++a) {
        plans[a] = pool3d::plan_of(in.shape[2 + a], out.shape[2 + a], options.windows[a], options);
    }
    pool3d::Task task;
    task.in = static_cast<const float*>(in.data);
    task.out = static_cast<float*>(out.data);
    task.channels = out.shape[1];
    for (int a = 0; a < 2; ++a) {
        task.in_strides[a] = in.strides[a];
        task.out_strides[a] = out.strides[a];
    }
    task.z = pool3d::task_of(plans[0], in, out, 2);
    task.y = pool3d::task_of(plans[1], in, out, 3);
    task.x = pool3d::task_of(plans[2], in, out, 4);
    task.begin = plans[2].begin;
    task.end = plans[2].end;
    task.kernel = task.end > task.begin ? plans[2].count[static_cast<std::size_t>(task.begin)] : 1;
    task.stride = plans[2].stride;
    task.divisor = static_cast<float>(options.divisor);

    if (places.data != nullptr) {
        task.places = static_cast<std::int64_t*>(places.data);
        for (int a = 0; a < 5; ++a) task.places_strides[a] = places.strides[a];
    }

    const bool average = options.kind == pool3d::Kind::average;
    const pool3d::Ops& ops = pool3d::active_ops();
    const pool3d::PoolRows pool = average ? ops.average : task.places != nullptr ? ops.max_and_places : ops.max;
    const auto longest = [](const pool3d::AxisPlan& plan) {
        return std::max<std::int64_t>(*std::max_element(plan.count.begin(), plan.count.end()), 1);
    };
    const std::int64_t work = longest(plans[0]) * longest(plans[1]) * task.x.n_in;  // of a row
    const std::int64_t rows = out.size() / task.x.n_out;
    const std::int64_t group = std::max<std::int64_t>(kChunk / work, 1);
    const Exec limited = limited_to_work(average ? flushing_subnormals(exec) : exec, rows * work);
    parallel_for((rows + group - 1) / group, limited, [&](std::int64_t chunk) {
        const std::int64_t row_size = (task.places != nullptr ? 2 : 1) * (task.x.n_in + pool3d::kSlack);
        Workspace workspace(Workspace::bytes_of<float>({row_size, task.x.n_out}));
        float* const row = workspace.take<float>(row_size);
        std::fill(row + task.x.n_in, row + row_size, 0.0F);
        pool(task, chunk * group, std::min((chunk + 1) * group, rows), row, workspace.take<float>(task.x.n_out));
    });
}

}  // namespace voxkern::cpu

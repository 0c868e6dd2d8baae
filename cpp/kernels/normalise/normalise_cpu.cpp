// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/normalise/normalise_plan.hpp"
#include "kernels/normalise/normalise_task.hpp"

namespace voxkern::normalise {
namespace {

constexpr std::int64_t kPiece = 64 * kBlock;  // elements that one thread takes at a time

Task task_of(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out,
             const Options& options, const Axes<3>::Axis& row) {
    Task task;
    task.options = options;
    task.limits_alone = in.dtype == out.dtype && options.centre == 0.0 && options.scale == 1.0 && options.shift == 0.0;
    task.masked = mask.has_value();
    task.in = in.dtype;
    task.out = out.dtype;
    task.out_stride = row.strides[0];
    task.in_stride = row.strides[1];
    if (mask) {
        task.mask = mask->dtype;
        task.mask_bytes = size_of(mask->dtype);
        task.mask_stride = row.strides[2];
    }
    return task;
}

}  // namespace
}  // namespace voxkern::normalise

namespace voxkern {

void cpu::normalise(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out,
                    const normalise::Options& options, const Exec& exec) {
    using namespace voxkern::normalise;
    const Ops& level = VOXKERN_SELECT_LEVEL(ops);
    const Axes<3> axes = walk_of(in, mask, out);
    const Task task = task_of(in, mask, out, options, axes[axes.rank() - 1]);
    const std::int64_t size = out.size();
    const Exec flushed = in.dtype == DType::f64 || task.limits_alone ? exec : flushing_subnormals(exec);
    parallel_for((size + kPiece - 1) / kPiece, limited_to_work(flushed, size), [&](std::int64_t piece) {
        const std::int64_t last = std::min((piece + 1) * kPiece, size);
        for_stretches(axes, piece * kPiece, last, kBlock, [&](const Walk<3>& walk, std::int64_t n) {
            const auto [to, from, inside] = walk.offsets();
            level.row(task, in.at(from), mask ? mask->at(inside) : nullptr, out.at(to), n);
        });
    });
}

}  // namespace voxkern

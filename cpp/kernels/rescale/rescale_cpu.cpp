// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/axes.hpp"
#include "kernels/rescale/rescale.hpp"
#include "kernels/rescale/rescale_task.hpp"

namespace voxkern::rescale {
namespace {

constexpr std::int64_t kPiece = std::int64_t{1} << 16;  // elements that one thread takes at a time

// Long rows are cut into pieces; short ones make a chunk together.
void for_pieces(const Axes<2>& rows, std::int64_t length, const Exec& exec, const Task& task, const ConstArrayView& in,
                const ArrayView& out) {
    const Ops& level = VOXKERN_SELECT_LEVEL(ops);
    const std::int64_t count = rows.size();
    const std::int64_t pieces = (length + kPiece - 1) / kPiece;             // of one row
    const std::int64_t group = std::max<std::int64_t>(kPiece / length, 1);  // rows that make one chunk
    parallel_for((count + group - 1) / group * pieces, exec, [&](std::int64_t chunk) {
        const std::int64_t start = chunk % pieces * kPiece;
        const std::int64_t n = std::min(kPiece, length - start);
        const std::int64_t last = std::min((chunk / pieces + 1) * group, count);
        for (std::int64_t r = chunk / pieces * group; r < last; ++r) {
            const auto [from, to] = rows.at(r);
            level.row(task, in.at(from + start * task.in_stride), out.at(to + start * task.out_stride), n);
        }
    });
}

}  // namespace
}  // namespace voxkern::rescale

namespace voxkern {

void cpu::rescale(const ConstArrayView& in, const ArrayView& out, const rescale::Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    Axes<2> rows = walk_of(in, out);
    const Axes<2>::Axis row = rows.rank() > 0 ? rows.pop() : Axes<2>::Axis{1, {1, 1}};
    rescale::Task task;
    task.plan = rescale::plan_of(in.dtype, out.dtype, options);
    task.in_size = size_of(in.dtype);
    task.out_size = size_of(out.dtype);
    task.in_stride = row.strides[0];
    task.out_stride = row.strides[1];
    rescale::for_pieces(rows, row.extent, limited_to_work(exec, out.size()), task, in, out);
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
#include "core/axes.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/copy/copy_task.hpp"

namespace voxkern::copy {
namespace {

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

}  // namespace
}  // namespace voxkern::copy

namespace voxkern::cpu {

void copy(const ConstArrayView& in, const ArrayView& out, const Exec& exec) {
    constexpr std::int64_t kChunk = std::int64_t{1} << 16;  // elements that one thread takes at a time
    if (out.size() == 0) return;
    Axes<2> rows = walk_of(in, out);
    const Axes<2>::Axis line = rows.rank() > 0 ? rows.pop() : Axes<2>::Axis{1, {1, 1}};
    const copy::Row row = {in.dtype,           out.dtype,       size_of(in.dtype),
                           size_of(out.dtype), line.strides[0], line.strides[1]};
    const copy::Ops& ops = copy::active_ops();
    const std::int64_t pieces = (line.extent + kChunk - 1) / kChunk;             // of one row
    const std::int64_t group = std::max<std::int64_t>(kChunk / line.extent, 1);  // rows of one chunk
    const std::int64_t groups = (rows.size() + group - 1) / group;
    parallel_for(groups * pieces, limited_to_work(exec, out.size()), [&](std::int64_t chunk) {
        const std::int64_t start = chunk % pieces * kChunk;
        const std::int64_t count = std::min(kChunk, line.extent - start);
        const std::int64_t last = std::min((chunk / pieces + 1) * group, rows.size());
        for (std::int64_t r = chunk / pieces * group; r < last; ++r) {
            const Axes<2>::Offsets at = rows.at(r);
            ops.row(row, in.at(at[0] + start * line.strides[0]), out.at(at[1] + start * line.strides[1]), count);
        }
    });
}

}  // namespace voxkern::cpu

// SPDX-License-Identifier: Apache-2.0
#include "kernels/rescale/rescale.hpp"

#include <algorithm>
#include <cmath>

#include "core/axes.hpp"
#include "kernels/rescale/rescale_task.hpp"

namespace voxkern {
namespace {

constexpr std::int64_t kPiece = std::int64_t{1} << 16;  // elements that one thread takes at a time

bool is_integer(double x) {
    return x == std::trunc(x);
}

// Whether integers of at most 16 bits stay exact in float32 all the way.
bool values_exact_in_f32(DType in, DType out, const Rescale& how) {
    const bool whole = is_integer(how.slope) && is_integer(how.intercept);
    const double largest = std::abs(how.slope) * 65536.0 + std::abs(how.intercept);
    return in != DType::f32 && in != DType::f16 && exact_in_f32(in) && out != DType::f64 && whole &&
           largest <= 16777216.0;
}

}  // namespace

void rescale(const ConstArrayView& in, const ArrayView& out, const Rescale& how, const Exec& exec) {
    if (out.size() == 0) return;
    Axes<2> rows = walk_of(in, out);
    const Axes<2>::Axis row = rows.rank() > 0 ? rows.pop() : Axes<2>::Axis{1, {1, 1}};
    RescaleTask task;
    task.how = how;
    task.in = in.dtype;
    task.out = out.dtype;
    task.in_size = size_of(in.dtype);
    task.out_size = size_of(out.dtype);
    task.in_stride = row.strides[0];
    task.out_stride = row.strides[1];
    task.copy = in.dtype == out.dtype && how.slope == 1.0 && how.intercept == 0.0;
    task.f32 = values_exact_in_f32(in.dtype, out.dtype, how);

    const RescaleOps& ops = VOXKERN_SELECT_LEVEL(rescale_ops);
    const std::int64_t count_of_rows = rows.size();
    const std::int64_t pieces = (row.extent + kPiece - 1) / kPiece;             // of one row
    const std::int64_t group = std::max<std::int64_t>(kPiece / row.extent, 1);  // rows that make one chunk
    parallel_for((count_of_rows + group - 1) / group * pieces, limited_to_work(exec, out.size()),
                 [&](std::int64_t chunk) {
                     const std::int64_t start = chunk % pieces * kPiece;
                     const std::int64_t count = std::min(kPiece, row.extent - start);
                     const std::int64_t last = std::min((chunk / pieces + 1) * group, count_of_rows);
                     for (std::int64_t r = chunk / pieces * group; r < last; ++r) {
                         const Axes<2>::Offsets at = rows.at(r);
                         const void* const from = in.at(at[0] + start * row.strides[0]);
                         ops.row(task, from, out.at(at[1] + start * row.strides[1]), count);
                     }
                 });
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
#include "kernels/rescale/rescale.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "kernels/rescale/rescale_task.hpp"

namespace voxkern {
namespace {

constexpr std::int64_t kPiece = std::int64_t{1} << 16;  // elements that one thread takes at a time

struct Axis {
    std::int64_t n;
    std::int64_t in;
    std::int64_t out;
};

// The axes from the slowest of the output to the fastest, neighbours that lie flush in both made one.
std::vector<Axis> collapsed_axes(const ConstArrayView& in, const ArrayView& out) {
    std::vector<Axis> axes;
    for (int a = 0; a < out.rank; ++a) {
        if (out.shape[a] != 1) axes.push_back({out.shape[a], in.strides[a], out.strides[a]});
    }
    std::stable_sort(axes.begin(), axes.end(),
                     [](const Axis& a, const Axis& b) { return std::abs(a.out) > std::abs(b.out); });
    std::vector<Axis> merged;
    for (const Axis& axis : axes) {
        if (!merged.empty() && merged.back().in == axis.in * axis.n && merged.back().out == axis.out * axis.n) {
            merged.back() = {merged.back().n * axis.n, axis.in, axis.out};
        } else {
            merged.push_back(axis);
        }
    }
    if (merged.empty()) merged.push_back({1, 1, 1});
    return merged;
}

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
    const std::vector<Axis> axes = collapsed_axes(in, out);
    const Axis row = axes.back();
    RescaleTask task;
    task.how = how;
    task.in = in.dtype;
    task.out = out.dtype;
    task.in_size = size_of(in.dtype);
    task.out_size = size_of(out.dtype);
    task.in_stride = row.in;
    task.out_stride = row.out;
    task.copy = in.dtype == out.dtype && how.slope == 1.0 && how.intercept == 0.0;
    task.f32 = values_exact_in_f32(in.dtype, out.dtype, how);

    const RescaleOps& ops = VOXKERN_SELECT_LEVEL(rescale_ops);
    const std::int64_t rows = out.size() / row.n;
    const std::int64_t pieces = (row.n + kPiece - 1) / kPiece;             // of one row
    const std::int64_t group = std::max<std::int64_t>(kPiece / row.n, 1);  // rows that make one chunk
    Exec limited = exec;
    if (out.size() < kInlineWork) limited.threads = 1;
    parallel_for((rows + group - 1) / group * pieces, limited, [&](std::int64_t chunk) {
        const std::int64_t start = chunk % pieces * kPiece;
        const std::int64_t count = std::min(kPiece, row.n - start);
        const std::int64_t last = std::min((chunk / pieces + 1) * group, rows);
        for (std::int64_t r = chunk / pieces * group; r < last; ++r) {
            std::int64_t in_offset = start * row.in;
            std::int64_t out_offset = start * row.out;
            std::int64_t rest = r;
            for (std::size_t a = axes.size() - 1; a-- > 0;) {
                in_offset += rest % axes[a].n * axes[a].in;
                out_offset += rest % axes[a].n * axes[a].out;
                rest /= axes[a].n;
            }
            ops.row(task, in.at(in_offset), out.at(out_offset), count);
        }
    });
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate1d/correlate1d.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/workspace.hpp"
#include "kernels/correlate1d/correlate1d_task.hpp"

namespace voxkern {
namespace {

// Beyond this nothing is gained, and a slab is the unit of work that one thread takes.
constexpr std::int64_t kLargestSlab = std::int64_t{4} << 20;
constexpr std::int64_t kSlabBytes = std::int64_t{512} << 10;  // half of L2: passes within a slab stay in it

template <class C>
void filter_axis(const ConstArrayView& in, const ArrayView& out, const AxisFilter& filter, const Exec& exec,
                 void (*tile)(const Correlate1dTask<C>&, const TilePosition&, const Correlate1dScratch<C>&)) {
    const auto size = static_cast<std::int64_t>(filter.weights.size());
    const std::int64_t n = in.shape[filter.axis];
    Correlate1dTask<C> task;
    task.before = size / 2 + filter.origin;
    task.after = size - 1 - task.before;
    task.lines = make_lines(in, out, filter.axis, sizeof(C), task.before + n + task.after);
    const std::vector<C> weights(filter.weights.begin(), filter.weights.end());
    task.weights = weights.data();
    task.size = size;
    task.symmetry = filter_symmetry(filter.weights.data(), size);
    task.divisor = static_cast<C>(filter.divisor);
    task.cval = static_cast<C>(filter.cval);
    std::vector<std::int64_t> extension;
    for (std::int64_t e = 0; e < task.before; ++e) extension.push_back(fold_index(e - task.before, n, filter.mode));
    for (std::int64_t e = 0; e < task.after; ++e) extension.push_back(fold_index(n + e, n, filter.mode));
    task.extension = extension.data();

    // 64 more elements: whole vectors may read past the last sample.
    const std::int64_t width = task.lines.transposed ? 1 : task.lines.tile_lanes;
    const std::int64_t extended = (task.before + n + task.after) * width + 64;
    const std::int64_t row = task.lines.transposed ? n : width;
    const std::int64_t bytes = Workspace::padded(extended * static_cast<std::int64_t>(sizeof(C))) +
                               Workspace::padded(row * static_cast<std::int64_t>(sizeof(C)));
    parallel_for(task.lines.chunks, exec, [&](std::int64_t chunk) {
        Workspace workspace(bytes);
        Correlate1dScratch<C> scratch;
        scratch.extended = workspace.take<C>(extended);
        scratch.row = workspace.take<C>(row);
        const std::int64_t first = chunk * task.lines.tiles_per_chunk;
        const std::int64_t last = std::min(first + task.lines.tiles_per_chunk, task.lines.tiles);
        for (std::int64_t t = first; t < last; ++t) tile(task, tile_position(task.lines, t), scratch);
    });
}

// Sums of up to 256 16-bit integers are exact in float32, and their quotient by the size truncates
// and rounds as the float64 one does: box filters of such images need no float64.
bool exact_in_f32(const ConstArrayView& in, const ArrayView& out, const AxisFilter& filter) {
    const auto size = static_cast<double>(filter.weights.size());
    const bool box = filter.divisor == size && size <= 256.0 &&
                     std::all_of(filter.weights.begin(), filter.weights.end(), [](double w) { return w == 1.0; });
    const bool small = filter.cval == std::trunc(filter.cval) && std::abs(filter.cval) <= 65535.0;
    return box && small && in.dtype != DType::f32 && exact_in_f32(in.dtype) && out.dtype != DType::f64;
}

void filter_axis(const ConstArrayView& in, const ArrayView& out, const AxisFilter& filter, const Exec& exec) {
    const Correlate1dOps& ops = VOXKERN_SELECT_LEVEL(correlate1d_ops);
    if ((in.dtype == DType::f32 && out.dtype == DType::f32) || exact_in_f32(in, out, filter)) {
        filter_axis<float>(in, out, filter, exec, ops.tile_f32);
    } else {
        filter_axis<double>(in, out, filter, exec, ops.tile_f64);
    }
}

template <class ArrayLike>
ArrayLike slab_of(const ArrayLike& array, int axis, std::int64_t first, std::int64_t count) {
    ArrayLike slab = array;
    slab.data = array.at(first * array.strides[axis]);
    slab.shape[axis] = count;
    return slab;
}

}  // namespace

void correlate1d(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisFilter>& filters,
                 const Exec& exec) {
    if (in.size() == 0) return;
    if (in.rank == 0) {  // a scalar: a line of one sample
        ConstArrayView line = in;
        ArrayView result = out;
        line.rank = result.rank = 1;
        line.shape[0] = result.shape[0] = 1;
        correlate1d(line, result, filters, exec);
        return;
    }
    if (filters.empty()) {
        const AxisFilter identity{0, {1.0}};
        correlate1d(in, out, {identity}, exec);
        return;
    }
    std::int64_t work = 0;
    for (const AxisFilter& filter : filters) work += in.size() * static_cast<std::int64_t>(filter.weights.size());
    const Exec limited = limited_to_work(exec, work / 4);

    // Passes along other axes than the slowest never cross a slab of it: runs of such passes are
    // made slab by slab, so that the volume travels through memory once per run instead of once per pass.
    const int slow = slowest_first(out.rank, out.strides).front();
    const std::int64_t n = out.shape[slow];
    const std::int64_t plane = std::max<std::int64_t>(out.size() / n * size_of(out.dtype), 1);
    const std::int64_t thickness = std::clamp<std::int64_t>(kSlabBytes / plane, 1, n);
    const ConstArrayView result = as_const(out);
    std::size_t next = 0;
    while (next < filters.size()) {
        const ConstArrayView& from = next == 0 ? in : result;
        std::size_t end = next;
        while (plane <= kLargestSlab && end < filters.size() && filters[end].axis != slow) ++end;
        if (end <= next + 1) {
            filter_axis(from, out, filters[next], limited);
            ++next;
            continue;
        }
        parallel_for((n + thickness - 1) / thickness, limited, [&](std::int64_t slab) {
            const std::int64_t first = slab * thickness;
            const std::int64_t count = std::min(thickness, n - first);
            const ArrayView target = slab_of(out, slow, first, count);
            for (std::size_t f = next; f < end; ++f) {
                filter_axis(f == next ? slab_of(from, slow, first, count) : as_const(target), target, filters[f], {});
            }
        });
        next = end;
    }
}

}  // namespace voxkern

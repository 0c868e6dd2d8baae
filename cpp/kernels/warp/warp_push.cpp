// SPDX-License-Identifier: Apache-2.0
// The adjoint of warp. Slabs of the image belong to one chunk each, which goes through all grid values that
// reach it, in order: no two threads add to one sample, and the sum never depends on their number.
#include <algorithm>

#include "kernels/copy/copy.hpp"
#include "kernels/warp/warp_map.hpp"
#include "kernels/warp/warp_source.hpp"

namespace voxkern {
namespace {

// Planes of a slab. Runs near a border between slabs are gone through on either side of it, so there are no more
// than the threads need; a sample's sum has the same order whatever the slab.
std::int64_t planes_per_slab(std::int64_t planes, int threads) {
    const std::int64_t slabs = 4 * threads;
    return std::max<std::int64_t>((planes + slabs - 1) / slabs, 8);
}

// The runs that the grid is cut into, in order.
class GridRuns {
  public:
    GridRuns(const ConstArrayView& values, int run_axis) : values_(values), run_axis_(run_axis) {
        per_row_ = (values.shape[run_axis] + kRun - 1) / kRun;
        count_ = per_row_;
        for (int j = 0; j < values.rank; ++j) count_ *= j == run_axis ? 1 : values.shape[j];
    }

    std::int64_t count() const { return count_; }

    WarpRun run(const WarpTask& task, std::int64_t index) const {
        WarpRun run;
        run.at[run_axis_] = index % per_row_ * kRun;
        run.count = std::min<std::int64_t>(kRun, values_.shape[run_axis_] - run.at[run_axis_]);
        std::int64_t rest = index / per_row_;
        for (int j = values_.rank - 1; j >= 0; --j) {
            if (j == run_axis_) continue;
            run.at[j] = rest % values_.shape[j];
            rest /= values_.shape[j];
        }
        lead_run(task, run);
        return run;
    }

  private:
    const ConstArrayView& values_;
    int run_axis_;
    std::int64_t per_row_;
    std::int64_t count_;
};

// Multiplies the first and last sample of every line along axis a.
template <class C>
void scale_ends(const ArrayView& view, int a, C factor) {
    std::int64_t positions = 1;
    for (int b = 0; b < view.rank; ++b) positions *= b == a ? 1 : view.shape[b];
    for (std::int64_t p = 0; p < positions; ++p) {
        std::int64_t rest = p;
        std::int64_t element = 0;
        for (int b = view.rank - 1; b >= 0; --b) {
            if (b == a) continue;
            element += rest % view.shape[b] * view.strides[b];
            rest /= view.shape[b];
        }
        C* const line = static_cast<C*>(view.data) + element;
        line[0] *= factor;
        line[(view.shape[a] - 1) * view.strides[a]] *= factor;
    }
}

// The transposed prefilter. Mirrored lines weigh their ends half: with W for those weights, W times the
// matrix that the prefilter inverts is symmetric; for the other extensions the matrix itself is.
template <class C>
void prefilter_transposed(const ArrayView& line, const WarpParams& params, const Exec& exec) {
    const bool mirrors = prefilter_boundary(params.mode) == Boundary::mirror;
    for (int a = 0; a < line.rank && mirrors; ++a) {
        if (line.shape[a] > 1) scale_ends(line, a, C(2));
    }
    prefilter(as_const(line), line, params.kernel, params.mode, exec);
    for (int a = 0; a < line.rank && mirrors; ++a) {
        if (line.shape[a] > 1) scale_ends(line, a, C(0.5));
    }
}

// The transposed padding: what lies in the pad of axis a goes back to the edge it repeats.
template <class C>
void fold_pad(const Padded& geometry, C* data, int a) {
    std::int64_t positions = 1;
    for (int b = 0; b < geometry.axes; ++b) positions *= b == a ? 1 : geometry.shape[b] + 2 * geometry.margin;
    for (std::int64_t p = 0; p < positions; ++p) {
        std::int64_t rest = p;
        std::int64_t element = geometry.margin * geometry.strides[a];
        for (int b = geometry.axes - 1; b >= 0; --b) {
            if (b == a) continue;
            const std::int64_t count = geometry.shape[b] + 2 * geometry.margin;
            element += rest % count * geometry.strides[b];
            rest /= count;
        }
        C* const line = data + element;
        C* const end = line + (geometry.shape[a] - 1) * geometry.strides[a];
        for (std::int64_t k = 1; k <= geometry.margin; ++k) {
            *line += line[-k * geometry.strides[a]];
            *end += end[k * geometry.strides[a]];
        }
    }
}

template <class C>
void push_item(const ConstArrayView& values, const ArrayView& image, const WarpParams& params,
               const WarpKernels<C>& kernels, const Exec& exec) {
    const bool filters = params.kernel.filters() && params.prefilter;
    const std::int64_t pad = filters ? prefilter_pad(params.kernel, params.mode) : 0;
    const Padded geometry = padded_geometry(image.rank, image.shape, pad);
    Workspace workspace(Workspace::padded(geometry.size * static_cast<std::int64_t>(sizeof(C))));
    C* const sum = workspace.take<C>(geometry.size);
    WarpTask task;
    task.axes = image.rank;
    task.grid_axes = values.rank;
    task.offset = params.map.offset.empty() ? nullptr : params.map.offset.data();
    task.matrix = params.map.matrix.empty() ? nullptr : params.map.matrix.data();
    task.field_matrix = params.map.field_matrix.empty() ? nullptr : params.map.field_matrix.data();
    for (int a = 0; a < task.axes; ++a) task.component_of[a] = a;
    set_field(params.map.field, task);
    task.run_axis = values.rank - 1;
    task.target = static_cast<char*>(const_cast<void*>(values.data));
    task.target_dtype = values.dtype;
    task.target_itemsize = size_of(values.dtype);
    std::copy_n(values.strides, values.rank, task.target_strides);
    std::copy_n(geometry.shape, geometry.axes, task.source.shape);
    std::copy_n(geometry.strides, geometry.axes, task.source.strides);
    task.source.pad = pad;
    task.kernel = params.kernel;
    task.mode = params.mode;

    const GridRuns grid(values, task.run_axis);
    std::vector<Planes> reach(static_cast<std::size_t>(grid.count()));
    constexpr std::int64_t kRuns = 256;
    parallel_for((grid.count() + kRuns - 1) / kRuns, exec, [&](std::int64_t chunk) {
        for (std::int64_t i = chunk * kRuns; i < std::min(grid.count(), (chunk + 1) * kRuns); ++i) {
            reach[static_cast<std::size_t>(i)] = kernels.reach(task, grid.run(task, i));
        }
    });
    const std::int64_t planes = image.shape[0] + 2 * pad;
    const std::int64_t plane = geometry.strides[0];
    const std::int64_t per_slab = planes_per_slab(planes, exec.threads);
    parallel_for((planes + per_slab - 1) / per_slab, exec, [&](std::int64_t chunk) {
        const Planes slab = {chunk * per_slab, std::min((chunk + 1) * per_slab, planes)};
        std::fill(sum + slab.begin * plane, sum + slab.end * plane, C{0});
        for (std::int64_t i = 0; i < grid.count(); ++i) {
            const Planes& near = reach[static_cast<std::size_t>(i)];
            if (near.begin < slab.end && near.end > slab.begin) kernels.push(task, grid.run(task, i), slab, sum);
        }
    });
    if (filters) prefilter_transposed<C>(view_within(geometry, sum, pad), params, exec);
    if (params.mode == Boundary::nearest) {
        for (int a = 0; a < geometry.axes; ++a) fold_pad(geometry, sum, a);
    }
    cpu::copy(as_const(view_within(geometry, sum, 0)), image, exec);
}

}  // namespace

void push(const ConstArrayView& values, const ArrayView& image, const WarpParams& params, const Exec& exec) {
    if (image.size() == 0) return;
    const int axes = params.map.image_axes;
    ArrayView item = image;
    item.rank = axes;
    ConstArrayView grid = values;
    grid.rank = params.map.grid_axes;
    const Exec limited = limited_to_work(exec, 4 * (image.size() + values.size()));
    const WarpOps& ops = VOXKERN_SELECT_LEVEL(warp_ops);
    std::int64_t items = 1;
    for (int b = axes; b < image.rank; ++b) items *= image.shape[b];
    for (std::int64_t i = 0; i < items; ++i) {
        std::int64_t rest = i;
        std::int64_t to = 0;
        std::int64_t from = 0;
        for (int b = image.rank - 1; b >= axes; --b) {
            const std::int64_t index = rest % image.shape[b];
            rest /= image.shape[b];
            to += index * image.strides[b];
            from += index * values.strides[b - axes + params.map.grid_axes];
        }
        item.data = image.at(to);
        grid.data = values.at(from);
        if (exact_in_f32(values.dtype) && exact_in_f32(image.dtype) && !params.float64) {
            push_item<float>(grid, item, params, ops.f32, limited);
        } else {
            push_item<double>(grid, item, params, ops.f64, limited);
        }
    }
}

}  // namespace voxkern

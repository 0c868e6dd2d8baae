// SPDX-License-Identifier: Apache-2.0
// The adjoint of warp. A slab of the image belongs to one chunk, which goes through all grid values that reach it,
// in order: no two threads add to one sample, and no sum depends on their number.
#include <algorithm>

#include "core/workspace.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/warp/warp_source_cpu.hpp"

namespace voxkern::warp {
namespace {

// Planes of a slab. Runs near a border between slabs are gone through on either side of it, so there are no more
// than the threads need; a sample's sum has the same order whatever the slab.
std::int64_t planes_per_slab(std::int64_t planes, int threads) {
    const std::int64_t slabs = 4 * threads;
    return std::max<std::int64_t>((planes + slabs - 1) / slabs, 8);
}

// Runs along each axis of the grid.
struct GridRuns {
    std::int64_t shape[kMaxAxes];
    std::int64_t count = 1;

    explicit GridRuns(const Task& task) {
        for (int j = 0; j < task.map.grid_axes; ++j) {
            shape[j] = j == task.run_axis ? (task.grid.shape[j] + kRun - 1) / kRun : task.grid.shape[j];
            count *= shape[j];
        }
    }

    Run run(const Task& task, std::int64_t index) const {
        Run run;
        unravel(index, task.map.grid_axes, shape, run.at);
        std::int64_t& first = run.at[task.run_axis];
        first *= kRun;
        run.count = std::min<std::int64_t>(kRun, task.grid.shape[task.run_axis] - first);
        return run;
    }
};

// Calls body(line, samples, stride) for every line along axis a.
template <class C, class Body>
void for_lines(const ArrayView& view, int a, const Body& body) {
    Axes<1> lines;
    for (int b = 0; b < view.rank; ++b) {
        if (b != a) lines.push(view.shape[b], {view.strides[b]});
    }
    for (std::int64_t i = 0; i < lines.size(); ++i) {
        body(static_cast<C*>(view.data) + lines.at(i)[0], view.shape[a], view.strides[a]);
    }
}

template <class C>
void scale_ends(const ArrayView& view, C factor) {
    for (int a = 0; a < view.rank; ++a) {
        if (view.shape[a] == 1) continue;
        for_lines<C>(view, a, [&](C* line, std::int64_t n, std::int64_t stride) {
            line[0] *= factor;
            line[(n - 1) * stride] *= factor;
        });
    }
}

// Mirrored lines weigh their ends half: with W for those weights, W times the matrix that the prefilter inverts is
// symmetric; for the other extensions the matrix itself is.
template <class C>
void prefilter_transposed(const ArrayView& sums, const Options& options, const Exec& exec) {
    const bool mirrors = prefilter_boundary(options.mode) == Boundary::mirror;
    if (mirrors) scale_ends(sums, C(2));
    prefilter(as_const(sums), sums, options, exec);
    if (mirrors) scale_ends(sums, C(0.5));
}

// The transposed padding: sums in the pad go back to the edge that it repeats.
template <class C>
void fold_pad(const ArrayView& sums, std::int64_t pad) {
    for (int a = 0; a < sums.rank; ++a) {
        for_lines<C>(sums, a, [&](C* line, std::int64_t n, std::int64_t stride) {
            C& first = line[pad * stride];
            C& last = line[(n - 1 - pad) * stride];
            for (std::int64_t k = 1; k <= pad; ++k) {
                first += line[(pad - k) * stride];
                last += line[(n - 1 - pad + k) * stride];
            }
        });
    }
}

// Adds the values of the whole grid to the sums.
template <class C>
void push_grid(const Task& task, const Padded& geometry, const Kernels<C>& kernels, C* sum, const Exec& exec) {
    constexpr std::int64_t kRuns = 256;
    const GridRuns grid(task);
    std::vector<Planes> reach(static_cast<std::size_t>(grid.count));
    parallel_for((grid.count + kRuns - 1) / kRuns, exec, [&](std::int64_t chunk) {
        for (std::int64_t i = chunk * kRuns; i < std::min(grid.count, (chunk + 1) * kRuns); ++i) {
            reach[static_cast<std::size_t>(i)] = kernels.reach(task, grid.run(task, i));
        }
    });
    const std::int64_t planes = geometry.shape[0] + 2 * geometry.margin;
    const std::int64_t plane = geometry.strides[0];
    const std::int64_t per_slab = planes_per_slab(planes, exec.threads);
    parallel_for((planes + per_slab - 1) / per_slab, exec, [&](std::int64_t chunk) {
        const Planes slab = {chunk * per_slab, std::min((chunk + 1) * per_slab, planes)};
        std::fill(sum + slab.begin * plane, sum + slab.end * plane, C{0});
        for (std::int64_t i = 0; i < grid.count; ++i) {
            const Planes& near = reach[static_cast<std::size_t>(i)];
            if (near.begin < slab.end && near.end > slab.begin) kernels.push(task, grid.run(task, i), slab, sum);
        }
    });
}

template <class C>
void push_batch(const ConstArrayView& values, const ArrayView& image, const Options& options, Plan& plan,
                const Kernels<C>& kernels, const Exec& exec) {
    const Padded& geometry = plan.padded;
    Workspace workspace(Workspace::bytes_of<C>({geometry.size}));
    C* const sum = workspace.take<C>(geometry.size);
    const ArrayView sums = view_within(geometry, sum, geometry.margin);
    ArrayView item = image;
    item.rank = geometry.axes;
    for (std::int64_t i = 0; i < plan.batch.size(); ++i) {
        const auto [from, to] = plan.batch.at(i);
        plan.task.grid.base = static_cast<char*>(const_cast<void*>(values.at(from)));
        push_grid(plan.task, geometry, kernels, sum, exec);
        if (options.kernel.filters() && options.prefilter) prefilter_transposed<C>(sums, options, exec);
        if (options.mode == Boundary::nearest) fold_pad<C>(sums, geometry.pad);
        item.data = image.at(to);
        cpu::copy(as_const(view_within(geometry, sum, 0)), item, exec);
    }
}

void run(const ConstArrayView& values, const ArrayView& image, const CoordinateMap& map, const Options& options,
         const Exec& exec) {
    if (image.size() == 0) return;
    const Exec limited = limited_to_work(exec, 4 * (image.size() + values.size()));
    Plan plan = plan_push(values, image, map, options);
    const Ops& ops = VOXKERN_SELECT_LEVEL(ops);
    if (computes_in_f32(values.dtype, image.dtype, options)) {
        push_batch<float>(values, image, options, plan, ops.f32, flushing_subnormals(limited));
    } else {
        push_batch<double>(values, image, options, plan, ops.f64, limited);
    }
}

}  // namespace
}  // namespace voxkern::warp

namespace voxkern::cpu {

void push(const ConstArrayView& values, const ArrayView& image, const warp::CoordinateMap& map,
          const warp::Options& options, const Exec& exec) {
    warp::run(values, image, map, options, exec);
}

}  // namespace voxkern::cpu

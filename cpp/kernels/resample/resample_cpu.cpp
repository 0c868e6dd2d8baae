// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <memory>

#include "core/tiles.hpp"
#include "kernels/resample/resample_plan.hpp"

namespace voxkern::resample {
namespace {

// Elements of each part of a Scratch.
struct ScratchSizes {
    std::int64_t smoothed = 0;
    std::int64_t plane = 0;
    std::int64_t taps = 0;
    std::int64_t rows = 0;
    std::int64_t halo = 0;
    std::int64_t columns = 0;
    std::int64_t result = 0;
    std::int64_t staging = 0;
    std::int64_t converted = 0;

    template <class C>
    std::int64_t bytes() const {
        return Workspace::bytes_of<C>({smoothed, plane, taps, rows, halo, columns, result, staging, converted});
    }

    template <class C>
    Scratch<C> take(Workspace& workspace) const {
        Scratch<C> scratch;
        scratch.smoothed = workspace.take<C>(smoothed);
        scratch.plane = workspace.take<C>(plane);
        scratch.taps = workspace.take<C>(taps);
        scratch.rows = workspace.take<C>(rows);
        scratch.halo = workspace.take<C>(halo);
        scratch.columns = workspace.take<C>(columns);
        scratch.result = workspace.take<C>(result);
        scratch.staging = workspace.take<C>(staging);
        scratch.converted = workspace.take<C>(converted);
        return scratch;
    }
};

template <class C>
std::int64_t smoothing_rows(const AxisPlan<C>& plan) {
    return plan.smooth_size > 0 ? plan.n_in + plan.smooth_size : 0;
}

// The slowest axis: input -> the volume between the passes.
template <class C>
void first_pass(const Kernels<C>& kernels, const Task<C>& task, const AxisPlan<C>& pass, const ConstArrayView& in,
                const View<C, 3>& between, const Exec& exec) {
    const std::int64_t rows = pass.n_in + 2 * pass.prefilter.pad;
    const Lines lines = make_lines(in, erase_type(between), 0, sizeof(C), rows);
    ScratchSizes sizes;
    sizes.smoothed = smoothing_rows(pass) * lines.tile_lanes;
    sizes.plane = rows * lines.tile_lanes;
    sizes.staging = lines.tile_lanes;
    for_tiles(lines, exec, sizes.bytes<C>(), [&](Workspace& workspace, std::int64_t /*chunk*/) {
        const Scratch<C> scratch = sizes.take<C>(workspace);
        return [&, scratch](const TilePosition& at) { kernels.first_axis(task, pass, lines, at, scratch); };
    });
}

// Output planes, each combined along the slowest axis, then resampled along the other two.
template <class C>
void planes(const Kernels<C>& kernels, const Task<C>& task, const Exec& exec) {
    constexpr std::int64_t W = 64 / static_cast<std::int64_t>(sizeof(C));
    const AxisPlan<C>& middle = task.axis[1];
    const AxisPlan<C>& last = task.axis[2];
    const std::int64_t width = (last.n_in + W - 1) / W * W;
    ScratchSizes sizes;
    sizes.smoothed = smoothing_rows(middle) * width;
    sizes.plane = (middle.n_in + 2 * middle.prefilter.pad) * width;
    sizes.taps = kMaxInterpolatorTaps * width;
    sizes.rows = W * width + 2 * W;  // picks read two vectors from any sample on
    sizes.halo = smoothing_rows(last) * W;
    sizes.columns = (last.n_in + 2 * last.prefilter.pad) * W;
    sizes.result = 64 * W;
    sizes.staging = last.n_out * W + W;
    sizes.converted = task.stream ? last.n_out * W : 0;
    parallel_for(task.axis[0].n_out, exec, [&](std::int64_t k) {
        Workspace workspace(sizes.bytes<C>());
        kernels.plane(task, k, sizes.take<C>(workspace));
    });
}

// The volume that `task.source` describes, as a view.
template <class C>
ConstArrayView source_view(const Task<C>& task) {
    ConstArrayView in;
    in.data = task.source.base;
    in.dtype = task.source.dtype;
    in.rank = 3;
    const std::int64_t strides[] = {task.source.step, task.source.row, task.source.lane};
    for (int a = 0; a < 3; ++a) {
        in.shape[a] = task.axis[a].n_in;
        in.strides[a] = strides[a];
    }
    return in;
}

template <class C>
void resample_volume(const VolumePlan<C>& plan, const Kernels<C>& kernels, const void* in, void* out,
                     const Exec& exec) {
    Task<C> task = plan.task;
    task.source.base = static_cast<char*>(const_cast<void*>(in));
    task.target.base = static_cast<char*>(out);
    for (int a = 0; a < 3; ++a) task.axis[a] = plan.axis[a].plan();
    if (!plan.two_passes) {
        planes(kernels, task, exec);
        return;
    }
    const ConstArrayView source = source_view(task);
    AxisPlan<C> pass = task.axis[0];
    if (plan.interpolated.empty()) {
        const AxisPlan<C>& as_they_are = plan.coefficients.plan();
        pass.n_out = as_they_are.n_out;
        pass.taps = 1;
        pass.index = as_they_are.index;
        pass.weights = as_they_are.weights;
    } else {
        task.axis[0] = plan.interpolated.plan();
        task.axis[0].outside = pass.outside;
    }
    const std::int64_t n1 = task.axis[1].n_in;
    const std::int64_t n2 = task.axis[2].n_in;
    Workspace workspace(Workspace::bytes_of<C>({pass.n_out * n1 * n2}));
    const View<C, 3> between = contiguous_view<C, 3>(workspace.take<C>(pass.n_out * n1 * n2), {pass.n_out, n1, n2});
    first_pass(kernels, task, pass, source, between, exec);
    task.source_offset = C{0};
    task.source = {reinterpret_cast<char*>(between.data), DTypeOf<C>::value, sizeof(C), n1 * n2, n2, 1};
    planes(kernels, task, exec);
}

template <class C>
void find_range(const ConstArrayView& in, const Kernels<C>& kernels, const Exec& exec, C* lowest, C* highest) {
    ArrayView same;  // only its strides are looked at
    same.dtype = in.dtype;
    same.rank = in.rank;
    for (int a = 0; a < in.rank; ++a) same.strides[a] = in.strides[a];
    const Lines lines = make_lines(in, same, 0, sizeof(C), in.shape[0]);
    const std::int64_t row = std::max(lines.tile_lanes, lines.length);
    const C infinity = std::numeric_limits<C>::infinity();
    std::vector<C> lows(static_cast<std::size_t>(lines.chunks), infinity);
    std::vector<C> highs(static_cast<std::size_t>(lines.chunks), -infinity);
    for_tiles(lines, exec, Workspace::bytes_of<C>({row}), [&](Workspace& workspace, std::int64_t chunk) {
        C* const low = &lows[static_cast<std::size_t>(chunk)];
        C* const high = &highs[static_cast<std::size_t>(chunk)];
        C* const buffer = workspace.take<C>(row);
        return [=, &lines, &kernels](const TilePosition& at) { kernels.range(lines, at, buffer, low, high); };
    });
    *lowest = *std::min_element(lows.begin(), lows.end());
    *highest = *std::max_element(highs.begin(), highs.end());
    if (*lowest > *highest) {  // nothing but NaN: nothing to limit
        *lowest = -infinity;
        *highest = infinity;
    }
}

// Interpolates up to three axes, `chosen`.
template <class C>
void resample_axes(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
                   const Options& options, const std::vector<int>& chosen, const Finish<C>& limits,
                   const Kernels<C>& kernels, const Exec& exec) {
    const AxisOrder order = order_axes(in, out, chosen, options);
    VolumePlan<C> plan(in, out, axes, options, order.walked, chosen, kernels.pick_lanes);
    plan.task.finish.lowest = limits.lowest;
    plan.task.finish.highest = limits.highest;
    for (std::int64_t item = 0; item < order.batch.size(); ++item) {
        const Axes<2>::Offsets at = order.batch.at(item);
        resample_volume(plan, kernels, in.at(at[0]), out.at(at[1]), exec);
    }
}

// An array of the compute type between two rounds of axes, and its memory.
template <class C>
ArrayView between_rounds(const ConstArrayView& from, const std::vector<AxisSampling>& axes,
                         const std::vector<int>& chosen, std::unique_ptr<Workspace>& memory) {
    ArrayView view;
    view.dtype = DTypeOf<C>::value;
    view.rank = from.rank;
    for (int a = 0; a < view.rank; ++a) view.shape[a] = from.shape[a];
    for (const int a : chosen) {
        view.shape[a] = static_cast<std::int64_t>(axes[static_cast<std::size_t>(a)].coordinates.size());
    }
    std::int64_t stride = 1;
    for (int a = view.rank - 1; a >= 0; --a) {
        view.strides[a] = stride;
        stride *= view.shape[a];
    }
    memory = std::make_unique<Workspace>(Workspace::bytes_of<C>({stride}));
    view.data = memory->take<C>(stride);
    return view;
}

template <class C>
void resample_array(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
                    const Options& options, const Kernels<C>& kernels, const Exec& exec) {
    Finish<C> limits;
    if (options.clip) find_range(in, kernels, exec, &limits.lowest, &limits.highest);
    const std::vector<int> changed = changed_axes(in, axes, options);
    Options between = options;
    between.clip = false;
    std::unique_ptr<Workspace> memory;
    ConstArrayView from = in;
    for (std::size_t begin = 0;; begin += 3) {
        const std::size_t end = std::min(begin + 3, changed.size());
        const auto at = [&](std::size_t k) { return changed.begin() + static_cast<std::ptrdiff_t>(k); };
        const std::vector<int> chosen(at(begin), at(end));
        if (end == changed.size()) {
            resample_axes(from, out, axes, options, chosen, limits, kernels, exec);
            return;
        }
        std::unique_ptr<Workspace> next;
        const ArrayView to = between_rounds<C>(from, axes, chosen, next);
        resample_axes(from, to, axes, between, chosen, limits, kernels, exec);
        memory = std::move(next);
        from = as_const(to);
    }
}

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

}  // namespace
}  // namespace voxkern::resample

namespace voxkern::cpu {

void resample(const ConstArrayView& in, const ArrayView& out, const std::vector<resample::AxisSampling>& axes,
              const resample::Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    const Exec limited = limited_to_work(exec, in.size() + out.size());
    const resample::Ops& ops = resample::active_ops();
    if (resample::computes_in_f32(in.dtype, out.dtype, options)) {
        const bool copies = options.kernel.taps() == 1;
        resample::resample_array<float>(in, out, axes, options, ops.f32,
                                        copies ? limited : flushing_subnormals(limited));
    } else {
        resample::resample_array<double>(in, out, axes, options, ops.f64, limited);
    }
}

void value_range(const ConstArrayView& in, const Exec& exec, double* lowest, double* highest) {
    resample::find_range<double>(in, resample::active_ops().f64, limited_to_work(exec, in.size()), lowest, highest);
}

}  // namespace voxkern::cpu

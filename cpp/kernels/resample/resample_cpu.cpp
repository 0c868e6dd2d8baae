// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <memory>

#include "core/passes.hpp"
#include "core/tiles.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/resample/resample_line_cpu.hpp"

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

constexpr std::int64_t kChunkSamples = std::int64_t{1} << 16;
constexpr std::int64_t kLongestRow = std::int64_t{1} << 18;

// Calls run(workspace, plane, begin, end) for all rows of `planes` output planes. A chunk is blocks of rows of one
// plane.
template <class C, class Run>
void for_rows(const Task<C>& task, std::int64_t first, std::int64_t planes, std::int64_t samples, std::int64_t bytes,
              const Exec& exec, const Run& run) {
    constexpr std::int64_t kBlock = 64 / static_cast<std::int64_t>(sizeof(C));
    const std::int64_t rows = task.axis[1].n_out;
    const std::int64_t row = task.axis[2].n_in + task.axis[2].n_out;
    const std::int64_t blocks = std::clamp<std::int64_t>(samples / (row * kBlock), 1, rows);
    const std::int64_t per_chunk = std::min(blocks * kBlock, rows);
    const std::int64_t per_plane = (rows + per_chunk - 1) / per_chunk;
    parallel_for(planes * per_plane, exec, [&](std::int64_t chunk) {
        Workspace workspace(bytes);
        const std::int64_t begin = chunk % per_plane * per_chunk;
        run(workspace, first + chunk / per_plane, begin, std::min(begin + per_chunk, rows));
    });
}

template <class C, class Run>
void for_rows(const Task<C>& task, std::int64_t samples, std::int64_t bytes, const Exec& exec, const Run& run) {
    for_rows(task, 0, task.axis[0].n_out, samples, bytes, exec, run);
}

// Elements of the scratch memory of rows.
template <class C>
ScratchSizes row_sizes(const Task<C>& task) {
    constexpr std::int64_t W = 64 / static_cast<std::int64_t>(sizeof(C));
    const AxisPlan<C>& last = task.axis[2];
    const std::int64_t width = (last.n_in + W - 1) / W * W;
    ScratchSizes sizes;
    sizes.taps = kMaxInterpolatorTaps * width;
    constexpr std::int64_t rows = kBlockRows<C>;
    sizes.rows = rows * width + 2 * W;  // picks read two vectors from any sample on
    sizes.halo = smoothing_rows(last) * rows;
    sizes.columns = (last.n_in + 2 * last.prefilter.pad) * rows;
    sizes.result = 64 * rows;
    sizes.staging = last.n_out * rows + W;
    sizes.converted = task.stream || task.turned ? last.n_out * rows : 0;
    return sizes;
}

// And of a plane before axes 1 and 2.
template <class C>
ScratchSizes plane_sizes(const Task<C>& task) {
    constexpr std::int64_t W = 64 / static_cast<std::int64_t>(sizeof(C));
    const AxisPlan<C>& middle = task.axis[1];
    const std::int64_t width = (task.axis[2].n_in + W - 1) / W * W;
    ScratchSizes sizes;
    sizes.smoothed = smoothing_rows(middle) * width;
    sizes.plane = (middle.n_in + 2 * middle.prefilter.pad) * width;
    return sizes;
}

// Output rows, each combined along the slower axes, then resampled along the fastest.
template <class C>
void interpolate_rows(const Kernels<C>& kernels, const Task<C>& task, const Exec& exec) {
    ScratchSizes sizes = row_sizes(task);
    std::int64_t samples = kChunkSamples;
    if (!task.direct) {
        const ScratchSizes plane = plane_sizes(task);
        sizes.smoothed = plane.smoothed;
        sizes.plane = plane.plane;
        // Rows share their plane where it is filtered, and much of it where many taps lie in it.
        const bool filtered = task.axis[1].prefilter.poles > 0 || task.axis[1].smooth_size > 0;
        samples = filtered ? std::numeric_limits<std::int64_t>::max() : 16 * kChunkSamples;
    }
    for_rows(task, samples, sizes.bytes<C>(), exec,
             [&](Workspace& workspace, std::int64_t k, std::int64_t begin, std::int64_t end) {
                 kernels.rows(task, k, begin, end, sizes.take<C>(workspace));
             });
}

// The same where planes are few or large: the threads make one plane together, then its rows.
template <class C>
void interpolate_shared_planes(const Kernels<C>& kernels, const Task<C>& task, const Exec& exec) {
    constexpr std::int64_t kColumns = 4 * 64 / static_cast<std::int64_t>(sizeof(C));
    const std::int64_t n1 = task.axis[1].n_in;
    const std::int64_t n2 = task.axis[2].n_in;
    const std::int64_t width = (n2 + kColumns / 4 - 1) / (kColumns / 4) * (kColumns / 4);
    const std::int64_t piece = std::max<std::int64_t>(kChunkSamples / n2, 1);
    const ScratchSizes sizes = row_sizes(task);
    Workspace memory(plane_sizes(task).template bytes<C>());
    const Scratch<C> shared = plane_sizes(task).template take<C>(memory);
    const auto with_plane = [&](Workspace& workspace) {
        Scratch<C> scratch = sizes.take<C>(workspace);
        scratch.smoothed = shared.smoothed;
        scratch.plane = shared.plane;
        return scratch;
    };
    for (std::int64_t k = 0; k < task.axis[0].n_out; ++k) {
        if (task.axis[0].outside == nullptr || task.axis[0].outside[k] == 0) {
            parallel_for((n1 + piece - 1) / piece, exec, [&](std::int64_t chunk) {
                Workspace workspace(sizes.bytes<C>());
                kernels.combine_plane(task, k, chunk * piece, std::min((chunk + 1) * piece, n1), with_plane(workspace));
            });
            parallel_for((width + kColumns - 1) / kColumns, exec, [&](std::int64_t chunk) {
                kernels.filter_plane(task, chunk * kColumns, std::min((chunk + 1) * kColumns, width), shared);
            });
        }
        for_rows(task, k, 1, kChunkSamples, sizes.bytes<C>(), exec,
                 [&](Workspace& workspace, std::int64_t plane, std::int64_t begin, std::int64_t end) {
                     kernels.rows(task, plane, begin, end, with_plane(workspace));
                 });
    }
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
Task<C> task_of(const VolumePlan<C>& plan, const void* in, void* out) {
    Task<C> task = plan.task;
    task.source.base = static_cast<char*>(const_cast<void*>(in));
    task.target.base = static_cast<char*>(out);
    for (int a = 0; a < 3; ++a) task.axis[a] = plan.axis[a].plan();
    return task;
}

template <class C>
void interpolate_planes(const Kernels<C>& kernels, const Task<C>& task, const Exec& exec) {
    if (task.shares_plane) {
        interpolate_shared_planes(kernels, task, exec);
    } else {
        interpolate_rows(kernels, task, exec);
    }
}

template <class C>
void resample_volume(const VolumePlan<C>& plan, const Kernels<C>& kernels, Task<C> task, const Exec& exec) {
    if (!plan.two_passes) {
        interpolate_planes(kernels, task, exec);
        return;
    }
    const ConstArrayView source = source_view(task);
    AxisPlan<C> pass = task.axis[0];
    const AxisPlan<C>& between_planes = plan.between.plan();
    if (plan.interpolates) {
        task.axis[0] = between_planes;
        task.axis[0].outside = pass.outside;
    } else {
        pass.n_out = between_planes.n_out;
        pass.taps = 1;
        pass.index = between_planes.index;
        pass.weights = between_planes.weights;
    }
    const std::int64_t n1 = task.axis[1].n_in;
    const std::int64_t n2 = task.axis[2].n_in;
    Workspace workspace(Workspace::bytes_of<C>({pass.n_out * n1 * n2}));
    const View<C, 3> between = contiguous_view<C, 3>(workspace.take<C>(pass.n_out * n1 * n2), {pass.n_out, n1, n2});
    first_pass(kernels, task, pass, source, between, exec);
    task.source_offset = C{0};
    task.source = {reinterpret_cast<char*>(between.data), DTypeOf<C>::value, sizeof(C), n1 * n2, n2, 1};
    interpolate_planes(kernels, task, exec);
}

// Means over cells.
template <class C>
void average_volume(const Kernels<C>& kernels, const Task<C>& task, const Exec& exec) {
    const ScratchSizes sizes = row_sizes(task);
    for_rows(task, kChunkSamples, sizes.bytes<C>(), exec,
             [&](Workspace& workspace, std::int64_t k, std::int64_t begin, std::int64_t end) {
                 kernels.cells(task, k, begin, end, sizes.take<C>(workspace));
             });
}

// Samples taken as they are.
template <class C>
void gather_volume(const Kernels<C>& kernels, const Task<C>& task, const Exec& exec) {
    constexpr std::int64_t W = 64 / static_cast<std::int64_t>(sizeof(C));
    ScratchSizes sizes;
    sizes.rows = task.axis[2].n_in + 2 * W;
    sizes.staging =
        8 / static_cast<std::int64_t>(sizeof(C)) * (task.axis[2].n_out + W);  // elements may be larger than C
    for_rows(task, kChunkSamples, sizes.bytes<C>(), exec,
             [&](Workspace& workspace, std::int64_t k, std::int64_t begin, std::int64_t end) {
                 kernels.gather(task, k, begin, end, sizes.take<C>(workspace));
             });
}

template <class C>
void find_range(const ConstArrayView& in, const Kernels<C>& kernels, const Exec& exec, C* lowest, C* highest) {
    ArrayView same;  // only its strides are looked at
    same.dtype = in.dtype;
    same.rank = in.rank;
    for (int a = 0; a < in.rank; ++a) same.strides[a] = in.strides[a];
    const C infinity = std::numeric_limits<C>::infinity();
    *lowest = -infinity;
    *highest = infinity;
    if (in.size() == 0) return;
    const Lines lines = make_cut_lines(in, same, 0, sizeof(C), 0, 1);
    const std::int64_t row = std::max(lines.tile_lanes, lines.piece * lines.width);
    std::vector<C> lows(static_cast<std::size_t>(lines.chunks), infinity);
    std::vector<C> highs(static_cast<std::size_t>(lines.chunks), -infinity);
    for_tiles(lines, exec, Workspace::bytes_of<C>({row}), [&](Workspace& workspace, std::int64_t chunk) {
        C* const low = &lows[static_cast<std::size_t>(chunk)];
        C* const high = &highs[static_cast<std::size_t>(chunk)];
        C* const buffer = workspace.take<C>(row);
        return [=, &lines, &kernels](const TilePosition& at) { kernels.range(lines, at, buffer, low, high); };
    });
    const C low = *std::min_element(lows.begin(), lows.end());
    const C high = *std::max_element(highs.begin(), highs.end());
    if (low > high) return;  // nothing but NaN: nothing to limit
    *lowest = low;
    *highest = high;
}

// Interpolates up to three axes, `chosen`.
template <class C>
void resample_axes(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
                   const Options& options, const std::vector<int>& chosen, const Finish<C>& limits,
                   const Kernels<C>& kernels, const Exec& exec) {
    if (chosen.size() == 1) {
        const AxisSampling& sampling = axes[static_cast<std::size_t>(chosen[0])];
        if (is_long_line(in, out, sampling, chosen[0], options)) {
            resample_lines(in, out, sampling, chosen[0], options, limits, kernels, exec);
            return;
        }
    }
    const AxisOrder order = order_axes(in, out, chosen, options);
    const int rows_along = order.walked.back();
    const std::int64_t row = in.shape[rows_along];
    if (row > kLongestRow && std::find(chosen.begin(), chosen.end(), rows_along) == chosen.end()) {
        // Samples that stay side by side go a piece at a time: scratch memory grows with the length of a row.
        const std::int64_t pieces = (row + kLongestRow - 1) / kLongestRow;
        for (std::int64_t p = 0; p < pieces; ++p) {
            const std::int64_t begin = row * p / pieces;
            const std::int64_t count = row * (p + 1) / pieces - begin;
            resample_axes(slab_of(in, rows_along, begin, count), slab_of(out, rows_along, begin, count), axes, options,
                          chosen, limits, kernels, exec);
        }
        return;
    }
    const bool gather = gathers(in.dtype, out.dtype, axes, options);
    const bool cells = has_cells(axes);
    const bool picks = !cells && (!gather || in.dtype == DTypeOf<C>::value);
    VolumePlan<C> plan(in, out, axes, options, order.walked, chosen, picks ? kernels.pick_lanes : 0, exec);
    plan.task.finish.lowest = limits.lowest;
    plan.task.finish.highest = limits.highest;
    // Where cval blends in, it is limited like any other value.
    if (options.mode == Boundary::grid_constant) plan.task.cval = plan.task.finish(C{0});
    for (std::int64_t item = 0; item < order.batch.size(); ++item) {
        const Axes<2>::Offsets at = order.batch.at(item);
        const Task<C> task = task_of(plan, in.at(at[0]), out.at(at[1]));
        if (gather) {
            gather_volume(kernels, task, exec);
        } else if (cells) {
            average_volume(kernels, task, exec);
        } else {
            resample_volume(plan, kernels, task, exec);
        }
    }
}

// An array between two rounds of axes, in the memory order of the result, and its memory.
ArrayView between_rounds(DType dtype, const ConstArrayView& from, const ArrayView& out, const std::vector<int>& chosen,
                         std::unique_ptr<Workspace>& memory) {
    const ArrayView like = after_round(from, out, chosen);
    memory = std::make_unique<Workspace>(like.size() * size_of(dtype));
    return packed_like(memory->take<char>(0), dtype, like);
}

// Puts cval where samples lie outside along an axis. What a round puts there is interpolated and limited by the next.
template <class C>
void mark_outside(const ConstArrayView& in, const ArrayView& out, int axis, const AxisSampling& sampling,
                  const Options& options, const Exec& exec) {
    const C cval = static_cast<C>(options.cval);
    const std::int64_t m = out.shape[axis];
    const auto outside = [&](std::int64_t i) {
        return is_outside(sampling.coordinates[static_cast<std::size_t>(i)], in.shape[axis], options);
    };
    for (std::int64_t begin = 0, end = 0; begin < m; begin = end) {
        const bool marks = outside(begin);
        for (end = begin + 1; end < m && outside(end) == marks;) ++end;
        if (!marks) continue;
        const ArrayView slab = slab_of(out, axis, begin, end - begin);
        ConstArrayView value = as_const(slab);
        value.data = &cval;
        value.dtype = DTypeOf<C>::value;
        std::fill_n(value.strides, value.rank, 0);
        cpu::copy(value, slab, exec);
    }
}

template <class C>
void resample_array(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
                    const Options& options, const Kernels<C>& kernels, const Exec& exec) {
    Finish<C> limits;
    if (options.clip) find_range(in, kernels, exec, &limits.lowest, &limits.highest);
    if (options.boolean) {
        limits.lowest = options.clip ? std::clamp(limits.lowest, C{0}, C{1}) : C{0};
        limits.highest = options.clip ? std::clamp(limits.highest, C{0}, C{1}) : C{1};
    }
    Options between = options;
    between.clip = false;
    Options last = options;
    last.clip = options.clip || options.boolean;
    const DType dtype = gathers(in.dtype, out.dtype, axes, options) ? in.dtype : DTypeOf<C>::value;
    std::unique_ptr<Workspace> memory;
    ConstArrayView from = in;
    const std::vector<std::vector<int>> rounds = rounds_of(in, out, axes, options);
    for (std::size_t r = 0; r + 1 < rounds.size(); ++r) {
        std::unique_ptr<Workspace> next;
        const ArrayView to = between_rounds(dtype, from, out, rounds[r], next);
        resample_axes(from, to, axes, between, rounds[r], limits, kernels, exec);
        memory = std::move(next);
        from = as_const(to);
    }
    resample_axes(from, out, axes, last, rounds.back(), limits, kernels, exec);
    for (std::size_t r = 0; r + 1 < rounds.size(); ++r) {
        for (const int a : rounds[r]) mark_outside<C>(in, out, a, axes[static_cast<std::size_t>(a)], options, exec);
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
    const resample::Ops& ops = resample::active_ops();
    const bool f32 = resample::computes_in_f32(in.dtype, out.dtype, options);
    const bool copies = options.kernel.taps() == 1 && std::all_of(axes.begin(), axes.end(), [](const auto& axis) {
                            return !axis.sums() && axis.antialias_sigma == 0.0;
                        });
    resample::for_each_clipped(
        in, out, axes, options,
        [&](const ConstArrayView& from, const ArrayView& to, const std::vector<resample::AxisSampling>& samplings) {
            const Exec limited = limited_to_work(exec, from.size() + to.size());
            if (f32) {
                resample::resample_array<float>(from, to, samplings, options, ops.f32,
                                                copies ? limited : flushing_subnormals(limited));
            } else {
                resample::resample_array<double>(from, to, samplings, options, ops.f64, limited);
            }
        });
}

void value_range(const ConstArrayView& in, const Exec& exec, double* lowest, double* highest) {
    resample::find_range<double>(in, resample::active_ops().f64, limited_to_work(exec, in.size()), lowest, highest);
}

}  // namespace voxkern::cpu

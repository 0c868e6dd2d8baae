// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "core/workspace.hpp"
#include "kernels/resample/resample.hpp"
#include "kernels/warp/warp_source_cpu.hpp"

namespace voxkern::warp {
namespace {

constexpr std::int64_t kRows = 16;  // neighbouring rows of a chunk: the samples they read share cache lines

void set_limits(const ConstArrayView& image, const Options& options, const Exec& exec, Task& task) {
    task.limits = options.clip || options.boolean;
    task.lowest = -std::numeric_limits<double>::infinity();
    task.highest = std::numeric_limits<double>::infinity();
    if (options.clip) cpu::value_range(image, exec, &task.lowest, &task.highest);
    if (options.boolean) {
        task.lowest = std::clamp(task.lowest, 0.0, 1.0);
        task.highest = std::clamp(task.highest, 0.0, 1.0);
    }
}

// One image of the batch onto its grid. A chunk is kRows rows that follow each other along the second fastest axis, or
// as many runs of the only axis.
void warp_image(const Task& task, const std::vector<int>& order, void (*warp_run)(const Task&, const Run&),
                const Exec& exec) {
    const int n = static_cast<int>(order.size());
    const auto axis = [&](int k) { return order[static_cast<std::size_t>(k)]; };
    const auto shape = [&](int k) { return task.grid.shape[axis(k)]; };
    std::int64_t counts[kMaxAxes];  // chunks along each axis
    std::int64_t chunks = 1;
    for (int k = 0; k < n; ++k) {
        counts[k] = k + 1 == n ? 1 : (k + 2 == n ? (shape(k) + kRows - 1) / kRows : shape(k));
        if (n == 1) counts[k] = (shape(k) + kRows * kRun - 1) / (kRows * kRun);
        chunks *= counts[k];
    }
    parallel_for(chunks, exec, [&](std::int64_t chunk) {
        std::int64_t index[kMaxAxes];
        unravel(chunk, n, counts, index);
        Run run;
        for (int k = 0; k < n; ++k) run.at[axis(k)] = index[k];
        const std::int64_t begin = n > 1 ? index[n - 2] * kRows : 0;
        const std::int64_t end = n > 1 ? std::min(begin + kRows, shape(n - 2)) : 1;
        const std::int64_t left = n > 1 ? 0 : index[0] * kRows * kRun;
        const std::int64_t right = n > 1 ? shape(n - 1) : std::min(left + kRows * kRun, shape(0));
        for (std::int64_t row = begin; row < end; ++row) {
            if (n > 1) run.at[axis(n - 2)] = row;
            for (std::int64_t x = left; x < right; x += kRun) {
                run.at[task.run_axis] = x;
                run.count = std::min<std::int64_t>(kRun, right - x);
                warp_run(task, run);
            }
        }
    });
}

template <class C>
void warp_batch(const ConstArrayView& image, const ArrayView& out, const Options& options, Plan& plan,
                const Kernels<C>& kernels, const Exec& exec) {
    Workspace workspace(Workspace::bytes_of<C>({plan.padded.size}));
    C* const copy = workspace.take<C>(plan.padded.size);
    Task& task = plan.task;
    for (std::int64_t item = 0; item < plan.batch.size(); ++item) {
        const auto [from, to] = plan.batch.at(item);
        plan.image.data = image.at(from);
        task.source.base = static_cast<const char*>(plan.image.data);
        if (task.source.padded()) {
            fill_padded<C>(plan.image, options, plan.padded, copy, exec);
            task.source.base = reinterpret_cast<const char*>(copy + plan.padded.first);
            task.source.dtype = DTypeOf<C>::value;
            task.source.itemsize = sizeof(C);
        }
        task.grid.base = static_cast<char*>(out.at(to));
        warp_image(task, plan.grid_order, kernels.warp, exec);
    }
}

void run(const ConstArrayView& image, const ArrayView& out, const CoordinateMap& map, const Options& options,
         const Exec& exec) {
    if (out.size() == 0) return;
    const Exec limited = limited_to_work(exec, 4 * out.size());
    Plan plan = plan_warp(image, out, map, options);
    set_limits(image, options, limited, plan.task);
    const Ops& ops = VOXKERN_SELECT_LEVEL(ops);
    if (computes_in_f32(image.dtype, out.dtype, options)) {
        const bool copies = options.kernel.taps() == 1;
        warp_batch<float>(image, out, options, plan, ops.f32, copies ? limited : flushing_subnormals(limited));
    } else {
        warp_batch<double>(image, out, options, plan, ops.f64, limited);
    }
}

}  // namespace
}  // namespace voxkern::warp

namespace voxkern::cpu {

void warp(const ConstArrayView& image, const ArrayView& out, const warp::CoordinateMap& map,
          const warp::Options& options, const Exec& exec) {
    warp::run(image, out, map, options, exec);
}

}  // namespace voxkern::cpu

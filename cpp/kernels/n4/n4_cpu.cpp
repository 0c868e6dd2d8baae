// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include "core/error.hpp"
#include "core/workspace.hpp"
#include "kernels/n4/n4.hpp"
#include "kernels/n4/n4_convergence.hpp"
#include "kernels/n4/n4_math.hpp"
#include "kernels/n4/n4_run.hpp"
#include "kernels/n4/n4_sharpen.hpp"

namespace voxkern::n4 {
namespace {

constexpr std::int64_t kVoxelsPerChunk = std::int64_t{1} << 12;

// Extremes of log image - field: the old ones, moved by the last step.
Extremes range_of(const Run& run, const Level& level, const Extremes& old, float& drift) {
    const Spline field = level.spline(level.field);
    const float largest = std::max({std::fabs(old.low), std::fabs(old.high), largest_of(level.field)});
    const float reach = largest_of(level.step) + kRounding * largest;
    drift += reach;
    const Bounds bounds = {drift, {old.low + reach, old.high - reach}};
    std::vector<Extremes> found(static_cast<std::size_t>(run.chunks()), Extremes{kHuge, -kHuge});
    parallel_for(run.chunks(), run.exec, [&](std::int64_t chunk) {
        Extremes& all = found[static_cast<std::size_t>(chunk)];
        for_planes(run, level, chunk, [&](std::int64_t plane, const Scratch& scratch) {
            const Extremes here = run.ops.extremes(run.grid, field, plane, bounds, scratch);
            all = {std::min(all.low, here.low), std::max(all.high, here.high)};
        });
    });
    Extremes range = {kHuge, -kHuge};
    for (const Extremes& here : found) {
        range = {std::min(range.low, here.low), std::max(range.high, here.high)};
    }
    return range;
}

struct Measured {
    std::vector<double> histogram;
    double convergence = std::numeric_limits<double>::infinity();
    float reach = kHuge;  // of the step that was measured
};

Bins bins_of(const Run& run, const Extremes& range) {
    return {range.low, (range.high - range.low) / static_cast<float>(run.options.bins - 1)};
}

// Histogram of log image - field, and ITK's measure of the last step: the coefficient of variation of
// the ratio of the fields before and after it. `last_reach` is that of the step before: a good guess of
// this one's, so that ITK's measure can be emulated beside the sweep and not after it.
Measured measure(const Run& run, const Level& level, const Extremes& range, bool stepped, float last_reach) {
    const auto bins = static_cast<std::size_t>(run.options.bins);
    const Spline field = level.spline(level.field);
    const Spline step = level.spline(level.step);
    const Bins binning = bins_of(run, range);
    const auto last_bin = static_cast<std::int32_t>(bins - 1);
    const int fraction_bits = fraction_bits_of(run.options.bins);
    const auto one = static_cast<float>(std::int64_t{1} << fraction_bits);
    // ITK drops the maximum where rounding puts it beyond the last bin.
    const bool rounded = run.options.itk && binning.slope > 0.0F;
    const float high_bin = rounded ? (range.high - range.low) / binning.slope : static_cast<float>(last_bin);
    const float reach = largest_of(level.step);
    std::vector<std::int64_t> count(bins, 0);
    std::vector<std::int64_t> fraction(bins, 0);
    std::vector<Moments> moments(static_cast<std::size_t>(run.grid.planes));
    std::mutex mutex;  // integer sums do not mind the order
    Prefix prefix;
    const std::int64_t early = stepped && run.options.itk ? 1 : 0;
    parallel_for(run.chunks() + early, run.exec, [&](std::int64_t chunk) {
        if (chunk < early) {
            extend(prefix, run, level, last_reach);
            return;
        }
        std::vector<std::int64_t> own(2 * bins, 0);
        const Measure task{&field,
                           stepped ? &step : nullptr,
                           reach,
                           range.low,
                           range.high,
                           one / binning.slope,
                           fraction_bits,
                           static_cast<std::int32_t>(high_bin * one),
                           last_bin,
                           own.data(),
                           own.data() + bins};
        for_planes(run, level, chunk - early, [&](std::int64_t plane, const Scratch& scratch) {
            moments[static_cast<std::size_t>(plane)] = run.ops.measure(run.grid, task, plane, scratch);
        });
        const std::lock_guard<std::mutex> lock(mutex);
        for (std::size_t k = 0; k < bins; ++k) {
            count[k] += own[k];
            fraction[k] += own[bins + k];
        }
    });

    Measured result;
    result.histogram.resize(bins);
    for (std::size_t k = 0; k < bins; ++k) {  // a sample between two edges counts for both, by nearness
        const std::int64_t before = k > 0 ? fraction[k - 1] : 0;
        result.histogram[k] =
            static_cast<double>(count[k]) + static_cast<double>(before - fraction[k]) / static_cast<double>(one);
    }
    if (stepped) {
        result.reach = reach_of(moments, 0);
        result.convergence = run.options.itk ? itk_convergence(prefix, run, level, moments)
                                             : true_convergence(moments, run.image.voxels());
    }
    return result;
}

// What the grid contributes to each control point of `to`: of the weights (residual is nullptr), or of
// the residuals of log image - field of `from`. Planes are contracted in parallel and added in order.
std::vector<double> contracted(const Run& run, const Level& from, const Level& to, const Residual* residual) {
    const int power = residual != nullptr ? 3 : 2;
    const Spline field = from.spline(from.field);
    Residual task = residual != nullptr ? *residual : Residual{};
    task.field = &field;
    task.rows = to.row.basis();
    task.columns = to.column.basis();
    task.tables = AxisTables::fitting(to.row, to.column, power);
    const std::int64_t size = to.plane_size();
    Workspace workspace(run.grid.planes * size * 8);
    auto* const planes = workspace.take<double>(run.grid.planes * size);
    parallel_for(run.chunks(), run.exec, [&](std::int64_t chunk) {
        for_planes(run, to, chunk, [&](std::int64_t plane, const Scratch& scratch) {
            run.ops.fit(run.grid, task, plane, scratch, planes + plane * size);
        });
    });
    std::vector<double> lattice(static_cast<std::size_t>(to.size()), 0.0);
    for (std::int64_t plane = 0; plane < run.grid.planes; ++plane) {
        to.plane.scatter(plane, power, planes + plane * size, size, lattice.data());
    }
    return lattice;
}

// Sharpens the histogram, fits the difference it makes, and adds that to the field of `to`.
void take_step(const Run& run, const Level& from, Level& to, const std::vector<double>& weights, const Extremes& range,
               const std::vector<double>& histogram) {
    const Bins bins = bins_of(run, range);
    const std::vector<float> expected = sharpen(histogram, bins, run.options.fwhm, run.options.noise);
    const std::size_t last = expected.size() - 1;
    std::vector<float> table(last + kEntryEnd, 0.0F);
    for (std::size_t k = 0; k <= last; ++k) {
        const double edge = static_cast<double>(bins.low) + static_cast<double>(k) * static_cast<double>(bins.slope);
        table[k] = static_cast<float>(edge - static_cast<double>(expected[k]));
    }
    table[last + 1] = table[last];
    table[last + kEntryBelow] = bins.low - expected[last];
    table[last + kEntryBelow + 1] = table[last + kEntryBelow] + bins.slope;
    Residual residual{};
    residual.low = bins.low;
    residual.inverse_slope = 1.0F / bins.slope;
    residual.last_bin = static_cast<std::int32_t>(last);
    residual.table = table.data();
    const std::vector<double> sums = contracted(run, from, to, &residual);
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const double value = sums[i] / weights[i];
        to.step[i] = weights[i] > kLeastWeight && std::isfinite(value) ? static_cast<float>(value) : 0.0F;
        to.field[i] += to.step[i];
    }
}

double mean_of(const Run& run, const Level& level) {
    const Spline field = level.spline(level.field);
    std::vector<double> sums(static_cast<std::size_t>(run.grid.planes));
    parallel_for(run.chunks(), run.exec, [&](std::int64_t chunk) {
        for_planes(run, level, chunk, [&](std::int64_t plane, const Scratch& scratch) {
            sums[static_cast<std::size_t>(plane)] = run.ops.total(run.grid, field, plane, scratch);
        });
    });
    double sum = 0.0;
    for (const double s : sums) sum += s;
    return sum / static_cast<double>(run.image.voxels());
}

// Tables and zero lattices of the grid.
Level level_of(const Run& run, const Controls& controls) {
    return make_level(run.image.order(), run.image.origin(), {run.grid.planes, run.grid.rows, run.grid.columns},
                      controls, run.options.spline_order, run.options.axes);
}

// Fits every level, from coarse to fine, and returns the last one.
Level fit_levels(const Run& run, const std::vector<Controls>& controls, const Observer& observer, Fit& fit) {
    const Options& options = run.options;
    Level level = level_of(run, controls.front());
    float drift = 0.0F;
    Extremes range = range_of(run, level, {0.0F, 0.0F}, drift);  // of the log image: the field is still 0
    check_contrast(range.low, range.high);
    Measured measured = measure(run, level, range, false, kHuge);
    const bool measured_step = options.watched || options.convergence_threshold > 0.0;
    for (std::size_t l = 0; l < controls.size(); ++l) {
        Level finer = l == 0 ? level : level_of(run, controls[l]);
        if (l > 0) finer.field = refined(level, options.spline_order);
        const std::vector<double> weight_sums = contracted(run, level, finer, nullptr);
        for (std::int64_t i = 1; i <= options.iterations[l] && range.high > range.low; ++i) {
            take_step(run, i == 1 ? level : finer, finer, weight_sums, range, measured.histogram);
            range = range_of(run, finer, range, drift);
            measured = measure(run, finer, range, measured_step, measured.reach);
            fit.trace.push_back({static_cast<std::int64_t>(l), i, measured.convergence});
            if (observer) observer(fit.trace.back());
            if (!(measured.convergence > options.convergence_threshold)) break;
        }
        level = std::move(finer);
    }
    return level;
}

// A sweep takes some 8 ns per voxel.
Exec limited_to_voxels(const Exec& exec, std::int64_t voxels) {
    return limited_to_work(exec, 8 * voxels);
}

Fit fit_of(const Image& image, const Options& options, const Observer& observer, const Exec& exec) {
    const Grid& grid = image.grid();
    const std::int64_t planes = std::max<std::int64_t>(kVoxelsPerChunk / (grid.rows * grid.columns), 1);
    const Exec flushing = flushing_subnormals(limited_to_voxels(exec, image.voxels()));
    const Run run{image, grid, options, VOXKERN_SELECT_LEVEL(ops), flushing, planes};
    const std::vector<Controls> controls = controls_of_levels(options, image.order());
    Fit fit;
    const Level level = fit_levels(run, controls, observer, fit);
    fit.lattice = {controls.back(), to_image_axes(level.field, image.order(), controls.back()), options.spline_order};
    fit.mean_log_field = mean_of(run, level);
    fit.voxels = image.voxels();
    fit.not_positive = image.not_positive();
    return fit;
}

void divide(const Target& target, const Lattice& lattice, const std::vector<Axis>& axes, const Exec& exec) {
    const ConstArrayView& in = target.in;
    const ArrayView& out = target.out;
    const ArrayView* const field = target.field;
    const MemoryOrder order = memory_order(out);
    const std::int64_t samples[3] = {length_along(out, order.plane), length_along(out, order.row),
                                     length_along(out, order.column)};
    const std::int64_t origin[3] = {0, 0, 0};
    Level level = make_level(order, origin, samples, lattice.shape, lattice.spline_order, axes);
    level.field = to_memory_order(lattice.coefficients, order, lattice.shape);
    const Spline spline = level.spline(level.field);
    const Ops& of_level = VOXKERN_SELECT_LEVEL(ops);
    parallel_for(samples[0], limited_to_voxels(exec, out.size()), [&](std::int64_t plane) {
        Workspace workspace(scratch_bytes(level, 0));
        const Scratch scratch = take_scratch(workspace, level, 0);
        of_level.expand(spline, plane, scratch.controls, scratch.field);
        Division task{};
        task.field = &spline;
        task.in_dtype = in.dtype;
        task.in_stride = column_step(in, order);
        task.out_dtype = out.dtype;
        task.out_stride = column_step(out, order);
        task.field_stride = field != nullptr ? column_step(*field, order) : 1;
        for (std::int64_t row = 0; row < samples[1]; ++row) {
            task.in = static_cast<const char*>(row_of(in, order, plane, row));
            task.out = static_cast<char*>(row_of(out, order, plane, row));
            if (field != nullptr) task.field_out = static_cast<char*>(row_of(*field, order, plane, row));
            of_level.divide_row(task, row, scratch);
        }
    });
}

}  // namespace
}  // namespace voxkern::n4

namespace voxkern::cpu {

n4::Fit n4(const n4::Samples& samples, const n4::Lent& scratch, const n4::Options& options,
           const n4::Observer& observer, const Exec& exec) {
    const n4::Image image(samples, scratch, options, exec);
    return n4::fit_of(image, options, observer, exec);
}

void n4_divide(const n4::Target& target, const n4::Lattice& lattice, const std::vector<n4::Axis>& axes,
               const Exec& exec) {
    n4::divide(target, lattice, axes, exec);
}

n4::Fit n4_correct(const n4::Samples& samples, const n4::Target& target, const n4::Options& options,
                   const n4::Observer& observer, const Exec& exec) {
    n4::Fit fit = n4(samples, n4::lent_by(target.out), options, observer, exec);
    if (options.mean_preserving) {
        const auto mean = static_cast<float>(fit.mean_log_field);
        for (float& c : fit.lattice.coefficients) c -= mean;
    }
    n4_divide(target, fit.lattice, options.voxel_axes, exec);
    return fit;
}

}  // namespace voxkern::cpu

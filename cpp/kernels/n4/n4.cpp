// SPDX-License-Identifier: Apache-2.0
#include "kernels/n4/n4.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <string>

#include "core/error.hpp"
#include "core/workspace.hpp"
#include "kernels/n4/n4_convergence.hpp"
#include "kernels/n4/n4_math.hpp"
#include "kernels/n4/n4_run.hpp"
#include "kernels/n4/n4_sharpen.hpp"

namespace voxkern {
namespace {

constexpr float kHuge = std::numeric_limits<float>::max();
// Below this a second thread costs more than it brings: a sweep takes some 50 microseconds.
constexpr std::int64_t kVoxelsPerThread = std::int64_t{1} << 12;
constexpr std::int64_t kVoxelsPerChunk = std::int64_t{1} << 12;
// ITK leaves a control point at 0 where it sees less weight than this.
constexpr double kLeastWeight = 0.1 * static_cast<double>(std::numeric_limits<float>::epsilon());

std::int64_t controls_along(const std::vector<std::int64_t>& controls, int axis) {
    return axis < 0 ? 1 : controls[static_cast<std::size_t>(axis)];
}

// Tables and zero lattices for the samples from `origin` on.
N4Level make_level(const N4Order& order, const std::int64_t* origin, const std::int64_t (&samples)[3],
                   const std::vector<std::int64_t>& controls, int spline_order, const std::vector<N4Axis>& axes) {
    const auto tables = [&](int axis, int m) {
        N4Axis place = axis < 0 ? N4Axis{} : axes[static_cast<std::size_t>(axis)];
        place.first += static_cast<double>(origin[m]) * place.step;
        return N4AxisTables(samples[m], controls_along(controls, axis), spline_order, place);
    };
    N4Level level{tables(order.plane, 0), tables(order.row, 1), tables(order.column, 2), {}, {}};
    level.field.assign(static_cast<std::size_t>(level.size()), 0.0F);
    level.step = level.field;
    return level;
}

// One line of the lattice, twice as fine: along the axis of `count` points that lie `inner` apart.
std::vector<double> refine_axis(const std::vector<double>& old, std::int64_t outer, std::int64_t count,
                                std::int64_t inner, int spline_order) {
    if (count == 1) return old;
    const std::int64_t finer = 2 * count - spline_order;
    std::vector<double> result(static_cast<std::size_t>(outer * finer * inner));
    for (std::int64_t o = 0; o < outer; ++o) {
        for (std::int64_t i = 0; i < finer; ++i) {
            for (std::int64_t x = 0; x < inner; ++x) {
                const auto line = [&](std::int64_t j) {
                    return old[static_cast<std::size_t>((o * count + j) * inner + x)];
                };
                result[static_cast<std::size_t>((o * finer + i) * inner + x)] =
                    n4_refined(line, i, count, spline_order);
            }
        }
    }
    return result;
}

N4Level level_of(const N4Run& run, const std::vector<std::int64_t>& controls) {
    return make_level(run.image.order(), run.image.origin(), {run.grid.planes, run.grid.rows, run.grid.columns},
                      controls, run.settings.spline_order, run.settings.axes);
}

N4Level refined(const N4Run& run, const N4Level& level, const std::vector<std::int64_t>& controls) {
    N4Level finer = level_of(run, controls);
    const std::int64_t n[3] = {level.plane.controls(), level.row.controls(), level.column.controls()};
    const int order = run.settings.spline_order;
    std::vector<double> lattice(level.field.begin(), level.field.end());
    lattice = refine_axis(lattice, 1, n[0], n[1] * n[2], order);
    lattice = refine_axis(lattice, finer.plane.controls(), n[1], n[2], order);
    lattice = refine_axis(lattice, finer.plane.controls() * finer.row.controls(), n[2], 1, order);
    std::transform(lattice.begin(), lattice.end(), finer.field.begin(), [](double v) { return static_cast<float>(v); });
    return finer;
}

// Extremes of log image - field: the old ones, moved by the last step.
N4Extremes range_of(const N4Run& run, const N4Level& level, const N4Extremes& old, float& drift) {
    const N4Spline field = level.spline(level.field);
    const float largest = std::max({std::fabs(old.low), std::fabs(old.high), n4_largest(level.field)});
    const float reach = n4_largest(level.step) + 16.0F * std::numeric_limits<float>::epsilon() * largest;
    drift += reach;
    const N4Bounds bounds = {drift, {old.low + reach, old.high - reach}};
    std::vector<N4Extremes> found(static_cast<std::size_t>(run.chunks()), N4Extremes{kHuge, -kHuge});
    parallel_for(run.chunks(), run.exec, [&](std::int64_t chunk) {
        N4Extremes& all = found[static_cast<std::size_t>(chunk)];
        n4_for_planes(run, level, chunk, [&](std::int64_t plane, const N4Scratch& scratch) {
            const N4Extremes here = run.ops.extremes(run.grid, field, plane, bounds, scratch);
            all = {std::min(all.low, here.low), std::max(all.high, here.high)};
        });
    });
    N4Extremes range = {kHuge, -kHuge};
    for (const N4Extremes& here : found) {
        range = {std::min(range.low, here.low), std::max(range.high, here.high)};
    }
    return range;
}

struct Measured {
    std::vector<double> histogram;
    double convergence = std::numeric_limits<double>::infinity();
    float reach = kHuge;  // of the step that was measured
};

N4Bins bins_of(const N4Run& run, const N4Extremes& range) {
    return {range.low, (range.high - range.low) / static_cast<float>(run.settings.bins - 1)};
}

// Histogram of log image - field, and ITK's measure of the last step: the coefficient of variation of
// the ratio of the fields before and after it. `last_reach` is that of the step before: a good guess of
// this one's, so that ITK's measure can be emulated beside the sweep and not after it.
Measured measure(const N4Run& run, const N4Level& level, const N4Extremes& range, bool stepped, float last_reach) {
    const auto bins = static_cast<std::size_t>(run.settings.bins);
    const N4Spline field = level.spline(level.field);
    const N4Spline step = level.spline(level.step);
    const N4Bins binning = bins_of(run, range);
    const auto last_bin = static_cast<std::int32_t>(bins - 1);
    int fraction_bits = 24;
    while ((static_cast<std::int64_t>(bins) << fraction_bits) > std::numeric_limits<std::int32_t>::max()) {
        --fraction_bits;
    }
    const auto one = static_cast<float>(std::int64_t{1} << fraction_bits);
    // ITK drops the maximum where rounding puts it beyond the last bin.
    const bool rounded = run.settings.itk && binning.slope > 0.0F;
    const float high_bin = rounded ? (range.high - range.low) / binning.slope : static_cast<float>(last_bin);
    const float reach = n4_largest(level.step);
    std::vector<std::int64_t> count(bins, 0);
    std::vector<std::int64_t> fraction(bins, 0);
    std::vector<N4Moments> moments(static_cast<std::size_t>(run.grid.planes));
    std::mutex mutex;  // integer sums do not mind the order
    N4Prefix prefix;
    const std::int64_t early = stepped && run.settings.itk ? 1 : 0;
    parallel_for(run.chunks() + early, run.exec, [&](std::int64_t chunk) {
        if (chunk < early) {
            n4_extend(prefix, run, level, last_reach);
            return;
        }
        std::vector<std::int64_t> own(2 * bins, 0);
        const N4Measure task{&field,
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
        n4_for_planes(run, level, chunk - early, [&](std::int64_t plane, const N4Scratch& scratch) {
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
        result.reach = n4_reach(moments, 0);
        result.convergence = run.settings.itk ? n4_itk_convergence(prefix, run, level, moments)
                                              : n4_true_convergence(moments, run.image.voxels());
    }
    return result;
}

// What the grid contributes to each control point of `to`: of the weights (residual is nullptr), or of
// the residuals of log image - field of `from`. Planes are contracted in parallel and added in order.
std::vector<double> contracted(const N4Run& run, const N4Level& from, const N4Level& to, const N4Residual* residual) {
    const int power = residual != nullptr ? 3 : 2;
    const N4Spline field = from.spline(from.field);
    N4Residual task = residual != nullptr ? *residual : N4Residual{};
    task.field = &field;
    task.rows = to.row.basis();
    task.columns = to.column.basis();
    task.tables = N4AxisTables::fitting(to.row, to.column, power);
    const std::int64_t size = to.plane_size();
    const auto sweep = residual != nullptr ? run.ops.fit : run.ops.weigh;
    Workspace workspace(run.grid.planes * size * 8);
    auto* const planes = workspace.take<double>(run.grid.planes * size);
    parallel_for(run.chunks(), run.exec, [&](std::int64_t chunk) {
        n4_for_planes(run, to, chunk, [&](std::int64_t plane, const N4Scratch& scratch) {
            sweep(run.grid, task, plane, scratch, planes + plane * size);
        });
    });
    std::vector<double> lattice(static_cast<std::size_t>(to.size()), 0.0);
    for (std::int64_t plane = 0; plane < run.grid.planes; ++plane) {
        to.plane.scatter(plane, power, planes + plane * size, size, lattice.data());
    }
    return lattice;
}

// Sharpens the histogram, fits the difference it makes, and adds that to the field of `to`.
void take_step(const N4Run& run, const N4Level& from, N4Level& to, const std::vector<double>& weights,
               const N4Extremes& range, const std::vector<double>& histogram) {
    const N4Bins bins = bins_of(run, range);
    const std::vector<float> expected = n4_sharpen(histogram, bins, run.settings.fwhm, run.settings.noise);
    const std::size_t last = expected.size() - 1;
    std::vector<float> table(last + kN4TableEnd, 0.0F);
    for (std::size_t k = 0; k <= last; ++k) {
        const double edge = static_cast<double>(bins.low) + static_cast<double>(k) * static_cast<double>(bins.slope);
        table[k] = static_cast<float>(edge - static_cast<double>(expected[k]));
    }
    table[last + 1] = table[last];
    table[last + kN4Below] = bins.low - expected[last];
    table[last + kN4Below + 1] = table[last + kN4Below] + bins.slope;
    N4Residual residual{};
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

double mean_of(const N4Run& run, const N4Level& level) {
    const N4Spline field = level.spline(level.field);
    std::vector<double> sums(static_cast<std::size_t>(run.grid.planes));
    parallel_for(run.chunks(), run.exec, [&](std::int64_t chunk) {
        n4_for_planes(run, level, chunk, [&](std::int64_t plane, const N4Scratch& scratch) {
            sums[static_cast<std::size_t>(plane)] = run.ops.total(run.grid, field, plane, scratch);
        });
    });
    double sum = 0.0;
    for (const double s : sums) sum += s;
    return sum / static_cast<double>(run.image.voxels());
}

// Calls f(coefficient in image axes, coefficient in memory order) for each pair of indices.
template <class F>
void for_coefficients(const N4Order& order, const std::vector<std::int64_t>& shape, F&& f) {
    std::int64_t strides[3] = {0, 0, 0};
    const int axis[3] = {order.plane, order.row, order.column};
    for (int m = 0; m < 3; ++m) {
        if (axis[m] < 0) continue;
        strides[m] = 1;
        for (std::size_t a = static_cast<std::size_t>(axis[m]) + 1; a < shape.size(); ++a) strides[m] *= shape[a];
    }
    std::size_t next = 0;
    for (std::int64_t i = 0; i < controls_along(shape, axis[0]); ++i) {
        for (std::int64_t j = 0; j < controls_along(shape, axis[1]); ++j) {
            for (std::int64_t k = 0; k < controls_along(shape, axis[2]); ++k) {
                f(static_cast<std::size_t>(i * strides[0] + j * strides[1] + k * strides[2]), next++);
            }
        }
    }
}

// Control points per axis of each level; an axis the grid lacks has one.
std::vector<std::vector<std::int64_t>> controls_of_levels(const N4Settings& settings, const N4Order& order) {
    std::vector<std::int64_t> controls = settings.control_points;
    for (int a = 0; a < static_cast<int>(controls.size()); ++a) {
        if (a != order.plane && a != order.row && a != order.column) controls[static_cast<std::size_t>(a)] = 1;
    }
    std::vector<std::vector<std::int64_t>> levels;
    for (std::size_t l = 0; l < settings.iterations.size(); ++l) {
        double size = 1.0;
        for (const std::int64_t n : controls) size *= static_cast<double>(n);
        if (size > 0x1p24) {
            throw InvalidArgument("number_of_control_points, mesh, spline_distance: got a lattice of " +
                                  std::to_string(size) + " points at the last level, allowed 16777216");
        }
        levels.push_back(controls);
        for (std::int64_t& n : controls) n = n == 1 ? 1 : 2 * n - settings.spline_order;
    }
    return levels;
}

}  // namespace

N4Fit n4(const ConstArrayView& image, const ConstArrayView* mask, const double* label, const ConstArrayView* weights,
         const N4Settings& settings, float* scratch, std::int64_t scratch_floats, const N4Observer& observer,
         const Exec& exec) {
    N4Image included(image, mask, label, weights, settings.itk, scratch, scratch_floats, exec);
    if (settings.itk) included.skip_first_voxel();
    const N4Grid& grid = included.grid();
    N4Run run{included, grid,
              settings, VOXKERN_SELECT_LEVEL(n4_ops),
              exec,     std::max<std::int64_t>(kVoxelsPerChunk / (grid.rows * grid.columns), 1)};
    if (included.voxels() < 2 * kVoxelsPerThread) run.exec.threads = 1;

    const auto controls = controls_of_levels(settings, included.order());
    N4Level level = level_of(run, controls.front());
    float drift = 0.0F;
    N4Extremes range = range_of(run, level, {0.0F, 0.0F}, drift);  // of the log image: the field is still 0
    if (!(range.high > range.low)) {
        throw InvalidArgument("x: got one value everywhere inside the mask, allowed an image with contrast");
    }
    Measured measured = measure(run, level, range, false, kHuge);
    const bool measured_step = settings.watched || settings.convergence_threshold > 0.0;
    N4Fit fit;
    for (std::size_t l = 0; l < controls.size(); ++l) {
        N4Level finer = l == 0 ? level : refined(run, level, controls[l]);
        const std::vector<double> weight_sums = contracted(run, level, finer, nullptr);
        for (std::int64_t i = 1; i <= settings.iterations[l] && range.high > range.low; ++i) {
            take_step(run, i == 1 ? level : finer, finer, weight_sums, range, measured.histogram);
            range = range_of(run, finer, range, drift);
            measured = measure(run, finer, range, measured_step, measured.reach);
            fit.trace.push_back({static_cast<std::int64_t>(l), i, measured.convergence});
            if (observer) observer(fit.trace.back());
            if (!(measured.convergence > settings.convergence_threshold)) break;
        }
        level = std::move(finer);
    }

    fit.lattice.spline_order = settings.spline_order;
    fit.lattice.shape = controls.back();
    fit.lattice.coefficients.resize(level.field.size());
    for_coefficients(included.order(), fit.lattice.shape,
                     [&](std::size_t to, std::size_t from) { fit.lattice.coefficients[to] = level.field[from]; });
    fit.mean_log_field = mean_of(run, level);
    fit.voxels = included.voxels();
    fit.not_positive = included.not_positive();
    return fit;
}

void n4_divide(const ConstArrayView& image, const N4Lattice& lattice, const std::vector<N4Axis>& axes,
               const ArrayView& corrected, const ArrayView* field, const Exec& exec) {
    const N4Order order = n4_memory_order(corrected);
    const std::int64_t samples[3] = {n4_length(corrected, order.plane), n4_length(corrected, order.row),
                                     n4_length(corrected, order.column)};
    const std::int64_t origin[3] = {0, 0, 0};
    N4Level level = make_level(order, origin, samples, lattice.shape, lattice.spline_order, axes);
    for_coefficients(order, lattice.shape,
                     [&](std::size_t from, std::size_t to) { level.field[to] = lattice.coefficients[from]; });
    const N4Spline spline = level.spline(level.field);
    const N4Ops& ops = VOXKERN_SELECT_LEVEL(n4_ops);
    Exec limited = exec;
    if (corrected.size() < kVoxelsPerThread) limited.threads = 1;
    parallel_for(samples[0], limited, [&](std::int64_t plane) {
        Workspace workspace(n4_scratch_bytes(level, 0));
        const N4Scratch scratch = n4_take_scratch(workspace, level, 0);
        ops.expand(spline, plane, scratch.controls, scratch.field);
        N4Division task{};
        task.field = &spline;
        task.in_dtype = image.dtype;
        task.in_stride = n4_step(image, order);
        task.out_dtype = corrected.dtype;
        task.out_stride = n4_step(corrected, order);
        task.field_stride = field != nullptr ? n4_step(*field, order) : 1;
        for (std::int64_t row = 0; row < samples[1]; ++row) {
            task.in = static_cast<const char*>(n4_row(image, order, plane, row));
            task.out = static_cast<char*>(n4_row(corrected, order, plane, row));
            if (field != nullptr) task.field_out = static_cast<char*>(n4_row(*field, order, plane, row));
            ops.divide_row(task, row, scratch);
        }
    });
}

}  // namespace voxkern

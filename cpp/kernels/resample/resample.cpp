// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "core/workspace.hpp"
#include "kernels/resample/resample_task.hpp"

namespace voxkern {
namespace {

constexpr std::int64_t kStreamBytes = std::int64_t{16} << 20;  // more than a thread's share of the caches

// An AxisPlan and the memory its pointers lead to.
template <class C>
struct OwnedPlan {
    AxisPlan<C> plan;
    std::vector<std::int64_t> index;
    std::vector<C> weights;
    std::vector<unsigned char> outside;
    std::vector<C> smooth_weights;
    std::vector<std::int64_t> smooth_extension;
    OwnedPicks<C> picks;
    std::vector<std::int64_t> init_index[4];
    std::vector<C> init_weight[4];
};

bool is_identity(const std::vector<double>& coordinates, std::int64_t n) {
    if (static_cast<std::int64_t>(coordinates.size()) != n) return false;
    for (std::int64_t i = 0; i < n; ++i) {
        if (coordinates[static_cast<std::size_t>(i)] != static_cast<double>(i)) return false;
    }
    return true;
}

template <class C>
OwnedPlan<C> identity_plan(std::int64_t n) {
    OwnedPlan<C> owned;
    owned.plan.n_in = owned.plan.n_out = n;
    owned.index.resize(static_cast<std::size_t>(n));
    std::iota(owned.index.begin(), owned.index.end(), std::int64_t{0});
    owned.weights.assign(static_cast<std::size_t>(n), C{1});
    owned.plan.index = owned.index.data();
    owned.plan.weights = owned.weights.data();
    return owned;
}

// sum_k factor * pole^k * line[position(k)] over the infinite extension, cut where it falls below
// the precision of C; samples met more than once are collected.
template <class C, class Position>
std::vector<double> geometric_sum(double pole, double factor, std::int64_t n, Boundary mode, const Position& position) {
    const double precision = sizeof(C) == 4 ? 1e-9 : 1e-18;
    const auto terms = static_cast<std::int64_t>(std::ceil(std::log(precision) / std::log(std::abs(pole))));
    std::vector<double> sum(static_cast<std::size_t>(n), 0.0);
    double power = factor;
    for (std::int64_t k = 0; k < terms; ++k, power *= pole) {
        sum[static_cast<std::size_t>(fold_index(position(k), n, mode))] += power;
    }
    return sum;
}

// scipy's start for reflect adds pole^(2n-1) times its running sum where the first sample is meant.
// It shows on lines of a few samples only (the result no longer passes through them); we give the
// same numbers.
void add_scipy_reflect_term(double z, std::int64_t n, std::vector<double>& sum) {
    const double factor = std::pow(z, 2.0 * static_cast<double>(n)) / (1.0 - std::pow(z, 2.0 * static_cast<double>(n)));
    const double zn = std::pow(z, static_cast<double>(n));
    const auto at = [&](std::int64_t i) -> double& { return sum[static_cast<std::size_t>(i)]; };
    if (std::abs(factor) < 1e-18) return;
    at(n - 1) += factor * zn;
    double power = z;
    for (std::int64_t i = 1; i < n - 1; ++i, power *= z) {
        at(i) += factor * power;
        at(n - 1 - i) += factor * power * zn;
    }
}

template <class C>
InitialSum<C> nonzero_terms(const std::vector<double>& sum, std::vector<std::int64_t>& index, std::vector<C>& weight) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
        if (sum[i] == 0.0) continue;
        index.push_back(static_cast<std::int64_t>(i));
        weight.push_back(static_cast<C>(sum[i]));
    }
    return {static_cast<std::int64_t>(index.size()), index.data(), weight.data()};
}

template <class C>
void filter_start(OwnedPlan<C>& owned, int p, double z, std::int64_t n, Boundary extension) {
    // c+(0) = sum_k z^k s(-k)
    std::vector<double> causal = geometric_sum<C>(z, 1.0, n, extension, [](std::int64_t k) { return -k; });
    std::vector<double> anticausal(static_cast<std::size_t>(n), 0.0);
    if (extension == Boundary::grid_wrap) {
        // c(n-1) = -sum_k z^(k+1) c+(n-1+k): the causal result is periodic too
        anticausal = geometric_sum<C>(z, -z, n, extension, [n](std::int64_t k) { return n - 1 + k; });
    } else if (extension == Boundary::mirror) {
        anticausal[static_cast<std::size_t>(n - 1)] = z / (z * z - 1.0);
        anticausal[static_cast<std::size_t>(n - 2)] = z * z / (z * z - 1.0);
    } else {
        add_scipy_reflect_term(z, n, causal);
        anticausal[static_cast<std::size_t>(n - 1)] = z / (z - 1.0);
    }
    PoleFilter<C>& filter = owned.plan.filter[p];
    filter.pole = static_cast<C>(z);
    filter.causal = nonzero_terms(causal, owned.init_index[2 * p], owned.init_weight[2 * p]);
    filter.anticausal = nonzero_terms(anticausal, owned.init_index[2 * p + 1], owned.init_weight[2 * p + 1]);
}

template <class C>
void plan_prefilter(OwnedPlan<C>& owned, int order, Boundary mode) {
    AxisPlan<C>& plan = owned.plan;
    const std::int64_t n = plan.n_in + 2 * plan.pad;
    const Boundary extension = prefilter_boundary(mode);
    double poles[2];
    plan.poles = spline_poles(order, poles);
    for (int p = 0; p < plan.poles; ++p) {
        const double z = poles[p];
        filter_start<C>(owned, p, z, n, extension);
    }
}

// Filters read `wrap` as grid_wrap; the other modes say the same to filters and interpolation.
template <class C>
void plan_smoothing(OwnedPlan<C>& owned, double sigma, Boundary mode) {
    const auto radius = static_cast<std::int64_t>(4.0 * sigma + 0.5);  // scipy's truncate=4
    std::vector<double> kernel;
    for (std::int64_t i = -radius; i <= radius; ++i) {
        kernel.push_back(std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma)));
    }
    const double sum = std::accumulate(kernel.begin(), kernel.end(), 0.0);
    for (const double k : kernel) owned.smooth_weights.push_back(static_cast<C>(k / sum));
    const std::int64_t n = owned.plan.n_in;
    for (std::int64_t i = -radius; i < 0; ++i) owned.smooth_extension.push_back(fold_index(i, n, mode));
    for (std::int64_t i = n; i < n + radius; ++i) owned.smooth_extension.push_back(fold_index(i, n, mode));
    owned.plan.smooth_size = 2 * radius + 1;
    owned.plan.smooth_weights = owned.smooth_weights.data();
    owned.plan.smooth_extension = owned.smooth_extension.data();
}

// The samples of a line turned into its spline coefficients, without padding.
template <class C>
OwnedPlan<C> coefficient_plan(std::int64_t n, const ResampleParams& params) {
    OwnedPlan<C> owned = identity_plan<C>(n);
    if (!params.kernel.filters() || n <= 1) return owned;
    owned.plan.identity = false;
    plan_prefilter(owned, params.kernel.order, params.mode);
    owned.weights.assign(static_cast<std::size_t>(n), static_cast<C>(spline_gain(params.kernel.order)));
    owned.plan.weights = owned.weights.data();
    return owned;
}

template <class C>
OwnedPlan<C> plan_axis(std::int64_t n, const AxisSampling& axis, const ResampleParams& params) {
    const bool filtered = params.kernel.filters() && params.prefilter;
    const bool through_samples = filtered || !params.kernel.filters();
    if (axis.coefficients) return coefficient_plan<C>(n, params);
    if (is_identity(axis.coordinates, n) && through_samples) return identity_plan<C>(n);
    OwnedPlan<C> owned;
    AxisPlan<C>& plan = owned.plan;
    plan.identity = false;
    plan.n_in = n;
    plan.n_out = static_cast<std::int64_t>(axis.coordinates.size());
    plan.pad = filtered ? prefilter_pad(params.kernel, params.mode) : 0;
    plan.pad_edge = params.mode == Boundary::nearest;
    plan.taps = params.kernel.taps();
    if (axis.antialias_sigma > 0.0) plan_smoothing(owned, axis.antialias_sigma, params.mode);
    double gain = 1.0;
    if (filtered && n + 2 * plan.pad > 1) {
        plan_prefilter(owned, params.kernel.order, params.mode);
        gain = spline_gain(params.kernel.order);  // rides on the weights: one multiplication less per sample
    }
    bool any_outside = false;
    for (const double c : axis.coordinates) {
        std::int64_t index[kMaxInterpolatorTaps];
        double weight[kMaxInterpolatorTaps];
        const bool inside = interpolator_taps(c, n, plan.pad, params.kernel, params.mode, index, weight);
        owned.outside.push_back(inside ? 0 : 1);
        any_outside = any_outside || !inside;
        for (int t = 0; t < plan.taps; ++t) {
            owned.index.push_back(index[t]);
            owned.weights.push_back(static_cast<C>(gain * weight[t]));
        }
    }
    plan.index = owned.index.data();
    plan.weights = owned.weights.data();
    plan.outside = any_outside ? owned.outside.data() : nullptr;
    return owned;
}

template <class C>
void plan_picks(OwnedPlan<C>& owned, std::int64_t lanes) {
    AxisPlan<C>& plan = owned.plan;
    if (plan.identity || plan.poles > 0 || plan.smooth_size > 0 || plan.pad > 0) return;
    plan.picks = owned.picks.plan(plan.n_out, plan.taps, plan.index, plan.weights, lanes);
}

// The array's axes in the order they are walked: three to interpolate, slowest first, the rest looped over.
struct AxisOrder {
    std::vector<int> walked;
    std::vector<int> batch;
};

AxisOrder order_axes(const ConstArrayView& in, const ArrayView& out, const ResampleParams& params) {
    std::vector<int> changed;
    std::vector<int> kept;
    for (int a = 0; a < in.rank; ++a) {
        const AxisSampling& axis = params.axes[static_cast<std::size_t>(a)];
        const bool same = !axis.coefficients && is_identity(axis.coordinates, in.shape[a]);
        (same ? kept : changed).push_back(a);
    }
    if (changed.size() > 3) throw InvalidArgument("axes: got more than three to resample, allowed at most 3");
    const auto slower = [&](int a, int b) { return std::abs(out.strides[a]) > std::abs(out.strides[b]); };
    // Long rows make the best vectors: fill up with the fastest of the axes that stay as they are.
    std::stable_sort(kept.begin(), kept.end(), slower);
    while (changed.size() < 3 && !kept.empty()) {
        changed.push_back(kept.back());
        kept.pop_back();
    }
    std::stable_sort(changed.begin(), changed.end(), slower);
    // The volume between two passes is short along the first: take the axis that loses most samples.
    const auto between = [&](int a) {
        const std::int64_t padded = in.shape[a] + 2 * prefilter_pad(params.kernel, params.mode);
        return static_cast<double>(std::min(padded, out.shape[a])) / static_cast<double>(in.shape[a]);
    };
    if (changed.size() == 3 && between(changed[1]) < between(changed[0])) std::swap(changed[0], changed[1]);
    return {changed, kept};
}

template <class C>
ResampleScratch<C> take_scratch(Workspace& workspace, const std::int64_t (&counts)[9]) {
    ResampleScratch<C> scratch;
    scratch.smoothed = workspace.take<C>(counts[0]);
    scratch.plane = workspace.take<C>(counts[1]);
    scratch.taps = workspace.take<C>(counts[2]);
    scratch.rows = workspace.take<C>(counts[3]);
    scratch.halo = workspace.take<C>(counts[4]);
    scratch.columns = workspace.take<C>(counts[5]);
    scratch.result = workspace.take<C>(counts[6]);
    scratch.staging = workspace.take<C>(counts[7]);
    scratch.converted = workspace.take<C>(counts[8]);
    return scratch;
}

template <class C>
std::int64_t scratch_bytes(const std::int64_t (&counts)[9]) {
    std::int64_t bytes = 0;
    for (const std::int64_t count : counts) {
        bytes += Workspace::padded(count * static_cast<std::int64_t>(sizeof(C)));
    }
    return bytes;
}

template <class C>
std::int64_t smoothing_rows(const AxisPlan<C>& plan) {
    return plan.smooth_size > 0 ? plan.n_in + plan.smooth_size : 0;
}

// One volume of three axes (singleton axes in front where the array has fewer).
template <class C>
class VolumeResampler {
  public:
    VolumeResampler(const ConstArrayView& in, const ArrayView& out, const ResampleParams& params,
                    const std::vector<int>& walked, const ResampleKernels<C>& kernels)
        : kernels_(kernels) {
        task_.source.dtype = in.dtype;
        task_.source.itemsize = size_of(in.dtype);
        task_.target.dtype = out.dtype;
        task_.target.itemsize = size_of(out.dtype);
        std::int64_t* const in_strides[] = {&task_.source.step, &task_.source.row, &task_.source.lane};
        std::int64_t* const out_strides[] = {&task_.target.step, &task_.target.row, &task_.target.lane};
        const int missing = 3 - static_cast<int>(walked.size());
        for (int a = 0; a < 3; ++a) {
            if (a < missing) {
                plans_[a] = identity_plan<C>(1);
                *in_strides[a] = *out_strides[a] = 0;
            } else {
                const int axis = walked[static_cast<std::size_t>(a - missing)];
                plans_[a] = plan_axis<C>(in.shape[axis], params.axes[static_cast<std::size_t>(axis)], params);
                *in_strides[a] = in.strides[axis];
                *out_strides[a] = out.strides[axis];
            }
        }
        plan_picks(plans_[2], kernels.pick_lanes);
        task_.cval = static_cast<C>(params.cval);
        // Where cval is blended in, the volume minus cval is resampled: what lies outside is then zero.
        bool blends = params.mode == Boundary::grid_constant;
        for (const AxisSampling& axis : params.axes) {
            blends = blends || (params.mode == Boundary::constant && axis.antialias_sigma > 0.0);
        }
        if (blends) task_.offset = task_.source_offset = task_.cval;
        task_.clip = params.clip;
        task_.stream = task_.target.lane == 1 && out.size() * task_.target.itemsize > kStreamBytes;
        task_.fixes = task_.offset != C{0} || params.clip;
        for (const OwnedPlan<C>& owned : plans_) task_.fixes = task_.fixes || owned.plan.outside != nullptr;
        const AxisPlan<C>& first = plans_[0].plan;
        two_passes_ = first.poles > 0 || first.smooth_size > 0;
        // The volume between the passes has as few planes as it can: interpolated ones if that is fewer.
        if (two_passes_) {
            const std::int64_t coefficients = first.n_in + 2 * first.pad;
            if (first.n_out < coefficients) {
                second_ = identity_plan<C>(first.n_out);
                second_.plan.outside = first.outside;
            } else {
                first_only_ = identity_plan<C>(coefficients);
            }
        }
    }

    void set_range(C lowest, C highest) {
        task_.lowest = lowest;
        task_.highest = highest;
    }

    void run(const void* in, void* out, const Exec& exec) {
        ResampleTask<C> task = task_;
        task.source.base = static_cast<char*>(const_cast<void*>(in));
        task.target.base = static_cast<char*>(out);
        for (int a = 0; a < 3; ++a) task.axis[a] = plans_[a].plan;
        if (!two_passes_) {
            planes(task, exec);
            return;
        }
        AxisPlan<C> pass = plans_[0].plan;
        if (second_.index.empty()) {
            pass.n_out = first_only_.plan.n_out;
            pass.taps = 1;
            pass.index = first_only_.plan.index;
            pass.weights = first_only_.plan.weights;
        } else {
            task.axis[0] = second_.plan;
        }
        const std::int64_t n1 = task.axis[1].n_in;
        const std::int64_t n2 = task.axis[2].n_in;
        Workspace between(Workspace::padded(pass.n_out * n1 * n2 * static_cast<std::int64_t>(sizeof(C))));
        const View<C, 3> coefficients = contiguous_view<C, 3>(between.take<C>(0), {pass.n_out, n1, n2});
        first_pass(task, pass, coefficients, exec);
        task.source_offset = C{0};
        task.source.base = reinterpret_cast<char*>(coefficients.data);
        task.source.dtype = DTypeOf<C>::value;
        task.source.itemsize = sizeof(C);
        task.source.step = n1 * n2;
        task.source.row = n2;
        task.source.lane = 1;
        planes(task, exec);
    }

  private:
    void first_pass(const ResampleTask<C>& task, const AxisPlan<C>& pass, const View<C, 3>& coefficients,
                    const Exec& exec) const {
        ConstArrayView in;
        in.data = task.source.base;
        in.dtype = task.source.dtype;
        in.rank = 3;
        const std::int64_t strides[] = {task.source.step, task.source.row, task.source.lane};
        for (int a = 0; a < 3; ++a) {
            in.shape[a] = task_shape(a);
            in.strides[a] = strides[a];
        }
        const std::int64_t rows = pass.n_in + 2 * pass.pad;
        const Lines lines = make_lines(in, erase_type(coefficients), 0, sizeof(C), rows);
        const std::int64_t width = lines.tile_lanes;
        const std::int64_t counts[9] = {smoothing_rows(pass) * width, rows * width, 0, 0, 0, 0, 0, width, 0};
        parallel_for(lines.chunks, exec, [&](std::int64_t chunk) {
            Workspace workspace(scratch_bytes<C>(counts));
            const ResampleScratch<C> scratch = take_scratch<C>(workspace, counts);
            const std::int64_t begin = chunk * lines.tiles_per_chunk;
            const std::int64_t end = std::min(begin + lines.tiles_per_chunk, lines.tiles);
            for (std::int64_t t = begin; t < end; ++t) {
                kernels_.first_axis(task, pass, lines, tile_position(lines, t), scratch);
            }
        });
    }

    void planes(const ResampleTask<C>& task, const Exec& exec) const {
        constexpr std::int64_t W = 64 / static_cast<std::int64_t>(sizeof(C));
        const AxisPlan<C>& middle = task.axis[1];
        const AxisPlan<C>& last = task.axis[2];
        const std::int64_t width = (last.n_in + W - 1) / W * W;
        const std::int64_t counts[9] = {smoothing_rows(middle) * width,
                                        (middle.n_in + 2 * middle.pad) * width,
                                        kMaxInterpolatorTaps * width,
                                        W * width + 2 * W,  // picks read two vectors from any sample on
                                        smoothing_rows(last) * W,
                                        (last.n_in + 2 * last.pad) * W,
                                        64 * W,
                                        last.n_out * W + W,
                                        last.n_out * W * (task.stream ? 1 : 0)};
        parallel_for(task.axis[0].n_out, exec, [&](std::int64_t k) {
            Workspace workspace(scratch_bytes<C>(counts));
            kernels_.plane(task, k, take_scratch<C>(workspace, counts));
        });
    }

    std::int64_t task_shape(int a) const { return plans_[a].plan.n_in; }

    const ResampleKernels<C>& kernels_;
    OwnedPlan<C> plans_[3];
    OwnedPlan<C> first_only_;  // first pass ends with coefficients; the second interpolates
    OwnedPlan<C> second_;      // first pass interpolates; the second takes its planes as they are
    bool two_passes_ = false;
    ResampleTask<C> task_;
};

template <class C>
void find_range(const ConstArrayView& in, const ResampleKernels<C>& kernels, const Exec& exec, C* lowest, C* highest) {
    ArrayView same;  // only its strides are looked at
    same.dtype = in.dtype;
    same.rank = in.rank;
    for (int a = 0; a < in.rank; ++a) same.strides[a] = in.strides[a];
    const Lines lines = make_lines(in, same, 0, sizeof(C), in.shape[0]);
    const std::int64_t row = std::max(lines.tile_lanes, lines.length);
    const C infinity = std::numeric_limits<C>::infinity();
    std::vector<C> lows(static_cast<std::size_t>(lines.chunks), infinity);
    std::vector<C> highs(static_cast<std::size_t>(lines.chunks), -infinity);
    parallel_for(lines.chunks, exec, [&](std::int64_t chunk) {
        Workspace workspace(row * static_cast<std::int64_t>(sizeof(C)));
        C* const buffer = workspace.take<C>(row);
        const std::int64_t begin = chunk * lines.tiles_per_chunk;
        const std::int64_t end = std::min(begin + lines.tiles_per_chunk, lines.tiles);
        for (std::int64_t t = begin; t < end; ++t) {
            kernels.range(lines, tile_position(lines, t), buffer, &lows[static_cast<std::size_t>(chunk)],
                          &highs[static_cast<std::size_t>(chunk)]);
        }
    });
    *lowest = *std::min_element(lows.begin(), lows.end());
    *highest = *std::max_element(highs.begin(), highs.end());
    if (*lowest > *highest) {  // nothing but NaN: nothing to limit
        *lowest = -infinity;
        *highest = infinity;
    }
}

template <class C>
void run(const ConstArrayView& in, const ArrayView& out, const ResampleParams& params,
         const ResampleKernels<C>& kernels, const Exec& exec) {
    const AxisOrder order = order_axes(in, out, params);
    VolumeResampler<C> volume(in, out, params, order.walked, kernels);
    if (params.clip) {
        C lowest;
        C highest;
        find_range(in, kernels, exec, &lowest, &highest);
        volume.set_range(lowest, highest);
    }
    std::int64_t items = 1;
    for (const int a : order.batch) items *= in.shape[a];
    for (std::int64_t item = 0; item < items; ++item) {
        std::int64_t rest = item;
        std::int64_t in_offset = 0;
        std::int64_t out_offset = 0;
        for (auto a = order.batch.rbegin(); a != order.batch.rend(); ++a) {
            const std::int64_t index = rest % in.shape[*a];
            rest /= in.shape[*a];
            in_offset += index * in.strides[*a];
            out_offset += index * out.strides[*a];
        }
        volume.run(in.at(in_offset), out.at(out_offset), exec);
    }
}

}  // namespace

void resample(const ConstArrayView& in, const ArrayView& out, const ResampleParams& params, const Exec& exec) {
    if (out.size() == 0) return;
    const Exec limited = limited_to_work(exec, in.size() + out.size());
    const ResampleOps& ops = VOXKERN_SELECT_LEVEL(resample_ops);
    if (exact_in_f32(in.dtype) && exact_in_f32(out.dtype) && !params.float64) {
        run<float>(in, out, params, ops.f32, limited);
    } else {
        run<double>(in, out, params, ops.f64, limited);
    }
}

}  // namespace voxkern

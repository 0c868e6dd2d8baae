// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample_plan.hpp"

#include <cmath>

namespace voxkern::resample {
namespace {

constexpr std::int64_t kStreamBytes = std::int64_t{16} << 20;  // more than a thread's share of the caches

bool is_identity(const std::vector<double>& coordinates, std::int64_t n) {
    if (static_cast<std::int64_t>(coordinates.size()) != n) return false;
    for (std::int64_t i = 0; i < n; ++i) {
        if (coordinates[static_cast<std::size_t>(i)] != static_cast<double>(i)) return false;
    }
    return true;
}

// The interpolant passes through the samples: at the samples there is nothing to do.
bool passes_through_samples(const Options& options) {
    return options.prefilter || !options.kernel.filters();
}

bool contains(const std::vector<int>& axes, int axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

}  // namespace

template <class C>
AxisTables<C> AxisTables<C>::identity(std::int64_t n) {
    AxisTables tables;
    tables.plan_.n_in = tables.plan_.n_out = n;
    tables.index_.resize(static_cast<std::size_t>(n));
    std::iota(tables.index_.begin(), tables.index_.end(), std::int64_t{0});
    tables.weights_.assign(static_cast<std::size_t>(n), C{1});
    tables.plan_.index = tables.index_.data();
    tables.plan_.weights = tables.weights_.data();
    return tables;
}

template <class C>
AxisTables<C>::AxisTables(std::int64_t n, const AxisSampling& axis, const Options& options) {
    const bool filtered = options.kernel.filters() && options.prefilter;
    if (is_identity(axis.coordinates, n) && passes_through_samples(options)) {
        *this = identity(n);
        return;
    }
    plan_.identity = false;
    plan_.n_in = n;
    plan_.n_out = static_cast<std::int64_t>(axis.coordinates.size());
    plan_.taps = options.kernel.taps();
    plan_.prefilter.n = n;
    double gain = 1.0;
    if (filtered) {
        prefilter_ =
            OwnedPrefilter<C>(n, prefilter_pad(options.kernel, options.mode), options.kernel.order, options.mode);
        plan_.prefilter = prefilter_.filter();
        // Rides on the weights: one multiplication less per sample.
        if (plan_.prefilter.poles > 0) gain = spline_gain(options.kernel.order);
    }
    if (axis.antialias_sigma > 0.0) smooth(axis.antialias_sigma, options.mode);
    bool any_outside = false;
    for (const double c : axis.coordinates) {
        std::int64_t index[kMaxInterpolatorTaps];
        double weight[kMaxInterpolatorTaps];
        const bool inside = interpolator_taps(c, n, plan_.prefilter.pad, options.kernel, options.mode, index, weight);
        outside_.push_back(inside ? 0 : 1);
        any_outside = any_outside || !inside;
        for (int t = 0; t < plan_.taps; ++t) {
            index_.push_back(index[t]);
            weights_.push_back(static_cast<C>(gain * weight[t]));
        }
    }
    plan_.index = index_.data();
    plan_.weights = weights_.data();
    plan_.outside = any_outside ? outside_.data() : nullptr;
}

// Filters read `wrap` as grid_wrap; the other modes say the same to filters and interpolation.
template <class C>
void AxisTables<C>::smooth(double sigma, Boundary mode) {
    const auto radius = static_cast<std::int64_t>(4.0 * sigma + 0.5);  // scipy's truncate=4
    std::vector<double> kernel;
    for (std::int64_t i = -radius; i <= radius; ++i) {
        kernel.push_back(std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma)));
    }
    const double sum = std::accumulate(kernel.begin(), kernel.end(), 0.0);
    for (const double k : kernel) smooth_weights_.push_back(static_cast<C>(k / sum));
    const std::int64_t n = plan_.n_in;
    for (std::int64_t i = -radius; i < 0; ++i) smooth_extension_.push_back(fold_index(i, n, mode));
    for (std::int64_t i = n; i < n + radius; ++i) smooth_extension_.push_back(fold_index(i, n, mode));
    plan_.smooth_size = 2 * radius + 1;
    plan_.smooth_weights = smooth_weights_.data();
    plan_.smooth_extension = smooth_extension_.data();
}

template <class C>
void AxisTables<C>::plan_picks(std::int64_t lanes) {
    if (plan_.identity || plan_.prefilter.poles > 0 || plan_.smooth_size > 0 || plan_.prefilter.pad > 0) return;
    plan_.picks = picks_.plan(plan_.n_out, plan_.taps, plan_.index, plan_.weights, lanes);
}

template class AxisTables<float>;
template class AxisTables<double>;

std::vector<int> changed_axes(const ConstArrayView& in, const std::vector<AxisSampling>& axes, const Options& options) {
    std::vector<int> changed;
    for (int a = 0; a < in.rank; ++a) {
        const AxisSampling& axis = axes[static_cast<std::size_t>(a)];
        if (!is_identity(axis.coordinates, in.shape[a]) || !passes_through_samples(options)) changed.push_back(a);
    }
    return changed;
}

AxisOrder order_axes(const ConstArrayView& in, const ArrayView& out, std::vector<int> changed, const Options& options) {
    std::vector<int> kept;
    for (int a = 0; a < in.rank; ++a) {
        if (!contains(changed, a)) kept.push_back(a);
    }
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
        const std::int64_t padded = in.shape[a] + 2 * prefilter_pad(options.kernel, options.mode);
        return static_cast<double>(std::min(padded, out.shape[a])) / static_cast<double>(in.shape[a]);
    };
    if (changed.size() == 3 && between(changed[1]) < between(changed[0])) std::swap(changed[0], changed[1]);
    AxisOrder order;
    order.walked = changed;
    for (const int a : kept) order.batch.push(in.shape[a], {in.strides[a], out.strides[a]});
    return order;
}

bool computes_in_f32(DType in, DType out, const Options& options) {
    return exact_in_f32(in) && exact_in_f32(out) && !options.float64;
}

template <class C>
VolumePlan<C>::VolumePlan(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
                          const Options& options, const std::vector<int>& walked, const std::vector<int>& chosen,
                          std::int64_t pick_lanes) {
    task.source.dtype = in.dtype;
    task.source.itemsize = size_of(in.dtype);
    task.target.dtype = out.dtype;
    task.target.itemsize = size_of(out.dtype);
    std::int64_t* const in_strides[] = {&task.source.step, &task.source.row, &task.source.lane};
    std::int64_t* const out_strides[] = {&task.target.step, &task.target.row, &task.target.lane};
    const int missing = 3 - static_cast<int>(walked.size());
    // Where cval is blended in, the volume minus cval is resampled: what lies outside is then zero.
    bool blends = options.mode == Boundary::grid_constant;
    for (int k = 0; k < 3; ++k) {
        *in_strides[k] = *out_strides[k] = 0;
        if (k < missing) {
            axis[k] = AxisTables<C>::identity(1);
            continue;
        }
        const int a = walked[static_cast<std::size_t>(k - missing)];
        const AxisSampling& sampling = axes[static_cast<std::size_t>(a)];
        const bool resampled = contains(chosen, a);
        axis[k] = resampled ? AxisTables<C>(in.shape[a], sampling, options) : AxisTables<C>::identity(in.shape[a]);
        *in_strides[k] = in.strides[a];
        *out_strides[k] = out.strides[a];
        blends = blends || (options.mode == Boundary::constant && resampled && sampling.antialias_sigma > 0.0);
    }
    axis[2].plan_picks(pick_lanes);
    task.cval = static_cast<C>(options.cval);
    if (blends) task.offset = task.source_offset = task.finish.offset = task.cval;
    task.finish.clip = options.clip;
    task.stream = task.target.lane == 1 && out.size() * task.target.itemsize > kStreamBytes;
    task.finishes = task.offset != C{0} || options.clip;
    for (const AxisTables<C>& tables : axis) task.finishes = task.finishes || tables.plan().outside != nullptr;
    const AxisPlan<C>& first = axis[0].plan();
    two_passes = first.prefilter.poles > 0 || first.smooth_size > 0;
    if (!two_passes) return;
    const std::int64_t planes = first.n_in + 2 * first.prefilter.pad;
    if (first.n_out < planes) {
        interpolated = AxisTables<C>::identity(first.n_out);
    } else {
        coefficients = AxisTables<C>::identity(planes);
    }
}

template struct VolumePlan<float>;
template struct VolumePlan<double>;

}  // namespace voxkern::resample

// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample_plan.hpp"

#include <cmath>

namespace voxkern::resample {
namespace {

constexpr std::int64_t kStreamBytes = std::int64_t{16} << 20;  // more than a thread's share of the caches
constexpr std::int64_t kTurnedRow = 16;                        // shorter rows are not worth storing transposed
// Fewer planes do not feed the threads; a larger one takes too long between two looks at a signal.
constexpr std::int64_t kFewPlanes = 64;
constexpr std::int64_t kLargePlane = std::int64_t{1} << 22;
// Fewer of the longest lines take less memory between two rounds than a tile of them does in one.
constexpr std::int64_t kFewLongLines = 64;

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

bool keeps_samples(const AxisSampling& axis, std::int64_t n, const Options& options) {
    return is_identity(axis.coordinates, n) && passes_through_samples(options) &&
           (axis.cell == 0.0 || axis.cell == 1.0) && axis.weights.empty();
}

bool contains(const std::vector<int>& axes, int axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

// The samples that a cell around c covers, and how much of the cell each of them fills.
struct Cell {
    double low;  // sample i fills [i, i + 1)
    double high;
    std::int64_t first;
    std::int64_t count;

    Cell(double c, double width) : low(edge(c - 0.5 * width)), high(edge(c + 0.5 * width)) {
        first = static_cast<std::int64_t>(std::floor(low));
        count = static_cast<std::int64_t>(std::ceil(high)) - first;
    }

    double weight(std::int64_t k) const {
        const auto left = static_cast<double>(first + k);
        return (std::min(high, left + 1.0) - std::max(low, left)) / (high - low);
    }

  private:
    // What is a rounding error away from a sample's edge lies on it: no weight goes to its neighbour.
    static double edge(double at) {
        const double near = std::round(at + 0.5);
        return std::abs(at + 0.5 - near) < 1e-9 ? near : at + 0.5;
    }
};

// As interpolator_taps, of a cell; taps it does not need get weight 0 and come last.
bool cell_taps(double c, double width, std::int64_t n, Boundary mode, int taps, std::int64_t* index, double* weight) {
    std::fill_n(index, taps, 0);
    std::fill_n(weight, taps, 0.0);
    const bool as_given = mode == Boundary::nearest || mode == Boundary::grid_constant || mode == Boundary::fov;
    const FoldedCoordinate folded = fold_coordinate(c, n, mode);
    if (!folded.inside) return false;
    // Far outside all samples are the same. Whole steps inwards leave the cell as many samples as it had.
    const double limit = std::ceil(static_cast<double>(n) + width);
    const double near =
        c < -limit ? std::fmod(c, 1.0) - limit : (c > 2.0 * limit ? std::fmod(c, 1.0) + 2.0 * limit : c);
    const Cell cell(as_given ? near : folded.value, width);
    const Boundary beyond = mode == Boundary::fov ? Boundary::nearest : tap_boundary(mode);
    bool reaches = false;
    for (std::int64_t k = 0; k < std::min<std::int64_t>(cell.count, taps); ++k) {
        const std::int64_t i = fold_index(cell.first + k, n, beyond);
        if (i == kOutside) continue;
        *index++ = i;
        *weight++ = cell.weight(k);
        reaches = true;
    }
    return reaches;
}

// The largest number of samples that a cell covers.
int most_cell_taps(const AxisSampling& axis) {
    std::int64_t most = 1;
    for (const double c : axis.coordinates) {
        most = std::max(most, Cell(std::fmod(c, 1.0), axis.cell).count);
    }
    return static_cast<int>(most);
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
AxisTables<C>::AxisTables(std::int64_t n, const AxisSampling& axis, const Options& options, const Exec& exec) {
    const bool filtered = options.kernel.filters() && options.prefilter;
    if (keeps_samples(axis, n, options)) {
        *this = identity(n);
        return;
    }
    plan_.identity = false;
    plan_.n_in = n;
    plan_.n_out = static_cast<std::int64_t>(axis.coordinates.size());
    plan_.taps = axis.cell > 0.0 ? most_cell_taps(axis) : options.kernel.taps();
    if (!axis.weights.empty())
        plan_.taps = static_cast<int>(static_cast<std::int64_t>(axis.weights.size()) / plan_.n_out);
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
    fill(axis, options, gain, exec);
    plan_.index = index_.data();
    plan_.weights = weights_.data();
    const bool any_outside = std::find(outside_.begin(), outside_.end(), 1) != outside_.end();
    plan_.outside = any_outside ? outside_.data() : nullptr;
}

template <class C>
void AxisTables<C>::fill(const AxisSampling& axis, const Options& options, double gain, const Exec& exec) {
    constexpr std::int64_t kPiece = 4096;
    const std::int64_t m = plan_.n_out;
    const int taps = plan_.taps;
    index_.resize(static_cast<std::size_t>(m * taps));
    weights_.resize(static_cast<std::size_t>(m * taps));
    outside_.resize(static_cast<std::size_t>(m));
    parallel_for((m + kPiece - 1) / kPiece, limited_to_work(exec, 16 * m), [&](std::int64_t piece) {
        std::vector<double> weight(static_cast<std::size_t>(taps));
        const std::int64_t end = std::min((piece + 1) * kPiece, m);
        for (std::int64_t i = piece * kPiece; i < end; ++i) {
            const double c = axis.coordinates[static_cast<std::size_t>(i)];
            std::int64_t* const index = index_.data() + i * taps;
            if (!axis.weights.empty()) {
                std::copy_n(axis.samples.begin() + i * taps, taps, index);
                std::transform(axis.weights.begin() + i * taps, axis.weights.begin() + (i + 1) * taps,
                               weights_.begin() + i * taps, [](double w) { return static_cast<C>(w); });
                continue;
            }
            const bool inside = axis.cell > 0.0
                                    ? cell_taps(c, axis.cell, plan_.n_in, options.mode, taps, index, weight.data())
                                    : interpolator_taps(c, plan_.n_in, plan_.prefilter.pad, options.kernel,
                                                        options.mode, index, weight.data());
            outside_[static_cast<std::size_t>(i)] = inside ? 0 : 1;
            for (int t = 0; t < taps; ++t) {
                weights_[static_cast<std::size_t>(i * taps + t)] =
                    static_cast<C>(gain * weight[static_cast<std::size_t>(t)]);
            }
        }
    });
}

template <class C>
std::vector<C> smoothing_weights(double sigma) {
    const auto radius = static_cast<std::int64_t>(4.0 * sigma + 0.5);  // scipy's truncate=4
    std::vector<double> kernel;
    for (std::int64_t i = -radius; i <= radius; ++i) {
        kernel.push_back(std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma)));
    }
    const double sum = std::accumulate(kernel.begin(), kernel.end(), 0.0);
    std::vector<C> weights;
    for (const double k : kernel) weights.push_back(static_cast<C>(k / sum));
    return weights;
}

template std::vector<float> smoothing_weights(double);
template std::vector<double> smoothing_weights(double);

// Filters read `wrap` as grid_wrap; the other modes say the same to filters and interpolation.
template <class C>
void AxisTables<C>::smooth(double sigma, Boundary mode) {
    smooth_weights_ = smoothing_weights<C>(sigma);
    const auto radius = static_cast<std::int64_t>(smooth_weights_.size() / 2);
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
        if (!keeps_samples(axis, in.shape[a], options)) changed.push_back(a);
    }
    return changed;
}

std::vector<std::vector<int>> rounds_of(const ConstArrayView& in, const ArrayView& out,
                                        const std::vector<AxisSampling>& axes, const Options& options) {
    std::vector<int> changed = changed_axes(in, axes, options);
    std::vector<std::vector<int>> rounds;
    const auto alone = std::find_if(changed.begin(), changed.end(), [&](int a) {
        const bool very_long = std::max(in.shape[a], out.shape[a]) >= kLongestTile && std::abs(in.strides[a]) == 1;
        return very_long && in.size() / in.shape[a] < kFewLongLines;
    });
    if (alone != changed.end()) {
        rounds.push_back({*alone});
        changed.erase(alone);
    }
    const auto channels = [&](const auto& array) {
        for (int a = 0; a < in.rank; ++a) {
            if (array.strides[a] == 1 && in.shape[a] >= kTurnedRow && !contains(changed, a)) return a;
        }
        return -1;
    };
    const std::ptrdiff_t at_once = channels(in) >= 0 && channels(in) == channels(out) ? 2 : 3;
    if (at_once == 3 && changed.size() > 3) {  // the fastest three first, or each of their samples is read apart
        std::stable_sort(changed.begin(), changed.end(),
                         [&](int a, int b) { return std::abs(out.strides[a]) < std::abs(out.strides[b]); });
    }
    for (auto begin = changed.begin(); begin != changed.end();) {
        const auto end = begin + std::min(at_once, changed.end() - begin);
        rounds.emplace_back(begin, end);
        begin = end;
    }
    if (rounds.empty()) rounds.emplace_back();  // nothing changes: a copy
    return rounds;
}

ArrayView after_round(const ConstArrayView& from, const ArrayView& out, const std::vector<int>& chosen) {
    ArrayView after = out;
    for (int a = 0; a < from.rank; ++a) {
        if (!contains(chosen, a)) after.shape[a] = from.shape[a];
    }
    return after;
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
    // Rows run along the input's fastest axis, and next to it goes the output's: blocks of rows are stored transposed.
    const auto fastest = std::min_element(changed.begin(), changed.end(), [&](int a, int b) {
        return std::abs(in.strides[a]) < std::abs(in.strides[b]);
    });
    const bool long_rows = in.shape[*fastest] >= kTurnedRow && in.shape[changed.back()] >= kTurnedRow;
    if (long_rows && std::abs(in.strides[*fastest]) == 1) std::rotate(fastest, fastest + 1, changed.end());
    AxisOrder order;
    order.walked = changed;
    for (const int a : kept) order.batch.push(in.shape[a], {in.strides[a], out.strides[a]});
    return order;
}

bool computes_in_f32(DType in, DType out, const Options& options) {
    return interpolates_in_f32(in, out, options.kernel, options.float64);
}

template <class C>
VolumePlan<C>::VolumePlan(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
                          const Options& options, const std::vector<int>& walked, const std::vector<int>& chosen,
                          std::int64_t pick_lanes, const Exec& exec) {
    task.source.dtype = in.dtype;
    task.source.itemsize = size_of(in.dtype);
    task.target.dtype = out.dtype;
    task.target.itemsize = size_of(out.dtype);
    std::int64_t* const in_strides[] = {&task.source.step, &task.source.row, &task.source.lane};
    std::int64_t* const out_strides[] = {&task.target.step, &task.target.row, &task.target.lane};
    const int missing = 3 - static_cast<int>(walked.size());
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
        axis[k] =
            resampled ? AxisTables<C>(in.shape[a], sampling, options, exec) : AxisTables<C>::identity(in.shape[a]);
        *in_strides[k] = in.strides[a];
        *out_strides[k] = out.strides[a];
        blends = blends || (resampled && blends_cval(options, sampling));
    }
    axis[2].plan_picks(pick_lanes);
    task.cval = static_cast<C>(options.cval);
    if (blends) task.offset = task.source_offset = task.finish.offset = task.cval;
    task.finish.clip = options.clip;
    task.stream = task.target.lane == 1 && out.size() * task.target.itemsize > kStreamBytes;
    task.turned = task.target.row == 1 && task.target.lane != 1;
    task.finishes = task.offset != C{0} || options.clip;
    for (const AxisTables<C>& tables : axis) task.finishes = task.finishes || tables.plan().outside != nullptr;
    plan_passes();
}

template <class C>
void VolumePlan<C>::plan_passes() {
    const auto filtered = [](const AxisPlan<C>& plan) { return plan.prefilter.poles > 0 || plan.smooth_size > 0; };
    const AxisPlan<C>& first = axis[0].plan();
    const AxisPlan<C>& middle = axis[1].plan();
    two_passes = filtered(first);
    if (two_passes) {
        const std::int64_t planes = first.n_in + 2 * first.prefilter.pad;
        interpolates = first.n_out < planes;
        between = AxisTables<C>::identity(std::min(first.n_out, planes));
        const std::int64_t samples = between.plan().n_out * middle.n_in * axis[2].plan().n_in;
        task.stream_between = samples * static_cast<std::int64_t>(sizeof(C)) > kStreamBytes;
    }
    const int taps = interpolates ? 1 : first.taps;
    task.direct = (taps == 1 || taps * middle.taps <= 4) && !filtered(middle);
    const std::int64_t plane = middle.n_in * axis[2].plan().n_in;
    task.shares_plane = filtered(middle) && (first.n_out < kFewPlanes || plane > kLargePlane);
}

namespace {

bool takes_samples(DType in, DType out, const Options& options) {
    // Where cval blends in, it is limited like any other value.
    return in == out && !options.boolean && options.kernel.taps() == 1 &&
           !(options.clip && options.mode == Boundary::grid_constant);
}

bool is_points(const AxisSampling& axis) {
    return axis.antialias_sigma == 0.0 && !axis.sums();
}

}  // namespace

bool gathers(DType in, DType out, const std::vector<AxisSampling>& axes, const Options& options) {
    return takes_samples(in, out, options) && std::all_of(axes.begin(), axes.end(), is_points);
}

bool gathers(DType in, DType out, const AxisSampling& axis, const Options& options) {
    return takes_samples(in, out, options) && is_points(axis);
}

bool has_cells(const std::vector<AxisSampling>& axes) {
    return std::any_of(axes.begin(), axes.end(), [](const AxisSampling& axis) { return axis.sums(); });
}

bool blends_cval(const Options& options, const AxisSampling& axis) {
    return options.mode == Boundary::grid_constant ||
           (options.mode == Boundary::constant && axis.antialias_sigma > 0.0);
}

bool is_outside(double c, std::int64_t n, const Options& options) {
    return (options.mode == Boundary::constant || options.mode == Boundary::fov) &&
           !fold_coordinate(c, n, options.mode).inside;
}

template struct VolumePlan<float>;
template struct VolumePlan<double>;

}  // namespace voxkern::resample

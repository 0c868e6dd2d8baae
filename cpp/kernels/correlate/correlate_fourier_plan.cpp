// SPDX-License-Identifier: Apache-2.0
#include "kernels/correlate/correlate_fourier_plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

namespace voxkern::correlate {
namespace {

// Nanoseconds on one thread, fitted (README.md), in float32 and float64: of direct sums for a voxel and a tap; by
// Fourier for a voxel, for a sample of a tile, for a sample and each halving of the tile, for a sample of a spectrum
// that leaves L2, for a row of a tile.
constexpr double kByTap[] = {0.027, 0.075};
constexpr double kByVoxel[] = {2.0, 4.0};
constexpr double kBySample[] = {1.0, 2.0};
constexpr double kByHalving[] = {0.09, 0.18};
constexpr double kByFarSample[] = {1.3, 2.6};
constexpr double kByRow = 60.0;
constexpr std::int64_t kNearBytes = 640 << 10;  // the weights need as much again
// Other sums than SciPy's are worth it from this gain on.
constexpr double kLeastGain = 1.2;
constexpr std::int64_t kLeastTaps = 100;  // fewer are not asked about
constexpr std::int64_t kLongest = 4096;
constexpr std::int64_t kMostBytes = 8 << 20;  // of a spectrum, or eight times the weights
// A bound on errors: three transforms, of each halving of which rounds the root mean square by 2.7 units at most.
constexpr double kRoundings = 8.0;

std::int64_t round_up(std::int64_t n, std::int64_t to) {
    return (n + to - 1) / to * to;
}

struct Length {
    std::int64_t length;
    std::int64_t tiles;
    double halvings;
};

// Lengths for the tiles of an axis, each with fewer tiles than the one before: any short one, else multiples of `step`.
std::vector<Length> lengths_of(const Axis& axis, std::int64_t any, std::int64_t step) {
    std::vector<Length> lengths;
    for (std::int64_t n = axis.taps; n <= kLongest; ++n) {
        if ((n >= any && n % step != 0) || !has_transform(n)) continue;
        const std::int64_t block = n - axis.taps + 1;
        const std::int64_t tiles = (axis.extent + block - 1) / block;
        if (!lengths.empty() && lengths.back().tiles <= tiles) continue;
        lengths.push_back({n, tiles, std::log2(static_cast<double>(n))});
        if (tiles == 1) break;
    }
    return lengths;
}

// Results between integers are truncated: only sums that are known to be whole, of some unit, can be rounded before.
bool may_be_rounded(DType in, DType out, const Filter& filter, Arithmetic arithmetic, double unit) {
    const auto finite = [](double w) { return is_zero(w) || std::isfinite(w); };
    if (!std::all_of(filter.weights.begin(), filter.weights.end(), finite)) return false;
    return arithmetic == Arithmetic::f32 || is_float(out) || (!is_float(in) && unit != 0.0);
}

// Axes with taps, the samples of a row nearest to each other; the others go into the batch.
std::vector<Axis> take_axes(const std::vector<Axis>& all, Axes<2>& batch) {
    std::vector<Axis> axes;
    for (const Axis& axis : all) {
        if (axis.taps > 1) {
            axes.push_back(axis);
        } else {
            batch.push(axis.extent, {axis.in_stride, axis.out_stride});
        }
    }
    const auto distance = [](const Axis& axis) {
        return axis.extent == 1 ? std::numeric_limits<std::int64_t>::max() : std::abs(axis.in_stride);
    };
    std::stable_sort(axes.begin(), axes.end(), [&](const Axis& a, const Axis& b) { return distance(a) > distance(b); });
    return axes;
}

// The cheapest lengths of tiles.
void choose_lengths(FourierCut& cut, std::int64_t itemsize) {
    const bool wide = itemsize == 8;
    const std::int64_t taps = cut.axes[0].taps * cut.axes[1].taps * cut.axes[2].taps;
    const std::int64_t most = std::max(kMostBytes, 8 * taps * itemsize);
    const std::vector<Length> planes = lengths_of(cut.axes[0], kMostLanes, 4);
    const std::vector<Length> rows = lengths_of(cut.axes[1], kMostLanes, 4);
    const std::vector<Length> columns = lengths_of(cut.axes[2], 0, 64 / itemsize);
    const auto repeats = static_cast<double>(cut.batch.size());
    cut.cost = std::numeric_limits<double>::infinity();
    for (const Length& z : planes) {
        for (const Length& y : rows) {
            for (const Length& x : columns) {
                const std::int64_t samples = z.length * y.length * x.length;
                if (samples * itemsize > most) break;
                const bool far = samples * itemsize > kNearBytes;
                const auto tiles = static_cast<double>(z.tiles * y.tiles * x.tiles) * repeats;
                const double by_sample = kBySample[wide] + kByHalving[wide] * (z.halvings + y.halvings + x.halvings) +
                                         (far ? kByFarSample[wide] : 0.0);
                const double by_tile =
                    static_cast<double>(samples) * by_sample + static_cast<double>(z.length * y.length) * kByRow;
                const double cost = (tiles + 0.5) * by_tile;
                if (cost >= cut.cost) continue;
                cut.cost = cost;
                const Length* const chosen[] = {&z, &y, &x};
                for (std::size_t a = 0; a < kFourierAxes; ++a) {
                    cut.axes[a].tiles = chosen[a]->tiles;
                    cut.lengths[a] = chosen[a]->length;
                }
            }
        }
    }
}

}  // namespace

std::int64_t FourierCut::tiles() const {
    return axes[0].tiles * axes[1].tiles * axes[2].tiles;
}

std::int64_t FourierCut::samples() const {
    return lengths[0] * lengths[1] * lengths[2];
}

std::optional<FourierCut> fourier_cut(const ConstArrayView& in, const ArrayView& out, const Filter& filter,
                                      Arithmetic arithmetic) {
    const auto zeros = std::count_if(filter.weights.begin(), filter.weights.end(), is_zero);
    const auto taps = static_cast<std::int64_t>(filter.weights.size()) - zeros;
    if (taps < kLeastTaps) return std::nullopt;
    const double unit = is_float(in.dtype) ? 0.0 : unit_of(filter);
    if (!may_be_rounded(in.dtype, out.dtype, filter, arithmetic, unit)) return std::nullopt;
    FourierCut cut;
    cut.unit = unit == 0.0 ? 0.0 : 1.0 / unit;
    cut.axes = take_axes(axes_of(in, out, filter, Edges::extended, true), cut.batch);
    if (cut.axes.size() < 2 || cut.axes.size() > kFourierAxes) return std::nullopt;
    if (cut.axes.size() == 2) cut.axes.insert(cut.axes.begin(), Axis());
    choose_lengths(cut, arithmetic == Arithmetic::f32 ? 4 : 8);
    const auto voxels = static_cast<double>(in.size());
    cut.cost += voxels * kByVoxel[arithmetic != Arithmetic::f32];
    const double direct = voxels * static_cast<double>(taps) * kByTap[arithmetic == Arithmetic::f64];
    if (!(kLeastGain * cut.cost < direct)) return std::nullopt;
    for (Axis& axis : cut.axes) extend(axis, filter.mode, Edges::extended);
    return cut;
}

template <class C>
FourierPlan<C>::FourierPlan(const FourierCut& tiles, const Filter& filter) : cut(tiles), weights(filter.weights) {
    for (double& w : weights) w = is_zero(w) ? 0.0 : w;
    for (const std::int64_t n : cut.lengths) tables_.emplace_back(n);
    places_ = tables_[1].places();
    std::int64_t outside = 0;
    for (std::size_t a = 0; a < kFourierAxes; ++a) outside = std::max(outside, cut.lengths[a] - cut.axes[a].taps);
    no_samples_.assign(static_cast<std::size_t>(outside), kOutside);
    // Odd numbers of cache lines: neighbouring rows then lie in different sets of L1.
    constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(C));
    columns_ = round_up(cut.lengths[2], line);
    pitch_ = (round_up(columns_, 2 * line) / line | 1) * line;
    row_pitch_ = (2 * columns_ / line | 1) * line;
    group_ = kMostLanes / std::gcd(kMostLanes, cut.lengths[0]);
    scale = 0.25 / static_cast<double>(cut.samples());
    set_limits();
}

// Nothing overflows on the way, nothing that counts is flushed to zero, and whole numbers are off by less than a half.
template <class C>
void FourierPlan<C>::set_limits() {
    const auto samples = static_cast<double>(cut.samples());
    const double magnitude =
        std::accumulate(weights.begin(), weights.end(), 0.0, [](double sum, double w) { return sum + std::abs(w); });
    constexpr double kUnit = static_cast<double>(std::numeric_limits<C>::epsilon()) / 2;
    constexpr double kMost = static_cast<double>(std::numeric_limits<C>::max()) / 8.0;
    if (!(magnitude <= kMost)) {  // their own spectrum overflows
        largest = 0.0;
        return;
    }
    largest = kMost / (samples * std::max(magnitude, 1.0));
    smallest = static_cast<double>(std::numeric_limits<C>::min()) / kUnit * samples * std::max(1.0 / magnitude, 1.0);
    if (cut.unit != 0.0) {
        const double error = kRoundings * kUnit * std::log2(samples) * std::sqrt(samples) * magnitude;
        largest = std::min(largest, 0.25 * cut.unit / error);
    }
}

template <class C>
std::int64_t FourierPlan<C>::groups() const {
    return (cut.lengths[1] / 2 + group_) / group_;
}

template <class C>
std::int64_t FourierPlan<C>::plane_size() const {
    return cut.lengths[1] * pitch_;
}

template <class C>
std::int64_t FourierPlan<C>::spectrum_size() const {
    return (cut.lengths[1] / 2 + 1) * cut.lengths[0] * row_pitch_;
}

template <class C>
std::int64_t FourierPlan<C>::weights_size() const {
    return groups() * common().group_size;
}

template <class C>
std::int64_t FourierPlan<C>::lines_size() const {
    return 2 * cut.lengths[2] * kMostLanes;
}

template <class C>
FourierTask<C> FourierPlan<C>::common() const {
    FourierTask<C> task;
    for (std::size_t a = 0; a < kFourierAxes; ++a) task.transforms[a] = tables_[a].transform();
    task.columns = columns_;
    task.row_pitch = row_pitch_;
    task.group = group_;
    task.group_size = round_up(group_ * cut.lengths[0], kMostLanes) * 2 * cut.lengths[2];
    task.places = places_.data();
    task.arrays.n_outer = 2;
    task.arrays.pitch = pitch_;
    return task;
}

template <class C>
FourierTask<C> FourierPlan<C>::task(const ConstArrayView& in, const ArrayView& out, C cval) const {
    FourierTask<C> task = common();
    Task<C>& arrays = task.arrays;
    arrays.in = static_cast<const char*>(in.data);
    arrays.out = static_cast<char*>(out.data);
    arrays.in_dtype = in.dtype;
    arrays.out_dtype = out.dtype;
    arrays.in_itemsize = size_of(in.dtype);
    arrays.out_itemsize = size_of(out.dtype);
    for (std::size_t a = 0; a < 2; ++a) arrays.outer[a] = task_of(cut.axes[a]);
    arrays.row = task_of(cut.axes[2]);
    arrays.in_step = arrays.row.in_stride;
    arrays.out_step = arrays.row.out_stride;
    arrays.cval = cval;
    task.unit = static_cast<C>(cut.unit);
    return task;
}

template <class C>
FourierTask<C> FourierPlan<C>::task_of_weights() const {
    FourierTask<C> task = common();
    Task<C>& arrays = task.arrays;
    arrays.in = reinterpret_cast<const char*>(weights.data());
    arrays.in_dtype = DType::f64;
    arrays.in_itemsize = size_of(DType::f64);
    AxisTask* const axes[] = {&arrays.outer[0], &arrays.outer[1], &arrays.row};
    for (std::size_t a = 0; a < kFourierAxes; ++a) {
        axes[a]->extent = cut.axes[a].taps;
        axes[a]->taps = cut.lengths[a] - cut.axes[a].taps + 1;
        axes[a]->in_stride = cut.axes[a].weight_stride;
        axes[a]->extension = no_samples_.data();
        task.parts[a] = {0, cut.axes[a].taps};
    }
    arrays.in_step = cut.axes[2].weight_stride;
    return task;
}

template struct FourierPlan<float>;
template struct FourierPlan<double>;

}  // namespace voxkern::correlate

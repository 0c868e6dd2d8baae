// SPDX-License-Identifier: Apache-2.0
// The taps of one axis under each rule, and the vote among the labels they meet.
#pragma once

#include <cmath>

#include "core/interpolator.hpp"

namespace voxkern::resample_labels {

// Which label an output voxel takes.
enum class Rule : std::int8_t {
    nearest,
    argmax,    // highest linear indicator; the nearest sample's label where it shares the top, else the lowest
    half,      // highest label with a linear indicator of at least a half, else 0
    gaussian,  // highest indicator under a Gaussian; the one that was first to reach the top, as in ITK
};

// Most axes of a label map, and samples along one that a Gaussian may take in.
inline constexpr int kMaxAxes = 8;
inline constexpr int kMaxTaps = 16;
// Most samples that one output voxel may weigh.
inline constexpr int kMaxVotes = 1024;

// How samples are taken along one axis.
struct AxisRule {
    Rule rule = Rule::argmax;
    Boundary mode = Boundary::nearest;
    double sigma = 1.0;  // Gaussian: in samples; cut off at alpha * sigma
    double alpha = 1.0;
};

struct Taps {
    int count = 0;
    std::int64_t index[kMaxTaps];  // kOutside: cval
    double weight[kMaxTaps];
    std::int64_t nearest = 0;
    bool inside = true;
};

VOXKERN_HD VOXKERN_INLINE Taps nearest_tap(double c, std::int64_t n, Boundary mode) {
    Taps taps;
    taps.count = 1;
    taps.inside = interpolator_taps(c, n, 0, {0}, mode, taps.index, taps.weight);
    taps.nearest = taps.weight[0] == 0.0 ? kOutside : taps.index[0];
    taps.index[0] = taps.nearest;
    taps.weight[0] = 1.0;
    return taps;
}

// Taps of no weight repeat the other, so that neighbours that do not count need not agree with it. `nearest` does
// not clamp, as in scipy: both taps are then the edge, and their two weights round as they do there.
VOXKERN_HD VOXKERN_INLINE Taps linear_taps(double c, std::int64_t n, Boundary mode) {
    Taps taps = nearest_tap(c, n, mode);
    const FoldedCoordinate at = mode == Boundary::nearest ? FoldedCoordinate{c, true} : fold_coordinate(c, n, mode);
    taps.inside = at.inside;
    taps.count = 2;
    const double start = std::floor(at.value);
    spline_weights(at.value, 1, taps.weight);
    // Far outside in grid_constant both are cval; keep the conversion in range.
    const auto first = static_cast<std::int64_t>(start < -9e15 ? -9e15 : (start > 9e15 ? 9e15 : start));
    for (int t = 0; t < 2; ++t) taps.index[t] = fold_index(first + t, n, tap_boundary(mode));
    if (taps.weight[1] == 0.0) taps.index[1] = taps.index[0];
    if (taps.weight[0] == 0.0) taps.index[0] = taps.index[1];
    return taps;
}

// Integrals of a Gaussian over the cells of the samples, within the cut-off and the image, as ITK takes them.
VOXKERN_HD VOXKERN_INLINE Taps gaussian_taps(double c, std::int64_t n, Boundary mode, double sigma, double alpha) {
    Taps taps = nearest_tap(c, n, mode);
    const double at = mode == Boundary::nearest ? fold_coordinate(c, n, mode).value : c;
    const double reach = sigma * alpha;
    const auto low = static_cast<std::int64_t>(std::floor(at + 0.5 - reach));
    const auto high = static_cast<std::int64_t>(std::ceil(at + 0.5 + reach));
    const std::int64_t begin = low < 0 ? 0 : low;
    const std::int64_t end = high > n ? n : high;
    const double scale = 1.0 / (std::sqrt(2.0) * sigma);
    taps.count = 0;
    double last = std::erf((static_cast<double>(begin) - 0.5 - at) * scale);
    for (std::int64_t i = begin; i < end && taps.count < kMaxTaps; ++i) {
        const double now = std::erf((static_cast<double>(i) + 0.5 - at) * scale);
        taps.index[taps.count] = i;
        taps.weight[taps.count++] = now - last;
        last = now;
    }
    return taps;
}

VOXKERN_HD VOXKERN_INLINE Taps taps_at(double c, std::int64_t n, const AxisRule& axis) {
    if (!(c > -1e15 && c < 1e15)) {  // nothing is left to fold
        Taps nowhere;
        nowhere.inside = false;
        return nowhere;
    }
    switch (axis.rule) {
        case Rule::nearest: return nearest_tap(c, n, axis.mode);
        case Rule::gaussian: return gaussian_taps(c, n, axis.mode, axis.sigma, axis.alpha);
        case Rule::argmax:
        case Rule::half: break;
    }
    return linear_taps(c, n, axis.mode);
}

// The taps of one output voxel along one axis.
struct AxisTaps {
    int count;
    const std::int64_t* index;
    const double* weight;
    std::int64_t nearest;
};

// The labels met so far and their scores, in the order they were met.
template <class T>
struct Ballot {
    int count = 0;
    T label[kMaxVotes];
    double score[kMaxVotes];
    int leader = -1;  // the first to have more than all others at some time

    VOXKERN_HD VOXKERN_INLINE void add(T voted, double weight) {
        int k = 0;
        while (k < count && label[k] != voted) ++k;
        if (k == count) {
            label[count] = voted;
            score[count++] = 0.0;
        }
        score[k] += weight;
        if (leader < 0 || score[k] > score[leader]) leader = k;
    }
};

// The label map that votes are taken from. T is unsigned: signed labels differ in their order alone.
template <class T>
struct LabelMap {
    const T* data;
    int axes;
    const std::int64_t* strides;
    T cval;
    T sign;  // the sign bit of signed labels, else 0

    VOXKERN_HD VOXKERN_INLINE bool less(T a, T b) const { return (a ^ sign) < (b ^ sign); }
};

// Every combination of taps adds the product of its weights to its label's score; sums are taken in the order
// of the array's axes, as scipy takes them, because ties are decided by equality.
template <class T>
VOXKERN_HD VOXKERN_INLINE T vote(const LabelMap<T>& map, Rule rule, const AxisTaps* taps) {
    Ballot<T> ballot;
    int at[kMaxAxes] = {};
    for (bool more = true; more;) {
        double weight = 1.0;
        std::int64_t place = 0;
        bool within = true;
        for (int a = 0; a < map.axes; ++a) {
            weight *= taps[a].weight[at[a]];
            const std::int64_t index = taps[a].index[at[a]];
            within = within && index != kOutside;
            place += index * map.strides[a];
        }
        ballot.add(within ? map.data[place] : map.cval, weight);
        more = false;
        for (int a = map.axes - 1; a >= 0 && !more; --a) {
            more = ++at[a] < taps[a].count;
            if (!more) at[a] = 0;
        }
    }
    if (rule == Rule::gaussian) return ballot.label[ballot.leader];
    if (rule == Rule::half) {
        bool any = false;
        T highest = T{0};
        for (int k = 0; k < ballot.count; ++k) {
            if (ballot.score[k] >= 0.5 && (!any || map.less(highest, ballot.label[k]))) {
                any = true;
                highest = ballot.label[k];
            }
        }
        return highest;
    }
    int best = 0;
    for (int k = 1; k < ballot.count; ++k) {
        const bool tied = ballot.score[k] == ballot.score[best];
        if (ballot.score[k] > ballot.score[best] || (tied && map.less(ballot.label[k], ballot.label[best]))) best = k;
    }
    std::int64_t place = 0;
    bool within = true;
    for (int a = 0; a < map.axes; ++a) {
        within = within && taps[a].nearest != kOutside;
        place += taps[a].nearest * map.strides[a];
    }
    const T nearest = within ? map.data[place] : map.cval;
    for (int k = 0; k < ballot.count; ++k) {
        if (ballot.label[k] == nearest && ballot.score[k] == ballot.score[best]) return nearest;
    }
    return ballot.label[best];
}

}  // namespace voxkern::resample_labels

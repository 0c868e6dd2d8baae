// SPDX-License-Identifier: Apache-2.0
// The taps of one axis under each rule, and the vote among the labels they meet.
#pragma once

#include <cmath>

#include "core/interpolator.hpp"
#include "kernels/resample_labels/resample_labels_task.hpp"

namespace voxkern {

struct LabelTaps {
    int count = 0;
    std::int64_t index[kMaxLabelTaps];  // kOutside: cval
    double weight[kMaxLabelTaps];
    std::int64_t nearest = 0;
    bool inside = true;
};

inline LabelTaps nearest_tap(double c, std::int64_t n, Boundary mode) {
    LabelTaps taps;
    taps.count = 1;
    taps.inside = interpolator_taps(c, n, 0, {0}, mode, taps.index, taps.weight);
    taps.nearest = taps.weight[0] == 0.0 ? kOutside : taps.index[0];
    taps.index[0] = taps.nearest;
    taps.weight[0] = 1.0;
    return taps;
}

// Taps of no weight repeat the other, so that neighbours that do not count need not agree with it. `nearest` does
// not clamp, as in scipy: both taps are then the edge, and their two weights round as they do there.
inline LabelTaps linear_taps(double c, std::int64_t n, Boundary mode) {
    LabelTaps taps = nearest_tap(c, n, mode);
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
inline LabelTaps gaussian_taps(double c, std::int64_t n, Boundary mode, double sigma, double alpha) {
    LabelTaps taps = nearest_tap(c, n, mode);
    const double at = mode == Boundary::nearest ? fold_coordinate(c, n, mode).value : c;
    const double reach = sigma * alpha;
    const auto low = static_cast<std::int64_t>(std::floor(at + 0.5 - reach));
    const auto high = static_cast<std::int64_t>(std::ceil(at + 0.5 + reach));
    const std::int64_t begin = low < 0 ? 0 : low;
    const std::int64_t end = high > n ? n : high;
    const double scale = 1.0 / (std::sqrt(2.0) * sigma);
    taps.count = 0;
    double last = std::erf((static_cast<double>(begin) - 0.5 - at) * scale);
    for (std::int64_t i = begin; i < end && taps.count < kMaxLabelTaps; ++i) {
        const double now = std::erf((static_cast<double>(i) + 0.5 - at) * scale);
        taps.index[taps.count] = i;
        taps.weight[taps.count++] = now - last;
        last = now;
    }
    return taps;
}

inline LabelTaps label_taps(const LabelParams& params, std::size_t axis, double c, std::int64_t n) {
    if (!(c > -1e15 && c < 1e15)) {  // nothing is left to fold
        LabelTaps nowhere;
        nowhere.inside = false;
        return nowhere;
    }
    switch (params.rule) {
        case LabelRule::nearest: return nearest_tap(c, n, params.mode);
        case LabelRule::gaussian: return gaussian_taps(c, n, params.mode, params.sigma[axis], params.alpha);
        case LabelRule::argmax:
        case LabelRule::half: break;
    }
    return linear_taps(c, n, params.mode);
}

// The taps of one output voxel along one axis.
struct TapsOfAxis {
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

    VOXKERN_INLINE void add(T voted, double weight) {
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

// Every combination of taps adds the product of its weights to its label's score; sums are taken in the order
// of the array's axes, as scipy takes them, because ties are decided by equality.
template <class T>
VOXKERN_INLINE T vote(const LabelTask& task, const TapsOfAxis* taps) {
    const T* const base = reinterpret_cast<const T*>(task.source);
    const T outside = static_cast<T>(task.cval);
    Ballot<T> ballot;
    int at[kMaxLabelAxes] = {};
    for (bool more = true; more;) {
        double weight = 1.0;
        std::int64_t place = 0;
        bool within = true;
        for (int a = 0; a < task.axes; ++a) {
            weight *= taps[a].weight[at[a]];
            const std::int64_t index = taps[a].index[at[a]];
            within = within && index != kOutside;
            place += index * task.source_strides[a];
        }
        ballot.add(within ? base[place] : outside, weight);
        more = false;
        for (int a = task.axes - 1; a >= 0 && !more; --a) {
            more = ++at[a] < taps[a].count;
            if (!more) at[a] = 0;
        }
    }
    if (task.rule == LabelRule::gaussian) return ballot.label[ballot.leader];
    if (task.rule == LabelRule::half) {
        bool any = false;
        T highest = T{0};
        for (int k = 0; k < ballot.count; ++k) {
            if (ballot.score[k] >= 0.5 && (!any || ballot.label[k] > highest)) {
                any = true;
                highest = ballot.label[k];
            }
        }
        return highest;
    }
    int best = 0;
    for (int k = 1; k < ballot.count; ++k) {
        const bool tied = ballot.score[k] == ballot.score[best];
        if (ballot.score[k] > ballot.score[best] || (tied && ballot.label[k] < ballot.label[best])) best = k;
    }
    std::int64_t place = 0;
    bool within = true;
    for (int a = 0; a < task.axes; ++a) {
        within = within && taps[a].nearest != kOutside;
        place += taps[a].nearest * task.source_strides[a];
    }
    const T nearest = within ? base[place] : outside;
    for (int k = 0; k < ballot.count; ++k) {
        if (ballot.label[k] == nearest && ballot.score[k] == ballot.score[best]) return nearest;
    }
    return ballot.label[best];
}

}  // namespace voxkern

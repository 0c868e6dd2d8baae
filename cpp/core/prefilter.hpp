// SPDX-License-Identifier: Apache-2.0
// The recursive filter that turns the samples of a line into B-spline coefficients, as plain numbers.
// M. Unser, A. Aldroubi, M. Eden, "B-spline signal processing", IEEE Trans. Signal Proc. 41 (1993).
#pragma once

#include <cmath>
#include <vector>

#include "core/boundary.hpp"
#include "core/interpolator.hpp"

namespace voxkern {

// sum_k weight[k] * sample[index[k]]: how a recursion starts.
template <class C>
struct InitialSum {
    std::int64_t count = 0;
    const std::int64_t* index = nullptr;
    const C* weight = nullptr;
};

template <class C>
struct PoleFilter {
    C pole = C{0};
    InitialSum<C> causal;
    InitialSum<C> anticausal;  // over the causal result
};

// The line is `pad + n + pad` samples long. Its coefficients come out divided by spline_gain(order).
template <class C>
struct Prefilter {
    std::int64_t n = 1;
    std::int64_t pad = 0;
    bool pad_edge = false;  // padding repeats the edge sample; else it is zero
    int poles = 0;          // 0: no filter
    PoleFilter<C> filter[2];
};

// A long line with few neighbours to share vectors with is cut into segments. So is one of neighbouring samples that is
// longer than a tile of such lines may be: its scratch memory and the time between two looks at a signal would know no
// bounds. The recursion forgets where it started: after kRunIn samples the poles of every order are below 1e-18. So a
// segment starts that far outside itself, on the samples that continue the line, and any starting value will do.
// kSegmentRoom: elements of scratch to filter one in.
inline constexpr std::int64_t kRunIn = 64;
inline constexpr std::int64_t kSegment = std::int64_t{1} << 14;
template <class C>
inline constexpr std::int64_t kSegmentRoom = 2 * kSegment + (2 + 128 / static_cast<std::int64_t>(sizeof(C))) * kRunIn;
inline constexpr std::int64_t kLongLine = 2 * kSegment;
inline constexpr std::int64_t kLongestTile = 64 * kSegment;
inline constexpr std::int64_t kFewLines = 8;  // of float64: a cache line

// `step`: elements from one sample of a line to the next.
inline bool takes_segments(std::int64_t length, std::int64_t lines, std::int64_t step) {
    const bool too_long = length >= kLongestTile && (step == 1 || step == -1);
    return length >= kLongLine && (lines < kFewLines || too_long);
}

// What a segment needs to know of its line of `pad + n + pad` samples.
template <class C>
struct LongLine {
    std::int64_t n = 1;
    std::int64_t pad = 0;
    bool pad_edge = false;
    Boundary extension = Boundary::mirror;
    int poles = 0;  // 0: no filter
    C pole[2] = {C{0}, C{0}};
};

template <class C>
LongLine<C> long_line(std::int64_t n, std::int64_t pad, int order, Boundary mode) {
    LongLine<C> line;
    line.n = n;
    line.pad = pad;
    line.pad_edge = mode == Boundary::nearest;
    line.extension = prefilter_boundary(mode);
    double poles[2] = {0.0, 0.0};
    line.poles = spline_poles(order, poles);
    for (int p = 0; p < line.poles; ++p) line.pole[p] = static_cast<C>(poles[p]);
    return line;
}

// One line, as the GPU filters it: a thread per line. The tiles of core/simd/prefilter.inl.hpp do the same a vector of
// lines at a time.
template <class C>
VOXKERN_HD VOXKERN_INLINE C first_coefficient(const InitialSum<C>& sum, const C* line, std::int64_t stride) {
    C value = C{0};
    for (std::int64_t k = 0; k < sum.count; ++k) {
        value = std::fma(line[sum.index[k] * stride], sum.weight[k], value);
    }
    return value;
}

// Causal, then anticausal recursion of one pole along a padded line of n samples, in place.
template <class C>
VOXKERN_HD VOXKERN_INLINE void filter_line(const PoleFilter<C>& filter, C* line, std::int64_t n, std::int64_t stride) {
    const C z = filter.pole;
    C c = first_coefficient(filter.causal, line, stride);
    line[0] = c;
    for (std::int64_t i = 1; i < n; ++i) {
        c = std::fma(z, c, line[i * stride]);
        line[i * stride] = c;
    }
    c = first_coefficient(filter.anticausal, line, stride);
    line[(n - 1) * stride] = c;
    for (std::int64_t i = n - 2; i >= 0; --i) {
        c = std::fma(z, c, -(z * line[i * stride]));
        line[i * stride] = c;
    }
}

// A Prefilter and the memory its pointers lead to. Moves, never copies: the pointers stay valid.
template <class C>
class OwnedPrefilter {
  public:
    OwnedPrefilter() = default;
    OwnedPrefilter(std::int64_t n, std::int64_t pad, int order, Boundary mode);
    OwnedPrefilter(OwnedPrefilter&&) = default;
    OwnedPrefilter& operator=(OwnedPrefilter&&) = default;

    const Prefilter<C>& filter() const { return filter_; }

  private:
    void start(int pole, double z, std::int64_t length, Boundary extension);

    Prefilter<C> filter_;
    std::vector<std::int64_t> index_[4];
    std::vector<C> weight_[4];
};

}  // namespace voxkern

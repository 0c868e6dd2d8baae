// SPDX-License-Identifier: Apache-2.0
// One voxel, on host and device.
#pragma once

#include "core/words.hpp"
#include "kernels/normalise/normalise.hpp"

namespace voxkern::normalise {

// The comparisons let NaN through.
template <class T>
VOXKERN_HD VOXKERN_INLINE T limited(T x, T low, T high) {
    const T raised = x < low ? low : x;
    return raised > high ? high : raised;
}

VOXKERN_HD VOXKERN_INLINE double value_of(double x, const Options& o) {
    return limited((x - o.centre) * o.scale + o.shift, o.low, o.high);
}

// Above the largest double that a 64-bit integer holds there are a few more of its values.
template <class T>
VOXKERN_HD VOXKERN_INLINE T upper(double high) {
    if constexpr (!kFloating<T>) {
        constexpr T largest = static_cast<T>(~(kSigned<T> ? kTopBit<T> : Word<T>{0}));
        if (high > upper_limit<T, double>()) return largest;
    }
    return RoundSaturate::cast<T>(high);
}

// Limits alone, in the dtype itself: what lies between them keeps its bits.
template <class T>
struct Limits {
    T low;
    T high;

    VOXKERN_HD VOXKERN_INLINE explicit Limits(const Options& o)
        : low(RoundSaturate::cast<T>(o.low)), high(upper<T>(o.high)) {}
    VOXKERN_HD VOXKERN_INLINE T operator()(T x) const { return limited(x, low, high); }
};

// A half is compared with limits that are not rounded to halves.
template <>
struct Limits<Half> {
    float low;
    float high;

    VOXKERN_HD VOXKERN_INLINE explicit Limits(const Options& o)
        : low(static_cast<float>(o.low)), high(static_cast<float>(o.high)) {}
    VOXKERN_HD VOXKERN_INLINE Half operator()(Half x) const {
        const float value = x;
        return value < low ? Half(low) : value > high ? Half(high) : x;
    }
};

}  // namespace voxkern::normalise

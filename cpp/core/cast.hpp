// SPDX-License-Identifier: Apache-2.0
// From the compute type (float or double) to an element type: the rounding rules of filters and interpolation.
#pragma once

#include <cstdint>

#include "core/config.hpp"
#include "core/half.hpp"

namespace voxkern {

template <class A, class B>
constexpr bool kSame = false;
template <class A>
constexpr bool kSame<A, A> = true;

template <class T>
constexpr bool kFloating = kSame<T, float> || kSame<T, double> || kSame<T, Half>;
template <class T>
constexpr bool kSigned = static_cast<T>(-1) < static_cast<T>(0);

// Every element type as a double; there is no direct way from a half.
template <class T>
VOXKERN_HD VOXKERN_INLINE double as_double(T x) {
    if constexpr (kSame<T, Half>) {
        return static_cast<double>(static_cast<float>(x));
    } else {
        return static_cast<double>(x);
    }
}

// Largest and smallest value of an integer type that C can hold without leaving the type.
template <class T, class C>
VOXKERN_HD VOXKERN_INLINE constexpr C upper_limit() {
    constexpr int bits = 8 * static_cast<int>(sizeof(T)) - (kSigned<T> ? 1 : 0);
    constexpr int digits = kSame<C, float> ? 24 : 53;
    constexpr std::uint64_t all = ~std::uint64_t{0} >> (64 - bits);
    if constexpr (bits > digits) {
        return static_cast<C>(all >> (bits - digits) << (bits - digits));
    } else {
        return static_cast<C>(all);
    }
}
template <class T, class C>
VOXKERN_HD VOXKERN_INLINE constexpr C lower_limit() {
    return kSigned<T> ? -static_cast<C>(std::uint64_t{1} << (8 * sizeof(T) - 1)) : C{0};
}

// x cut to a whole number. C++ leaves open what becomes of NaN and of what Int cannot hold: here its lowest value, as
// x86's instructions have it, and so scipy.
template <class Int, class C>
VOXKERN_HD VOXKERN_INLINE Int truncated(C x) {
    constexpr C lowest = lower_limit<Int, C>();
    return static_cast<Int>(((x >= lowest) & (x < -lowest)) ? x : lowest);
}

// Interpolation: half away from zero, then saturate. NaN becomes 0, in signed types of 32 and 64 bits the lowest value.
struct RoundSaturate {
    template <class T, class C>
    VOXKERN_HD VOXKERN_INLINE static T cast(C x) {
        if constexpr (kFloating<T>) {
            return static_cast<T>(x);
        } else {
            C t = x + (x < C{0} ? C(-0.5) : C(0.5));
            t = t > lower_limit<T, C>() ? t : lower_limit<T, C>();  // NaN too
            t = t < upper_limit<T, C>() ? t : upper_limit<T, C>();
            if constexpr (sizeof(T) <= 2) {
                if constexpr (kSigned<T>) t = x == x ? t : C{0};
                return static_cast<T>(static_cast<std::int32_t>(t));
            } else {
                return static_cast<T>(t);
            }
        }
    }
};

// Filters: truncate, then wrap: small integers and uint32 keep the low bits of an integer of 32 and 64 bits.
struct TruncateWrap {
    template <class T, class C>
    VOXKERN_HD VOXKERN_INLINE static T cast(C x) {
        if constexpr (kFloating<T>) {
            return static_cast<T>(x);
        } else if constexpr (sizeof(T) <= 2) {
            return static_cast<T>(truncated<std::int32_t>(x));
        } else if constexpr (kSame<T, std::uint64_t>) {
            constexpr C half = C(9223372036854775808.0);
            return x >= half ? static_cast<T>(truncated<std::int64_t>(x - half)) + (T{1} << 63)
                             : static_cast<T>(truncated<std::int64_t>(x));
        } else if constexpr (kSame<T, std::uint32_t>) {
            return static_cast<T>(truncated<std::int64_t>(x));
        } else {
            return truncated<T>(x);
        }
    }
};

}  // namespace voxkern

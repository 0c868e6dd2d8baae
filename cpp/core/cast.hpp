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

// Interpolation: half away from zero, then saturate.
struct RoundSaturate {
    template <class T, class C>
    VOXKERN_HD VOXKERN_INLINE static T cast(C x) {
        if constexpr (kFloating<T>) {
            return static_cast<T>(x);
        } else {
            C t = x + (x < C{0} ? C(-0.5) : C(0.5));
            t = t > upper_limit<T, C>() ? upper_limit<T, C>() : t;
            t = t < lower_limit<T, C>() ? lower_limit<T, C>() : t;
            if constexpr (sizeof(T) <= 2) {
                return static_cast<T>(static_cast<std::int32_t>(t));
            } else {
                return static_cast<T>(t);
            }
        }
    }
};

// Filters: C's cast, which truncates and wraps as scipy's filters do.
struct TruncateWrap {
    template <class T, class C>
    VOXKERN_HD VOXKERN_INLINE static T cast(C x) {
        if constexpr (kFloating<T>) {
            return static_cast<T>(x);
        } else if constexpr (sizeof(T) <= 2) {
            return static_cast<T>(static_cast<std::int32_t>(x));
        } else if constexpr (kSame<T, std::uint64_t>) {
            return x < C(9223372036854775808.0)
                       ? static_cast<T>(static_cast<std::int64_t>(x))
                       : static_cast<T>(static_cast<std::int64_t>(x - C(9223372036854775808.0))) + (T{1} << 63);
        } else {
            return static_cast<T>(static_cast<std::int64_t>(x));
        }
    }
};

}  // namespace voxkern

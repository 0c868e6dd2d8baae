// SPDX-License-Identifier: Apache-2.0
// Boundary modes, named as in scipy.ndimage, told by the extension of a line of n samples they stand for:
//   constant       cval | a b c d | cval          interpolation: no blending, strict at both ends
//   grid_constant  cval | a b c d | cval          interpolation: blends with cval
//   nearest         a a | a b c d | d d
//   reflect         b a | a b c d | d c           period 2n, half-sample symmetric (DCT-2)
//   mirror          c b | a b c d | c b           period 2n-2, whole-sample symmetric (DCT-1)
//   wrap            interpolation: period n-1, first and last sample coincide
//   grid_wrap       c d | a b c d | a b           period n; what scipy's *filters* call wrap
//   fov            ITK's rule: cval beyond half a voxel outside the volume, clamped within (one or two taps)
#pragma once

#include <cmath>
#include <cstdint>

#include "core/config.hpp"

namespace voxkern {

enum class Boundary : std::int8_t { constant, grid_constant, nearest, reflect, mirror, wrap, grid_wrap, fov };

// Whether a line goes on with cval.
constexpr bool is_constant(Boundary mode) {
    return mode == Boundary::constant || mode == Boundary::grid_constant;
}

inline constexpr std::int64_t kOutside = -1;

// Index of the sample that stands at integer position i, or kOutside where cval stands.
// This is the filters' reading of the modes: wrap means grid_wrap, constant grid_constant.
VOXKERN_HD VOXKERN_INLINE std::int64_t fold_index(std::int64_t i, std::int64_t n, Boundary mode) {
    if (i >= 0 && i < n) return i;
    switch (mode) {
        case Boundary::constant:
        case Boundary::grid_constant: return kOutside;
        case Boundary::nearest:
        case Boundary::fov: return i < 0 ? 0 : n - 1;
        case Boundary::wrap:
        case Boundary::grid_wrap: {
            const std::int64_t r = i % n;
            return r < 0 ? r + n : r;
        }
        case Boundary::reflect: {
            std::int64_t r = i % (2 * n);
            if (r < 0) r += 2 * n;
            return r < n ? r : 2 * n - 1 - r;
        }
        case Boundary::mirror: {
            if (n == 1) return 0;
            const std::int64_t period = 2 * n - 2;
            std::int64_t r = i % period;
            if (r < 0) r += period;
            return r < n ? r : period - r;
        }
    }
    return kOutside;
}

struct FoldedCoordinate {
    double value;
    bool inside;         // false: the sample is cval whatever the neighbours are
    double slope = 1.0;  // of value against the coordinate: -1 where the line is read backwards, 0 where clamped
};

// Real coordinate brought into the line, as scipy's interpolation reads the modes.
VOXKERN_HD VOXKERN_INLINE FoldedCoordinate fold_coordinate(double c, std::int64_t n, Boundary mode) {
    const double last = static_cast<double>(n - 1);
    if (mode == Boundary::fov) {
        if (!(c >= -0.5 && c < last + 0.5)) return {0.0, false};
        return {c < 0.0 ? 0.0 : (c > last ? last : c), true, c < 0.0 || c > last ? 0.0 : 1.0};
    }
    if (c >= 0.0 && c <= last) return {c, true};
    switch (mode) {
        case Boundary::constant: return {0.0, false};
        case Boundary::grid_constant: return {c, true};
        case Boundary::nearest: return {c < 0.0 ? 0.0 : last, true, 0.0};
        case Boundary::reflect: {
            const double period = 2.0 * static_cast<double>(n);
            double r = c - period * std::floor(c / period);
            if (r >= static_cast<double>(n)) return {period - r - 1.0, true, -1.0};
            return {r, true};
        }
        case Boundary::mirror: {
            if (n == 1) return {0.0, true, 0.0};
            // As scipy folds: what lies less than a sample beyond the last one stays there, for its taps to be
            // folded, which decides ties of order 0.
            const double period = 2.0 * last;
            if (c < 0.0) {
                const double r = c + period * std::floor(-c / period);
                if (r <= -last) return {r + period, true};
                return {-r, true, -1.0};
            }
            const double r = c - period * std::floor(c / period);
            if (r >= static_cast<double>(n)) return {period - r, true, -1.0};
            return {r, true};
        }
        case Boundary::wrap: {
            if (n == 1) return {0.0, true, 0.0};
            // Whole periods below zero fall on the last sample and those above on the first, as in scipy.
            if (c < 0.0) return {c + last * (std::floor(-c / last) + 1.0), true};
            return {c - last * std::floor(c / last), true};
        }
        case Boundary::grid_wrap: {
            const double period = static_cast<double>(n);
            return {c - period * std::floor(c / period), true};
        }
        case Boundary::fov: break;
    }
    return {0.0, false};
}

}  // namespace voxkern

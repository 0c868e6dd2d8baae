// SPDX-License-Identifier: Apache-2.0
// Row loops of norm, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/norm/norm_task.hpp"

namespace voxkern::norm {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"

constexpr std::int64_t kLanes = kVec<float>;
constexpr std::int64_t kStretch = 16 * kLanes;  // summed in float32 before the sums go on in float64

inline double sum_of(const double* lanes) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < kLanes; ++i) sum += lanes[i];
    return sum;
}

inline void add_lanes(Vec<float> v, double* sums) {
    float lanes[kLanes];
    store(lanes, v);
    for (std::int64_t i = 0; i < kLanes; ++i) sums[i] += static_cast<double>(lanes[i]);
}

// A number near the mean. Samples are scaled first: their sum could be beyond float32.
float centre_of(const float* x, std::int64_t n) {
    const float part = 1.0F / static_cast<float>(n);
    const Vec<float> parts = splat(part);
    Vec<float> sums[4] = {};
    std::int64_t i = 0;
    for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
        for (int k = 0; k < 4; ++k) sums[k] = madd(load(x + i + k * kLanes), parts, sums[k]);
    }
    double lanes[kLanes] = {};
    add_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]), lanes);
    double rest = 0.0;
    for (; i < n; ++i) rest += static_cast<double>(x[i] * part);
    return static_cast<float>(sum_of(lanes) + rest);
}

// Two passes over a block that stays in cache: differences from a number near the mean lose nothing.
Moments moments_of(const float* x, std::int64_t n) {
    const float centre = centre_of(x, n);
    const Vec<float> centres = splat(centre);
    double first[kLanes] = {};
    double second[kLanes] = {};
    std::int64_t i = 0;
    while (i + 2 * kLanes <= n) {
        const std::int64_t end = i + kStretch <= n ? i + kStretch : n;
        Vec<float> sums[2] = {};
        Vec<float> squares[2] = {};
        for (; i + 2 * kLanes <= end; i += 2 * kLanes) {
            for (int k = 0; k < 2; ++k) {
                const Vec<float> d = load(x + i + k * kLanes) - centres;
                sums[k] += d;
                squares[k] = madd(d, d, squares[k]);
            }
        }
        add_lanes(sums[0] + sums[1], first);
        add_lanes(squares[0] + squares[1], second);
    }
    double rest_first = 0.0;
    double rest_second = 0.0;
    for (; i < n; ++i) {
        const double d = static_cast<double>(x[i] - centre);
        rest_first += d;
        rest_second += d * d;
    }
    const double count = static_cast<double>(n);
    const double sum = sum_of(first) + rest_first;
    const double squares = sum_of(second) + rest_second - sum * sum / count;
    return {count, static_cast<double>(centre) + sum / count, squares < 0.0 ? 0.0 : squares};
}

enum class Below { kept, zero, scaled };

template <Below kBelow>
inline Vec<float> activated(Vec<float> y, Vec<float> slope) {
    if constexpr (kBelow == Below::kept) return y;
    if constexpr (kBelow == Below::zero) return y < 0.0F ? Vec<float>{} : y;
    return y < 0.0F ? y * slope : y;
}
template <Below kBelow>
inline float activated(float y, float slope) {
    if constexpr (kBelow == Below::kept) return y;
    if constexpr (kBelow == Below::zero) return y < 0.0F ? 0.0F : y;
    return y < 0.0F ? y * slope : y;
}

template <Below kBelow, bool kAdds>
void apply_line(const Line& line, float slope, const float* x, const float* added, float* y, std::int64_t n) {
    const Vec<float> centre = splat(line.centre);
    const Vec<float> scale = splat(line.scale);
    const Vec<float> shift = splat(line.shift);
    const Vec<float> slopes = splat(slope);
    std::int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        Vec<float> value = madd(load(x + i) - centre, scale, shift);
        if constexpr (kAdds) value += load(added + i);
        store(y + i, activated<kBelow>(value, slopes));
    }
    for (; i < n; ++i) {
        float value = madd(x[i] - line.centre, line.scale, line.shift);
        if constexpr (kAdds) value += added[i];
        y[i] = activated<kBelow>(value, slope);
    }
}

template <bool kAdds>
void apply_to(const Line& line, float slope, const float* x, const float* added, float* y, std::int64_t n) {
    if (slope == 1.0F) return apply_line<Below::kept, kAdds>(line, slope, x, added, y, n);
    if (slope == 0.0F) return apply_line<Below::zero, kAdds>(line, slope, x, added, y, n);
    apply_line<Below::scaled, kAdds>(line, slope, x, added, y, n);
}

void apply(const Line& line, float slope, const float* x, const float* added, float* y, std::int64_t n) {
    if (added != nullptr) return apply_to<true>(line, slope, x, added, y, n);
    apply_to<false>(line, slope, x, added, y, n);
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {moments_of, apply};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::norm

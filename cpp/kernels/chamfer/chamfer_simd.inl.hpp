// SPDX-License-Identifier: Apache-2.0
// Row loops of chamfer, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/chamfer/chamfer_task.hpp"

namespace voxkern::chamfer {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/vec.inl.hpp"
#include "core/simd/stride.inl.hpp"
#include "core/simd/mask.inl.hpp"
// clang-format on

constexpr std::int64_t kBlock = 1024;

void start(DType dtype, std::int64_t itemsize, const void* in, std::int64_t stride, std::int32_t* steps,
           std::int64_t n) {
    const InsideRow inside = inside_row_of(dtype);
    for (std::int64_t first = 0; first < n; first += kBlock) {
        const std::int64_t count = n - first < kBlock ? n - first : kBlock;
        std::uint8_t flags[kBlock];
        inside(static_cast<const char*>(in) + first * stride * itemsize, stride, flags, count);
        for (std::int64_t i = 0; i < count; ++i) steps[first + i] = flags[i] != 0 ? kFar : 0;
    }
}

std::int32_t most(const std::int32_t* steps, std::int64_t n) {
    std::int32_t largest = 0;
    for (std::int64_t i = 0; i < n; ++i) largest = steps[i] > largest ? steps[i] : largest;
    return largest;
}

void mark_far(std::int32_t* steps, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) steps[i] = steps[i] == kFar ? -1 : steps[i];
}

// --- a sample, or a vector of neighbours: V holds steps, F the numbers of zeros -------------------------------------

template <class V, class C>
inline V read(const C* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}

// Whether a path counts in place of the one so far.
template <bool kLastZero, class V, class F>
inline auto counts(V steps, F from, V so_far, F from_so_far) {
    if constexpr (kLastZero) {
        return (steps < so_far) | ((steps == so_far) & (from > from_so_far));
    } else {
        return steps < so_far;
    }
}

template <class V, class I>
inline void take(const Way<I>* ways, std::int64_t count, std::int32_t* steps, std::int64_t i) {
    V best = read<V>(steps + i);
    for (std::int64_t w = 0; w < count; ++w) {
        const V other = read<V>(ways[w].steps + i) + 1;
        best = other < best ? other : best;
    }
    __builtin_memcpy(steps + i, &best, sizeof(best));
}

template <bool kLastZero, class V, class F, class I>
inline void take_from(const Way<I>* ways, std::int64_t count, std::int32_t* steps, I* from, std::int64_t i) {
    V best = read<V>(steps + i);
    F best_from = read<F>(from + i);
    for (std::int64_t w = 0; w < count; ++w) {
        const V other = read<V>(ways[w].steps + i) + 1;
        const F other_from = read<F>(ways[w].from + i);
        const auto taken = counts<kLastZero>(other, other_from, best, best_from);
        best_from = taken ? other_from : best_from;
        best = taken ? other : best;
    }
    __builtin_memcpy(steps + i, &best, sizeof(best));
    __builtin_memcpy(from + i, &best_from, sizeof(best_from));
}

template <bool kLastZero, class I>
void beside_from(const Way<I>* ways, std::int64_t count, std::int32_t* steps, I* from, std::int64_t n) {
    using Steps = Vec<std::int32_t>;
    std::int64_t i = 0;
    if constexpr (sizeof(I) == sizeof(std::int32_t)) {
        for (; i + kVec<I> <= n; i += kVec<I>) take_from<kLastZero, Steps, Steps>(ways, count, steps, from, i);
    }
    for (; i < n; ++i) take_from<kLastZero, std::int32_t, I>(ways, count, steps, from, i);
}

template <class I>
void beside(const Way<I>* ways, std::int64_t count, std::int32_t* steps, I* from, bool last_zero, std::int64_t n) {
    if (from != nullptr) {
        (last_zero ? beside_from<true, I> : beside_from<false, I>)(ways, count, steps, from, n);
        return;
    }
    constexpr std::int64_t kLanes = kVec<std::int32_t>;
    std::int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) take<Vec<std::int32_t>>(ways, count, steps, i);
    for (; i < n; ++i) take<std::int32_t>(ways, count, steps, i);
}

// --- along a row: one sample after the other ------------------------------------------------------------------------

template <bool kLastZero, class I>
void along_from(std::int32_t* steps, I* from, std::int64_t step, std::int64_t n) {
    std::int32_t here = *steps;
    I here_from = *from;
    for (std::int64_t i = 1; i < n; ++i) {
        const bool taken = counts<kLastZero>(here + 1, here_from, steps[i * step], from[i * step]);
        here = taken ? here + 1 : steps[i * step];
        here_from = taken ? here_from : from[i * step];
        steps[i * step] = here;
        from[i * step] = here_from;
    }
}

template <class I>
void along(std::int32_t* steps, I* from, bool forwards, bool last_zero, std::int64_t n) {
    const std::int64_t step = forwards ? 1 : -1;
    std::int32_t* const first = forwards ? steps : steps + n - 1;
    if (from != nullptr) {
        I* const first_from = forwards ? from : from + n - 1;
        (last_zero ? along_from<true, I> : along_from<false, I>)(first, first_from, step, n);
        return;
    }
    std::int32_t here = *first;
    for (std::int64_t i = 1; i < n; ++i) {
        here = here + 1 < first[i * step] ? here + 1 : first[i * step];
        first[i * step] = here;
    }
}

// The quotient by way of float64 is off by one at most, below 2^52.
template <class I>
void split(I* numbers, std::int64_t extent, std::int32_t* places, std::int64_t n) {
    const double part = 1.0 / static_cast<double>(extent);
    const I whole = static_cast<I>(extent);
    for (std::int64_t i = 0; i < n; ++i) {
        I quotient = static_cast<I>(static_cast<double>(numbers[i]) * part);
        I rest = numbers[i] - quotient * whole;
        quotient += rest >= whole ? 1 : rest < 0 ? -1 : 0;
        rest += rest >= whole ? -whole : rest < 0 ? whole : 0;
        numbers[i] = quotient;
        places[i] = static_cast<std::int32_t>(rest);
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {
        start,
        most,
        mark_far,
        {beside<std::int32_t>, along<std::int32_t>, split<std::int32_t>},
        {beside<std::int64_t>, along<std::int64_t>, split<std::int64_t>},
    };
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::chamfer

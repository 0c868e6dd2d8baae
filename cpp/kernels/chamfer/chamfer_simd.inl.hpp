// SPDX-License-Identifier: Apache-2.0
// Row loops of chamfer, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/chamfer/chamfer_task.hpp"

namespace voxkern::chamfer {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
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

bool any_far(const std::int32_t* steps, std::int64_t n) {
    std::int32_t most = 0;
    for (std::int64_t i = 0; i < n; ++i) most = steps[i] > most ? steps[i] : most;
    return most == kFar;
}

void mark_far(std::int32_t* steps, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) steps[i] = steps[i] == kFar ? -1 : steps[i];
}

// Whether a path counts in place of the one so far.
template <bool kLastZero, class I>
inline bool counts(std::int32_t steps, I from, std::int32_t so_far, I from_so_far) {
    const bool nearer = steps < so_far;
    if constexpr (!kLastZero) return nearer;
    return nearer | ((steps == so_far) & (from > from_so_far));
}

template <bool kLastZero, class I>
void beside_from(const std::int32_t* VOXKERN_RESTRICT there, const I* VOXKERN_RESTRICT there_from,
                 std::int32_t* VOXKERN_RESTRICT steps, I* VOXKERN_RESTRICT from, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int32_t other = there[i] + 1;
        const bool taken = counts<kLastZero>(other, there_from[i], steps[i], from[i]);
        from[i] = taken ? there_from[i] : from[i];
        steps[i] = taken ? other : steps[i];
    }
}

template <class I>
void beside(const std::int32_t* VOXKERN_RESTRICT there, const I* there_from, std::int32_t* VOXKERN_RESTRICT steps,
            I* from, bool last_zero, std::int64_t n) {
    if (from != nullptr) {
        (last_zero ? beside_from<true, I> : beside_from<false, I>)(there, there_from, steps, from, n);
        return;
    }
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int32_t other = there[i] + 1;
        steps[i] = other < steps[i] ? other : steps[i];
    }
}

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
        any_far,
        mark_far,
        {beside<std::int32_t>, along<std::int32_t>, split<std::int32_t>},
        {beside<std::int64_t>, along<std::int64_t>, split<std::int64_t>},
    };
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::chamfer

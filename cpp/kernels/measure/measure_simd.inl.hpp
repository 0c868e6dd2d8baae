// SPDX-License-Identifier: Apache-2.0
// Row loops of measure, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/measure/measure_math.hpp"
#include "kernels/measure/measure_task.hpp"

namespace voxkern::measure {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"
//
#include "core/simd/convert.inl.hpp"
//
#include "core/simd/stride.inl.hpp"
//
#include "core/simd/mask.inl.hpp"
//
#include "core/simd/bins.inl.hpp"

template <class W>
void gather(const void* in, std::int64_t stride, void* values, std::int64_t n) {
    const W* VOXKERN_RESTRICT from = static_cast<const W*>(in);
    W* VOXKERN_RESTRICT to = static_cast<W*>(values);
    by_stride(stride, [&](auto step) {
        for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * step];
    });
}

constexpr std::int64_t kFar = 64;

inline bool any_of(const std::uint8_t* bytes) {
    std::uint8_t any = 0;
    for (std::int64_t i = 0; i < kFar; ++i) any = static_cast<std::uint8_t>(any | bytes[i]);
    return any != 0;
}

// Eight elements at a time: regions are compact, so that most eights are all outside or all inside. Background is
// passed over faster still.
template <class W>
std::int64_t pack(const void* in, std::int64_t stride, const std::uint8_t* inside, void* values, std::int64_t n) {
    constexpr std::uint64_t kAll = 0x0101010101010101U;
    const W* VOXKERN_RESTRICT from = static_cast<const W*>(in);
    W* VOXKERN_RESTRICT to = static_cast<W*>(values);
    std::int64_t kept = 0;
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        std::uint64_t eight;
        __builtin_memcpy(&eight, inside + i, 8);
        if (eight == 0) {
            while (i + 8 + kFar <= n && !any_of(inside + i + 8)) i += kFar;
            continue;
        }
        if (eight == kAll) {
            if (stride == 1) {
                __builtin_memcpy(to + kept, from + i, 8 * sizeof(W));
            } else {
                for (std::int64_t j = 0; j < 8; ++j) to[kept + j] = from[(i + j) * stride];
            }
            kept += 8;
            continue;
        }
        for (std::int64_t j = i; j < i + 8; ++j) {
            to[kept] = from[j * stride];
            kept += inside[j] != 0;
        }
    }
    for (; i < n; ++i) {
        to[kept] = from[i * stride];
        kept += inside[i] != 0;
    }
    return kept;
}

inline double sum_of(Vec<double> v) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < kVec<double>; ++i) sum += v[i];
    return sum;
}

// Reckoned from one of the values: where all are equal, so is their mean.
template <class T>
double mean_of(const void* values, std::int64_t n) {
    constexpr std::int64_t kLanes = kVec<double>;
    const T* x = static_cast<const T*>(values);
    const double first = as_double(x[0]);
    Vec<double> sums[2] = {};
    std::int64_t i = 0;
    for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
        for (int k = 0; k < 2; ++k) sums[k] += load_as<double>(x + i + k * kLanes) - first;
    }
    double sum = sum_of(sums[0] + sums[1]);
    for (; i < n; ++i) sum += as_double(x[i]) - first;
    return first + sum / static_cast<double>(n);
}

template <class T>
Moments moments_of(double centre, const void* values, std::int64_t n) {
    constexpr std::int64_t kLanes = kVec<double>;
    const T* x = static_cast<const T*>(values);
    Vec<double> first[4] = {};
    Vec<double> second[4] = {};
    std::int64_t i = 0;
    for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
        for (int k = 0; k < 4; ++k) {
            const Vec<double> d = load_as<double>(x + i + k * kLanes) - centre;
            first[k] += d;
            second[k] = madd(d, d, second[k]);
        }
    }
    double rest = sum_of((first[0] + first[1]) + (first[2] + first[3]));
    double squares = sum_of((second[0] + second[1]) + (second[2] + second[3]));
    for (; i < n; ++i) {
        const double d = as_double(x[i]) - centre;
        rest += d;
        squares = madd(d, d, squares);
    }
    const double count = static_cast<double>(n);
    squares -= rest * rest / count;
    return {count, centre + rest / count, squares < 0.0 ? 0.0 : squares};
}

template <class T>
Extremes extremes_of(const void* values, std::int64_t n) {
    const T* x = static_cast<const T*>(values);
    Vec<double> low = splat(__builtin_inf());
    Vec<double> high = -low;
    Extremes all = {n, 0, __builtin_inf(), -__builtin_inf()};
    std::int64_t i = 0;
    for (; i + kVec<double> <= n; i += kVec<double>) {
        const Vec<double> v = load_as<double>(x + i);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    for (std::int64_t k = 0; k < kVec<double>; ++k) {
        all.minimum = low[k] < all.minimum ? low[k] : all.minimum;
        all.maximum = high[k] > all.maximum ? high[k] : all.maximum;
    }
    for (; i < n; ++i) {
        const double v = as_double(x[i]);
        all.minimum = v < all.minimum ? v : all.minimum;
        all.maximum = v > all.maximum ? v : all.maximum;
    }
    if constexpr (kFloating<T>) {
        for (i = 0; i < n; ++i) all.not_numbers += x[i] != x[i];
    }
    return all;
}

// The bin of a value whose guessed one is wrong: a neighbour, or none.
template <class T>
void bins_of(const Bins& bins, const void* values, std::int64_t n, std::int64_t* counts) {
    constexpr std::int64_t kGroup = 64;
    const T* x = static_cast<const T*>(values);
    double v[kGroup];
    std::int32_t guess[kGroup];
    for (std::int64_t start = 0; start < n; start += kGroup) {
        const std::int64_t m = n - start < kGroup ? n - start : kGroup;
        for (std::int64_t i = 0; i < m; ++i) v[i] = as_double(x[start + i]);
        guess_bins(bins, v, m, guess);
        for (std::int64_t i = 0; i < m; ++i) {
            const double* const edge = bins.edges + guess[i];
            if (v[i] >= edge[0] && v[i] < edge[1]) {
                ++counts[guess[i]];
            } else {
                const std::int64_t bin = bin_by_edges(bins, v[i], guess[i]);
                if (bin >= 0) ++counts[bin];
            }
        }
    }
}

// Calls count(word, times) for all words; a row of equal ones, as in a background, is one call.
template <class W, class Count>
inline void count_words(const W* x, std::int64_t n, const Count& count) {
    constexpr std::int64_t kGroup = 16;
    for (std::int64_t start = 0; start < n; start += kGroup) {
        const std::int64_t end = start + kGroup < n ? start + kGroup : n;
        W differ = 0;
        for (std::int64_t i = start; i < end; ++i) differ = static_cast<W>(differ | (x[i] ^ x[start]));
        if (differ == 0) {
            count(x[start], end - start);
        } else {
            for (std::int64_t i = start; i < end; ++i) count(x[i], 1);
        }
    }
}

template <class T>
void digits_of(const Digit& digit, const void* values, std::int64_t n, std::int64_t* counts) {
    using W = Word<T>;
    constexpr int kBits = 8 * static_cast<int>(sizeof(T));
    constexpr std::int64_t kGroup = 64;
    const W* x = static_cast<const W*>(values);
    if (digit.shift + kDigitBits >= kBits) {  // the first digit: all have the empty prefix
        count_words(x, n, [&](W word, std::int64_t times) { counts[key_of<T>(word) >> digit.shift] += times; });
        return;
    }
    if constexpr (kBits > kDigitBits) {
        // No element is NaN here, and what has the prefix has one sign: the bits above tell it without a key.
        const int above = digit.shift + kDigitBits;
        const W wanted = static_cast<W>(word_of<T>(static_cast<W>(static_cast<W>(digit.prefix) << above)) >> above);
        for (std::int64_t start = 0; start < n; start += kGroup) {
            const std::int64_t end = start + kGroup < n ? start + kGroup : n;
            W any = 0;
            for (std::int64_t i = start; i < end; ++i) any |= x[i] >> above == wanted ? W{1} : W{0};
            if (any == 0) continue;
            count_words(x + start, end - start, [&](W word, std::int64_t times) {
                if (word >> above == wanted) counts[key_of<T>(word) >> digit.shift & (kDigits - 1)] += times;
            });
        }
    }
}

template <class T>
void keys_of(const void* values, std::int64_t n, std::uint64_t* keys) {
    const Word<T>* x = static_cast<const Word<T>*>(values);
    for (std::int64_t i = 0; i < n; ++i) keys[i] = key_of<T>(x[i]);
}

template <class T>
void element_of(std::uint64_t key, void* value) {
    const Word<T> word = word_of<T>(static_cast<Word<T>>(key));
    __builtin_memcpy(value, &word, sizeof(word));
}

// From either end to the first element that passes: what lies between is not read.
template <class T, class Passes>
inline Stretch found(const T* x, std::int64_t stride, std::int64_t n, const Passes& passes) {
    constexpr std::int64_t kGroup = 64;
    const auto any = [&](std::int64_t start, std::int64_t end) {
        unsigned char one = 0;
        for (std::int64_t i = start; i < end; ++i) one = passes(x[i * stride]) ? 1 : one;
        return one != 0;
    };
    std::int64_t first = 0;
    while (first + kGroup <= n && !any(first, first + kGroup)) first += kGroup;
    while (first < n && !passes(x[first * stride])) ++first;
    if (first == n) return {0, -1};
    std::int64_t end = n;
    while (end - kGroup > first && !any(end - kGroup, end)) end -= kGroup;
    while (!passes(x[(end - 1) * stride])) --end;
    return {first, end - 1};
}

template <class T>
Stretch nonzero(const void* in, std::int64_t stride, std::int64_t n) {
    return found(static_cast<const Word<T>*>(in), stride, n, [](Word<T> word) { return is_set<T>(word); });
}

template <class T>
Stretch above(double threshold, const void* in, std::int64_t stride, std::int64_t n) {
    return found(static_cast<const T*>(in), stride, n, [threshold](T x) { return as_double(x) > threshold; });
}

Ops ops_of(DType dtype) {
    switch (dtype) {
#define VOXKERN_CASE(name, T)                                                                             \
    case DType::name:                                                                                     \
        return {gather<Word<T>>, pack<Word<T>>, mean_of<T>,    moments_of<T>, extremes_of<T>, bins_of<T>, \
                digits_of<T>,    keys_of<T>,    element_of<T>, nonzero<T>,    above<T>};
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    return {};
}

}  // namespace

const Level& level() {
    static constexpr Level table = {ops_of, inside_row_of};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::measure

// SPDX-License-Identifier: Apache-2.0
// Row loops of regions, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/regions/regions_task.hpp"

namespace voxkern::regions {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/stride.inl.hpp"
#include "core/simd/mask.inl.hpp"
#include "core/simd/bits.inl.hpp"
#include "core/simd/simd.inl.hpp"
#include "core/simd/bins.inl.hpp"
// clang-format on

// Bit i of a word: sample i differs from the one before it. The first of a row always does.
template <class T>
std::uint64_t change_bits(const T* labels, std::int64_t start, std::int64_t n) {
    std::uint8_t flags[64] = {};
    const T* VOXKERN_RESTRICT here = labels + start;
    if (start > 0 && n == 64) {
        for (int i = 0; i < 64; ++i) flags[i] = here[i] != here[i - 1];
    } else {
        for (std::int64_t i = 0; i < n; ++i) flags[i] = start + i == 0 || here[i] != here[i - 1];
    }
    return bits_of_bytes(flags);
}

template <class T>
std::int64_t changes_of(const T* labels, std::int64_t stride, std::int64_t n, T* scratch, std::int32_t* begins,
                        std::int64_t* names) {
    std::int64_t count = 0;
    if (stride == 0) {  // broadcast
        begins[count] = 0;
        names[count++] = static_cast<std::int64_t>(labels[0]);
    } else {
        if (stride != 1) {
            by_stride(stride, [&](auto step) {
                for (std::int64_t i = 0; i < n; ++i) scratch[i] = labels[i * step];
            });
            labels = scratch;
        }
        for (std::int64_t start = 0; start < n; start += 64) {
            const std::int64_t m = n - start < 64 ? n - start : 64;
            for (std::uint64_t word = change_bits(labels, start, m); word != 0; word &= word - 1) {
                const std::int64_t at = start + __builtin_ctzll(word);
                begins[count] = static_cast<std::int32_t>(at);
                names[count++] = static_cast<std::int64_t>(labels[at]);
            }
        }
    }
    begins[count] = static_cast<std::int32_t>(n);
    return count;
}

std::int64_t changes(DType dtype, const void* labels, std::int64_t stride, std::int64_t n, void* scratch,
                     std::int32_t* begins, std::int64_t* names) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name:         \
        return changes_of<T>(static_cast<const T*>(labels), stride, n, static_cast<T*>(scratch), begins, names);
        VOXKERN_INTEGER_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
        default: return 0;
    }
}

void load_samples(DType dtype, const void* image, std::int64_t stride, std::int64_t n, double* samples) {
    load_row_of<double>(dtype)(image, stride, samples, n);
}

// Lane numbers, and a vector of samples of which those from `left` on are replaced: what lies behind a run is ours.
Vec<double> lane_numbers() {
    Vec<double> lanes;
    for (std::int64_t k = 0; k < kVec<double>; ++k) lanes[k] = static_cast<double>(k);
    return lanes;
}

Vec<double> first_of(Vec<double> x, Vec<double> lanes, std::int64_t left, double rest) {
    return left >= kVec<double> ? x : lanes < splat(static_cast<double>(left)) ? x : splat(rest);
}

// Joins the lanes by halves: a short chain of operations.
template <class Join>
double joined(Vec<double> x, const Join& join) {
    double lanes[kVec<double>];
    store(lanes, x);
    for (std::int64_t half = kVec<double> / 2; half > 0; half /= 2) {
        for (std::int64_t k = 0; k < half; ++k) lanes[k] = join(lanes[k], lanes[k + half]);
    }
    return lanes[0];
}

double total(Vec<double> x) {
    return joined(x, [](double a, double b) { return a + b; });
}

void sums(const double* samples, const Runs& runs, double* sums) {
    const Vec<double> lanes = lane_numbers();
    for (std::int64_t r = 0; r < runs.count; ++r) {
        Vec<double> sum = {};
        for (std::int64_t i = runs.begins[r]; i < runs.ends[r]; i += kVec<double>) {
            sum += first_of(load(samples + i), lanes, runs.ends[r] - i, 0.0);
        }
        sums[r] = total(sum);
    }
}

void weighted(const double* samples, const Runs& runs, double first, double* sums) {
    const Vec<double> lanes = lane_numbers();
    for (std::int64_t r = 0; r < runs.count; ++r) {
        Vec<double> sum = {};
        for (std::int64_t i = runs.begins[r]; i < runs.ends[r]; i += kVec<double>) {
            const Vec<double> index = lanes + (first + static_cast<double>(i));
            sum = madd(first_of(load(samples + i), lanes, runs.ends[r] - i, 0.0), index, sum);
        }
        sums[r] = total(sum);
    }
}

void moments(const double* samples, const Runs& runs, const double* pivots, double* firsts, double* seconds) {
    const Vec<double> lanes = lane_numbers();
    for (std::int64_t r = 0; r < runs.count; ++r) {
        const double pivot = pivots[r];
        Vec<double> first = {};
        Vec<double> second = {};
        for (std::int64_t i = runs.begins[r]; i < runs.ends[r]; i += kVec<double>) {
            const Vec<double> d = first_of(load(samples + i) - pivot, lanes, runs.ends[r] - i, 0.0);
            first += d;
            second = madd(d, d, second);
        }
        firsts[r] = total(first);
        seconds[r] = total(second);
    }
}

void extremes(const double* samples, const Runs& runs, double* lows, double* highs, std::uint8_t* not_numbers) {
    constexpr double kInfinite = __builtin_inf();
    const Vec<double> lanes = lane_numbers();
    for (std::int64_t r = 0; r < runs.count; ++r) {
        Vec<double> low = splat(kInfinite);
        Vec<double> high = splat(-kInfinite);
        Vec<double> sound = {};  // 0 unless there is a NaN
        for (std::int64_t i = runs.begins[r]; i < runs.ends[r]; i += kVec<double>) {
            // Samples behind the run count as its first: neither is then an extreme that it has not.
            const Vec<double> x = first_of(load(samples + i), lanes, runs.ends[r] - i, samples[i]);
            low = x < low ? x : low;
            high = x > high ? x : high;
            sound = x == x ? sound : x;
        }
        lows[r] = joined(low, [](double a, double b) { return a < b ? a : b; });
        highs[r] = joined(high, [](double a, double b) { return a > b ? a : b; });
        const double all = total(sound);
        not_numbers[r] = all != all ? 1 : 0;
    }
}

void bins(const Bins& bins, const double* samples, std::int64_t n, std::int32_t* found) {
    guess_bins(bins, samples, n, found);
    for (std::int64_t i = 0; i < n; ++i) {
        const double* const edge = bins.edges + found[i];
        if (samples[i] >= edge[0] && samples[i] < edge[1]) continue;
        found[i] = static_cast<std::int32_t>(bin_by_edges(bins, samples[i], found[i]));
    }
}

void differ(const std::int32_t* a, const std::int32_t* b, std::int64_t n, std::uint64_t* words) {
    for (std::int64_t start = 0; start < n; start += 64) {
        std::uint8_t flags[64] = {};
        const std::int32_t* VOXKERN_RESTRICT left = a + start;
        const std::int32_t* VOXKERN_RESTRICT right = b + start;
        if (n - start >= 64) {
            for (int i = 0; i < 64; ++i) flags[i] = left[i] != right[i];
        } else {
            for (std::int64_t i = 0; i < n - start; ++i) flags[i] = left[i] != right[i];
        }
        words[start / 64] = bits_of_bytes(flags);
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {changes, load_samples, sums, weighted, moments, extremes, bins, differ};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::regions

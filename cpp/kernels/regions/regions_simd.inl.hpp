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
// clang-format on

void add_samples(Region& region, const double* samples, std::int64_t n, std::int64_t position) {
    if (region.count == 0) {
        region.pivot = samples[0];
        region.minimum = __builtin_inf();
        region.maximum = -__builtin_inf();
    }
    const double pivot = region.pivot;
    Vec<double> sums = {};
    Vec<double> firsts = {};
    Vec<double> seconds = {};
    Vec<double> lows = splat(__builtin_inf());
    Vec<double> highs = splat(-__builtin_inf());
    std::int64_t i = 0;
    for (; i + kVec<double> <= n; i += kVec<double>) {
        const Vec<double> x = load(samples + i);
        const Vec<double> d = x - pivot;
        sums += x;
        firsts += d;
        seconds = madd(d, d, seconds);
        lows = x < lows ? x : lows;
        highs = x > highs ? x : highs;
    }
    double sum = 0.0;
    double first = 0.0;
    double second = 0.0;
    double low = __builtin_inf();
    double high = -__builtin_inf();
    for (std::int64_t k = 0; i > 0 && k < kVec<double>; ++k) {
        sum += sums[k];
        first += firsts[k];
        second += seconds[k];
        low = lows[k] < low ? lows[k] : low;
        high = highs[k] > high ? highs[k] : high;
    }
    for (; i < n; ++i) {
        const double x = samples[i];
        const double d = x - pivot;
        sum += x;
        first += d;
        second = madd(d, d, second);
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    region.sum += sum;
    region.first += first;
    region.second += second;
    if (low < region.minimum || region.minimum_at < 0) {
        for (std::int64_t k = 0; k < n; ++k) {
            if (samples[k] != low) continue;
            region.minimum = low;
            region.minimum_at = position + k;
            break;
        }
    }
    if (high > region.maximum || region.maximum_at < 0) {
        for (std::int64_t k = 0; k < n; ++k) {
            if (samples[k] != high) continue;
            region.maximum = high;
            region.maximum_at = position + k;
            break;
        }
    }
}

// Samples [begin, end) of a row.
void add_places(const Row& row, std::int64_t begin, std::int64_t end, bool fresh, std::int64_t* places) {
    const std::int64_t n = end - begin;
    for (int a = 0; a < row.rank; ++a, places += 3) {
        const bool along = a == row.rank - 1;
        const std::int64_t low = along ? begin : row.index[a];
        const std::int64_t high = along ? end - 1 : row.index[a];
        places[0] = fresh || low < places[0] ? low : places[0];
        places[1] = fresh || high > places[1] ? high : places[1];
        places[2] += (low + high) * n / 2;  // of 2 n numbers of which half are meant; the product is even
    }
}

// Bit i of a word: sample i differs from the one before it. The first of a row always does.
template <class T>
std::uint64_t changes(const T* labels, std::int64_t start, std::int64_t n) {
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
void add_row(const Row& row, void* scratch, const double* samples, Region* regions, std::int64_t* places) {
    const T* labels = static_cast<const T*>(row.labels);
    if (row.labels_stride != 1) {
        T* const beside = static_cast<T*>(scratch);
        for (std::int64_t i = 0; i < row.n; ++i) beside[i] = labels[i * row.labels_stride];
        labels = beside;
    }
    const auto add_run = [&](std::int64_t begin, std::int64_t end) {
        // One comparison for both ends: what lies below the first label wraps round.
        const std::uint64_t region = static_cast<std::uint64_t>(labels[begin]) - static_cast<std::uint64_t>(row.lowest);
        if (region >= static_cast<std::uint64_t>(row.count)) return;
        Region& to = regions[region];
        if (row.image != nullptr) add_samples(to, samples + begin, end - begin, row.position + begin);
        add_places(row, begin, end, to.count == 0, places + static_cast<std::int64_t>(region) * 3 * row.rank);
        to.count += end - begin;
    };
    std::int64_t begin = 0;
    for (std::int64_t start = 0; start < row.n; start += 64) {
        const std::int64_t n = row.n - start < 64 ? row.n - start : 64;
        for (std::uint64_t word = changes(labels, start, n); word != 0; word &= word - 1) {
            const std::int64_t next = start + __builtin_ctzll(word);
            if (next > begin) add_run(begin, next);
            begin = next;
        }
    }
    add_run(begin, row.n);
}

void add(const Row& row, void* scratch, double* samples, Region* regions, std::int64_t* places) {
    if (row.image != nullptr) load_row_of<double>(row.image_dtype)(row.image, row.image_stride, samples, row.n);
    switch (row.labels_dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return add_row<T>(row, scratch, samples, regions, places);
        VOXKERN_INTEGER_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
        default: return;
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {add};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::regions

// SPDX-License-Identifier: Apache-2.0
// Order statistics on the GPU: a radix selection, as on the CPU, with digits that blocks count in shared memory.
// Between the passes one block looks the digits up: the host waits for nothing.
#include <cmath>

#include "core/cuda/block.hpp"
#include "kernels/measure/measure_cuda.inl.hpp"

namespace voxkern::measure {
namespace {

constexpr int kBits = 11;  // of a digit
constexpr int kPlaces = 1 << kBits;
constexpr int kGroup = 4;  // elements that are looked for together: both neighbours of two quantiles

// An element that is looked for: the one that `rank` elements with the same prefix precede. The first of an array holds
// the number of voxels instead, and how many of them are NaN.
struct Pick {
    long long rank = 0;
    unsigned long long prefix = 0;
    double share = 0.0;     // the quantile
    double fraction = 0.0;  // from this element to the next one
};

// The digit of `width` bits above `shift`. The first one has no prefix.
struct Pass {
    int shift = 0;
    int width = 0;
    bool first = true;
};

// Which element of a group counts for all that have its prefix.
__device__ __forceinline__ int leader_of(const Pick* group, int k, bool first) {
    if (first) return 0;
    for (int j = 0; j < k; ++j) {
        if (group[j].prefix == group[k].prefix) return j;
    }
    return k;
}

template <class T>
__global__ void count_digits(const T* in, Voxels voxels, Pass pass, const Pick* group, int size,
                             unsigned long long* counts, Pick* head) {
    unsigned* const own = cuda::dynamic_shared<unsigned>();
    const int counted = pass.first ? 1 : size;
    for (int b = cuda::thread_rank(); b < counted * kPlaces; b += cuda::thread_count()) own[b] = 0;
    __syncthreads();
    unsigned long long prefix[kGroup] = {};
    bool leads[kGroup] = {};
    for (int k = 0; k < counted; ++k) {
        prefix[k] = group[k].prefix;
        leads[k] = leader_of(group, k, pass.first) == k;
    }
    long long not_numbers = 0;
    int last = -1;  // a row of equal digits, as in a background, is one addition
    unsigned times = 0;
    const auto add = [&](int place) {
        if (place != last) {
            if (times > 0) atomicAdd(&own[last], times);
            last = place;
            times = 0;
        }
        ++times;
    };
    for (std::int64_t p = cuda::first_position(); p < voxels.positions.size; p += cuda::position_step()) {
        const auto offsets = voxels.positions.at(p);
        if (!voxels.inside(offsets.of[1])) continue;
        Word<T> word;
        __builtin_memcpy(&word, in + offsets.of[0], sizeof(word));
        const unsigned long long key = key_of<T>(word);
        const int digit = static_cast<int>(key >> pass.shift & ((1ULL << pass.width) - 1));
        if (pass.first) {
            if (kFloating<T> && key == static_cast<Word<T>>(~Word<T>{0})) ++not_numbers;
            add(digit);
            continue;
        }
        const unsigned long long above = key >> (pass.shift + pass.width);
        for (int k = 0; k < kGroup; ++k) {
            if (leads[k] && above == prefix[k]) add(k * kPlaces + digit);
        }
    }
    if (times > 0) atomicAdd(&own[last], times);
    __syncthreads();
    for (int b = cuda::thread_rank(); b < counted * kPlaces; b += cuda::thread_count()) {
        if (own[b] != 0) atomicAdd(&counts[b], static_cast<unsigned long long>(own[b]));
    }
    if (kFloating<T> && pass.first) {
        not_numbers = cuda::block_sum(not_numbers);
        if (cuda::thread_rank() == 0 && not_numbers > 0) {
            atomicAdd(&head->prefix, static_cast<unsigned long long>(not_numbers));
        }
    }
}

// One block: the next digit of every element of a group.
__global__ void take_digits(const unsigned long long* counts, Pass pass, Pick* group, int size, Pick* head) {
    constexpr int kEach = kPlaces / cuda::kBlockThreads;
    for (int k = size - 1; k >= 0; --k) {  // those before it still have the prefixes of this pass
        const unsigned long long* const own =
            counts + leader_of(group, k, pass.first) * kPlaces + cuda::thread_rank() * kEach;
        long long rank = group[k].rank;
        long long here = 0;
        for (int i = 0; i < kEach; ++i) here += static_cast<long long>(own[i]);
        long long count = 0;
        long long before = cuda::block_scan(here, count);
        double fraction = group[k].fraction;
        if (pass.first) {
            const double place = static_cast<double>(count - 1) * group[k].share;
            const auto whole = static_cast<long long>(place);
            const long long below = whole < count - 1 ? whole : count - 1;
            fraction = place - static_cast<double>(below);
            rank = k % 2 == 0 || below == count - 1 ? below : below + 1;
        }
        __syncthreads();  // all have read the element
        if (pass.first && cuda::thread_rank() == 0) head->rank = count;
        if (rank < before || rank >= before + here) continue;
        int digit = cuda::thread_rank() * kEach;
        for (int i = 0; before + static_cast<long long>(own[i]) <= rank; ++i, ++digit) {
            before += static_cast<long long>(own[i]);
        }
        group[k].rank = rank - before;
        group[k].prefix = group[k].prefix << pass.width | static_cast<unsigned long long>(digit);
        group[k].fraction = fraction;
    }
}

// The value between two neighbours, reckoned from the nearer one: _between of _ops/measure.py.
template <class T>
__device__ double between(T a, T b, double part) {
    double step;
    if constexpr (kFloating<T>) {
        step = as_double(static_cast<T>(b - a));  // NumPy subtracts in the dtype
    } else {
        step = static_cast<double>(static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a));
    }
    return part < 0.5 ? as_double(a) + step * part : as_double(b) - step * (1.0 - part);
}

// Two limits; NaN where there are none.
template <class T>
__global__ void find_limits(const Pick* picks, double* limits) {
    const Pick& head = picks[0];
    const auto element = [&](int k) {
        const Word<T> word = word_of<T>(static_cast<Word<T>>(picks[1 + k].prefix));
        T value;
        __builtin_memcpy(static_cast<void*>(&value), &word, sizeof(value));
        return value;
    };
    bool usable = head.rank > 0 && head.prefix == 0;
    double found[2] = {0.0, 0.0};
    for (int k = 0; k < 2 && usable; ++k) {
        found[k] = between<T>(element(2 * k), element(2 * k + 1), picks[1 + 2 * k].fraction);
    }
    usable = usable && found[0] == found[0] && found[1] == found[1];
    for (int k = 0; k < 2; ++k) limits[k] = usable ? found[k] : static_cast<double>(NAN);
}

// --- host side --------------------------------------------------------------------------------------------------

// Both neighbours of each quantile, behind the head.
cuda::Scratch<Pick> select(const Image& image, const std::vector<double>& quantiles, const cuda::Exec& exec) {
    std::vector<Pick> wanted(1);
    for (const double q : quantiles) wanted.insert(wanted.end(), 2, {0, 0, q, 0.0});
    cuda::Scratch<Pick> picks = cuda::upload(wanted, exec);
    const Voxels voxels = voxels_of(image);
    const unsigned blocks = blocks_for(voxels.positions.size);
    const cuda::Scratch<Pick> spare(1, exec);  // the head of groups after the first: they count the same again
    for (std::size_t begin = 1; begin < wanted.size(); begin += kGroup) {
        const int size = static_cast<int>(std::min<std::size_t>(kGroup, wanted.size() - begin));
        Pick* const group = picks.data() + begin;
        Pick* const head = begin == 1 ? picks.data() : spare.data();
        int top = static_cast<int>(8 * size_of(image.voxels.dtype));
        for (bool first = true; top > 0; first = false) {
            const int shift = std::max(top - kBits, 0);
            const Pass pass = {shift, top - shift, first};
            const auto places = static_cast<std::size_t>((first ? 1 : size) * kPlaces);
            const auto counts = cuda::filled<unsigned long long>(places, 0, exec);
            visit(image.voxels.dtype, [&](auto type) {
                using T = typename decltype(type)::type;
                cuda::launch("count_digits",
                             cuda::config(blocks, cuda::kBlockThreads, places * sizeof(unsigned), exec.stream),
                             count_digits<T>, static_cast<const T*>(image.voxels.data), voxels, pass,
                             static_cast<const Pick*>(group), size, counts.data(), head);
            });
            cuda::launch("take_digits", cuda::config(1, cuda::kBlockThreads, 0, exec.stream), take_digits,
                         static_cast<const unsigned long long*>(counts.data()), pass, group, size, head);
            top = shift;
        }
    }
    return picks;
}

}  // namespace
}  // namespace voxkern::measure

namespace voxkern {

measure::Quantiles cuda::measure_quantiles(const measure::Image& image, const std::vector<double>& quantiles,
                                           const ArrayView& neighbours, const Exec& exec) {
    using measure::Pick;
    // Without a quantile one is looked for, whose place nobody asks for: the voxels are counted.
    const Scratch<Pick> picks = measure::select(image, quantiles.empty() ? std::vector<double>{0.0} : quantiles, exec);
    std::vector<Pick> found(1 + 2 * quantiles.size());
    fetch(found.data(), picks.data(), found.size(), exec);
    measure::Quantiles result;
    result.count = found[0].rank;
    result.not_numbers = static_cast<std::int64_t>(found[0].prefix);
    if (result.count == 0 || result.not_numbers > 0) return result;
    for (std::size_t k = 1; k < found.size(); k += 2) result.fractions.push_back(found[k].fraction);
    visit(image.voxels.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        for (std::size_t k = 1; k < found.size(); ++k) {
            static_cast<Word<T>*>(neighbours.data)[k - 1] = measure::word_of<T>(static_cast<Word<T>>(found[k].prefix));
        }
    });
    return result;
}

void cuda::measure_limits(const measure::Image& image, double low, double high, double* limits, const Exec& exec) {
    const Scratch<measure::Pick> picks = measure::select(image, {low, high}, exec);
    visit(image.voxels.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        launch("find_limits", config(1, 1, 0, exec.stream), measure::find_limits<T>,
               static_cast<const measure::Pick*>(picks.data()), limits);
    });
}

}  // namespace voxkern

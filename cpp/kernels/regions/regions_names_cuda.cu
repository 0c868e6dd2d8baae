// SPDX-License-Identifier: Apache-2.0
// Which labels occur, on the GPU: the host asks for the smallest and the largest, and only where these lie far apart
// for all of them.
#include "kernels/regions/regions_cuda.inl.hpp"
#include "kernels/regions/regions_cuda_task.hpp"

namespace voxkern::regions {
namespace {

// Keys of the smallest label and the largest.
__global__ void find_limits(Stretches all, bool is_unsigned, Unsigned* limits) {
    Unsigned low = ~Unsigned{0};
    Unsigned high = 0;
    for_stretches(all, [&](const Stretch& stretch) {
        for (std::int64_t i = stretch.first + lane(); i < stretch.last; i += cuda::kWarp) {
            const std::int64_t label = all.label(stretch.at[kLabels] + i * all.step[kLabels]);
            const Unsigned key = static_cast<Unsigned>(label) ^ (is_unsigned ? 0 : kSign);
            low = least_of(low, key);
            high = most_of(high, key);
        }
    });
    low = cuda::warp_reduce(low, least_of<Unsigned>);
    high = cuda::warp_reduce(high, most_of<Unsigned>);
    if (lane() == 0) lower(&limits[0], low);
    if (lane() == 0) raise(&limits[1], high);
}

constexpr Unsigned kEmpty = ~Unsigned{0};  // a place of the table below; the label with these bits is told apart

// Each label into a hash table; state[0]: it is too full, state[1]: the label kEmpty occurs.
__global__ void collect_labels(Stretches all, Unsigned* table, Unsigned last, int* state) {
    constexpr int kTries = 128;
    for_stretches(all, [&](const Stretch& stretch) {
        for (std::int64_t first = stretch.first; first < stretch.last; first += cuda::kWarp) {
            const std::int64_t i = first + lane();
            const bool inside = i < stretch.last;
            Unsigned label = kEmpty;
            if (inside) label = static_cast<Unsigned>(all.label(stretch.at[kLabels] + i * all.step[kLabels]));
            const Unsigned before = __shfl_up_sync(cuda::kAllLanes, label, 1);
            if (!inside || (lane() > 0 && before == label)) continue;
            if (label == kEmpty) {
                cuda::store_relaxed(&state[1], 1);
                continue;
            }
            Unsigned at = label * 0x9E3779B97F4A7C15U;
            at ^= at >> 32;
            int tries = 0;
            for (; tries < kTries; ++tries, ++at) {
                Unsigned held = cuda::load_relaxed(&table[at & last]);
                if (held == kEmpty) held = atomicCAS(&table[at & last], kEmpty, label);
                if (held == kEmpty || held == label) break;
            }
            if (tries == kTries) cuda::store_relaxed(&state[0], 1);
        }
    });
}

std::vector<std::int64_t> distinct_labels(const Stretches& all, const cuda::Exec& exec) {
    for (std::size_t places = std::size_t{1} << 16;; places *= 8) {
        const auto table = cuda::filled<Unsigned>(places, 0xFF, exec);
        const auto state = cuda::filled<int>(2, 0, exec);
        cuda::launch("collect_labels", config_for(all, exec.stream), collect_labels, all, table.data(),
                     Unsigned{places - 1}, state.data());
        int found[2];
        cuda::fetch(found, state.data(), 2, exec);
        if (found[0] != 0) continue;
        std::vector<Unsigned> held(places);
        cuda::fetch(held.data(), table.data(), places, exec);
        std::vector<std::int64_t> labels;
        if (found[1] != 0) labels.push_back(static_cast<std::int64_t>(kEmpty));
        for (const Unsigned label : held) {
            if (label != kEmpty) labels.push_back(static_cast<std::int64_t>(label));
        }
        std::sort(labels.begin(), labels.end());
        return labels;
    }
}

}  // namespace

Names known_names(const Names& names, const ConstArrayView& labels, const cuda::Exec& exec) {
    constexpr std::uint64_t kFew = std::uint64_t{1} << 20;
    if (!names.open()) return names;
    if (labels.size() == 0) return Names::range(0, 0);
    const Stretches all = stretches_of(labels, nullptr, false);
    const bool is_unsigned = all.labels_dtype == DType::u64;
    const cuda::Scratch<Unsigned> limits(2, exec);
    cuda::fill(limits.data(), 1, 0xFF, exec);
    cuda::fill(limits.data() + 1, 1, 0, exec);
    cuda::launch("find_limits", config_for(all, exec.stream), find_limits, all, is_unsigned, limits.data());
    Unsigned found[2];
    cuda::fetch(found, limits.data(), 2, exec);
    const std::uint64_t most = found[1] - found[0];
    if (most < std::max(kFew, static_cast<std::uint64_t>(labels.size()) / 4) && most < INT32_MAX) {
        const Unsigned lowest = is_unsigned ? found[0] : found[0] ^ kSign;
        return Names::range(static_cast<std::int64_t>(lowest), static_cast<std::int64_t>(most) + 1);
    }
    return Names::listed(distinct_labels(all, exec));
}

}  // namespace voxkern::regions

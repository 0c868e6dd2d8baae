// SPDX-License-Identifier: Apache-2.0
// Interpolation along a contiguous row where the taps of one vector of outputs lie within two vectors of
// input: an instruction that permutes them takes the place of gathers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace voxkern {

// Group g of outputs picks index from row + start[g]; index and weights are [groups][taps][lanes].
template <class C>
struct Picks {
    std::int64_t n_out = 0;
    int taps = 0;
    const std::int64_t* start = nullptr;  // null: taps lie further apart, or the level has no such instruction
    const std::int32_t* index = nullptr;
    const C* weights = nullptr;
};

// The memory they lie in.
template <class C>
class OwnedPicks {
  public:
    // out[i] = sum_t weights[i * taps + t] * row[index[i * taps + t]]; lanes of a vector, 0: none.
    Picks<C> plan(std::int64_t n_out, int taps, const std::int64_t* index, const C* weights, std::int64_t lanes) {
        for (std::int64_t i = 0; i < n_out && lanes > 0; i += lanes) {
            const std::int64_t end = std::min(i + lanes, n_out);
            const auto range = std::minmax_element(index + i * taps, index + end * taps);
            const std::int64_t first = *range.first;
            if (*range.second - first >= 2 * lanes) return {};
            start_.push_back(first);
            for (int t = 0; t < taps; ++t) {
                for (std::int64_t l = i; l < i + lanes; ++l) {
                    const bool real = l < end;
                    index_.push_back(real ? static_cast<std::int32_t>(index[l * taps + t] - first) : 0);
                    weights_.push_back(real ? weights[l * taps + t] : C{0});
                }
            }
        }
        if (start_.empty()) return {};
        return {n_out, taps, start_.data(), index_.data(), weights_.data()};
    }

  private:
    std::vector<std::int64_t> start_;
    std::vector<std::int32_t> index_;
    std::vector<C> weights_;
};

}  // namespace voxkern

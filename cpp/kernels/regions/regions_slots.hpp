// SPDX-License-Identifier: Apache-2.0
// Keys numbered in the order in which they come: what lets a table hold the labels that occur and no others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace voxkern::regions {

class Slots {
  public:
    // Keys from 0 to `range` - 1; any keys where it is 0. Few are looked up in a list, many in a hash table.
    explicit Slots(std::int64_t range = 0)
        : direct_(range > 0 && range <= kDirect), places_(direct_ ? static_cast<std::size_t>(range) : kFirst, -1) {}

    // The number of a key, a new one where it has none.
    std::int32_t of(std::int64_t key) {
        const std::int32_t known = find(key);
        if (known >= 0) return known;
        if (!direct_ && 2 * keys_.size() >= places_.size()) grow();
        const auto slot = static_cast<std::int32_t>(keys_.size());
        places_[place(key)] = slot;
        keys_.push_back(key);
        return slot;
    }

    // The number of a key, or -1.
    std::int32_t find(std::int64_t key) const { return places_[place(key)]; }

    // By number.
    const std::vector<std::int64_t>& keys() const& { return keys_; }
    std::vector<std::int64_t> keys() && { return std::move(keys_); }
    std::size_t size() const { return keys_.size(); }

  private:
    static constexpr std::int64_t kDirect = std::int64_t{1} << 16;
    static constexpr std::size_t kFirst = 256;

    // Where the number of a key is, or would be.
    std::size_t place(std::int64_t key) const {
        if (direct_) return static_cast<std::size_t>(key);
        const std::size_t last = places_.size() - 1;  // all ones
        const std::uint64_t line = mixed(static_cast<std::uint64_t>(key) >> 4);
        // Sixteen neighbours share a cache line, in an order of its own: keys far apart by a power of two do not meet.
        const std::uint64_t within = (static_cast<std::uint64_t>(key) ^ line >> 40) & 15;
        std::size_t at = static_cast<std::size_t>(line << 4 | within) & last;
        while (places_[at] >= 0 && keys_[static_cast<std::size_t>(places_[at])] != key) at = (at + 17) & last;
        return at;
    }

    static std::uint64_t mixed(std::uint64_t key) {
        key *= 0x9E3779B97F4A7C15U;
        return key ^ key >> 32;
    }

    void grow() {
        places_.assign(2 * places_.size(), -1);
        for (std::size_t k = 0; k < keys_.size(); ++k) places_[place(keys_[k])] = static_cast<std::int32_t>(k);
    }

    bool direct_;
    std::vector<std::int32_t> places_;
    std::vector<std::int64_t> keys_;
};

}  // namespace voxkern::regions

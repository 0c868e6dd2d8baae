// SPDX-License-Identifier: Apache-2.0
// Small tables of the host, brought to the device in one copy.
#pragma once

#include <cstdint>
#include <functional>

#include "core/cuda/exec.hpp"

namespace voxkern::cuda {

// add() every table with the pointer that is to have its place on the device; upload() sets all pointers.
class Tables {
  public:
    template <class T>
    void add(const T*& place, const T* table, std::size_t size) {
        static_assert(std::is_trivially_copyable_v<T>, "device memory holds plain values");
        constexpr std::size_t kAlignment = 16;  // of vectors that are loaded at once
        const std::size_t at = (host_.size() + kAlignment - 1) / kAlignment * kAlignment;
        const auto* const bytes = reinterpret_cast<const char*>(table);
        host_.resize(at);
        host_.insert(host_.end(), bytes, bytes + size * sizeof(T));
        tell_.push_back([&place, at](const char* device) { place = reinterpret_cast<const T*>(device + at); });
    }
    template <class T>
    void add(const T*& place, const std::vector<T>& table) {
        add(place, table.data(), table.size());
    }

    // The tables live until the result is gone.
    Scratch<char> upload(const Exec& exec) const {
        Scratch<char> device = cuda::upload(host_, exec);
        for (const auto& tell : tell_) tell(device.data());
        return device;
    }

  private:
    std::vector<char> host_;
    std::vector<std::function<void(const char*)>> tell_;
};

}  // namespace voxkern::cuda

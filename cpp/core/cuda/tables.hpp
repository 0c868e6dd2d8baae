// SPDX-License-Identifier: Apache-2.0
// Small tables of the host, brought to the device in one copy.
#pragma once

#include <cstdint>

#include "core/cuda/exec.hpp"

namespace voxkern::cuda {

// add() every table, upload(), then ask where each one is: `at` takes what add() gave.
class Tables {
  public:
    template <class T>
    std::size_t add(const T* table, std::size_t size) {
        static_assert(std::is_trivially_copyable_v<T>, "device memory holds plain values");
        constexpr std::size_t kAlignment = 16;
        const std::size_t place = (host_.size() + kAlignment - 1) / kAlignment * kAlignment;
        const auto* const bytes = reinterpret_cast<const char*>(table);
        host_.resize(place);
        host_.insert(host_.end(), bytes, bytes + size * sizeof(T));
        return place;
    }

    // The tables live until the result is gone.
    Scratch<char> upload(const Exec& exec) {
        Scratch<char> device = cuda::upload(host_, exec);
        device_ = device.data();
        return device;
    }

    template <class T>
    const T* at(std::size_t place) const {
        return reinterpret_cast<const T*>(device_ + place);
    }

  private:
    std::vector<char> host_;
    const char* device_ = nullptr;
};

}  // namespace voxkern::cuda

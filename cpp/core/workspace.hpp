// SPDX-License-Identifier: Apache-2.0
// Temporary memory of the kernels: one block, handed out in parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "core/memory.hpp"

namespace voxkern {

class Workspace {
  public:
    explicit Workspace(std::int64_t bytes) : block_(take_block(padded(bytes), kSlack)) {}
    ~Workspace() { give_block(block_); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    // Hands out the next part of the block, aligned to a cache line; contents are unspecified.
    template <class T>
    T* take(std::int64_t count) {
        T* part = reinterpret_cast<T*>(static_cast<char*>(block_.data) + used_);
        used_ += padded(count * static_cast<std::int64_t>(sizeof(T)));
        return part;
    }

    // What take() of so many bytes uses up.
    static constexpr std::int64_t padded(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

    // The size of a workspace for these calls of take<T>(count).
    template <class T>
    static std::int64_t bytes_of(std::initializer_list<std::int64_t> counts) {
        std::int64_t bytes = 0;
        for (const std::int64_t count : counts) bytes += padded(count * static_cast<std::int64_t>(sizeof(T)));
        return bytes;
    }

  private:
    static constexpr std::int64_t kSlack = 1;  // scratch is soon given back: a block of twice the size will do

    Block block_;
    std::int64_t used_ = 0;
};

// Adds up what the same calls of take() use of a workspace, so that scratch is listed once.
class WorkspaceSize {
  public:
    template <class T>
    T* take(std::int64_t count) {
        bytes_ += Workspace::padded(count * static_cast<std::int64_t>(sizeof(T)));
        return nullptr;
    }

    std::int64_t bytes() const { return bytes_; }

  private:
    std::int64_t bytes_ = 0;
};

}  // namespace voxkern

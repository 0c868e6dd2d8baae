// SPDX-License-Identifier: Apache-2.0
// Temporary memory of the kernels: 64-byte aligned, huge pages advised from 2 MiB on, and kept
// for the next call (at most 256 MiB in all) because fresh pages cost more than the arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace voxkern {

class Workspace {
  public:
    explicit Workspace(std::int64_t bytes);
    ~Workspace();
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    // Hands out the next part of the block, aligned to a cache line; contents are unspecified.
    template <class T>
    T* take(std::int64_t count) {
        T* part = reinterpret_cast<T*>(static_cast<char*>(block_) + used_);
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
    void* block_ = nullptr;
    std::int64_t capacity_ = 0;
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

// Bytes kept for reuse at this moment, and their release.
std::int64_t cached_workspace_bytes();
void release_workspace();

}  // namespace voxkern

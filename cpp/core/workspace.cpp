// SPDX-License-Identifier: Apache-2.0
#include "core/workspace.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

#include "core/fork_safe.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace voxkern {
namespace {

constexpr std::int64_t kHugePage = std::int64_t{1} << 21;
constexpr std::int64_t kKeep = std::int64_t{256} << 20;

#if defined(VOXKERN_ENABLE_ASSERT)
constexpr bool kReuse = false;  // exact, fresh blocks let AddressSanitizer see every overrun
#else
constexpr bool kReuse = true;
#endif

struct Block {
    void* data;
    std::int64_t capacity;
};

void* allocate(std::int64_t bytes) {
    const std::int64_t alignment = bytes >= kHugePage ? kHugePage : 64;
    void* data = ::operator new(static_cast<std::size_t>(bytes), std::align_val_t(alignment));
#if defined(__linux__)
    if (bytes >= kHugePage) madvise(data, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
#endif
    return data;
}

void deallocate(const Block& block) {
    ::operator delete(block.data, std::align_val_t(block.capacity >= kHugePage ? kHugePage : 64));
}

struct Cache {
    std::mutex mutex;
    std::vector<Block> blocks;
    std::int64_t bytes = 0;
};

ForkSafe<Cache> cache;
const int fork_handler = after_fork_in_child([] { cache.forget(); });

}  // namespace

Workspace::Workspace(std::int64_t bytes) {
    capacity_ = std::max<std::int64_t>(padded(bytes), 64);
    if (kReuse) {
        Cache& c = cache.get();
        const std::lock_guard<std::mutex> lock(c.mutex);
        auto best = c.blocks.end();
        for (auto it = c.blocks.begin(); it != c.blocks.end(); ++it) {
            const bool fits = it->capacity >= capacity_ && it->capacity / 2 <= capacity_;
            if (fits && (best == c.blocks.end() || it->capacity < best->capacity)) best = it;
        }
        if (best != c.blocks.end()) {
            block_ = best->data;
            capacity_ = best->capacity;
            c.bytes -= best->capacity;
            c.blocks.erase(best);
            return;
        }
    }
    block_ = allocate(capacity_);
}

Workspace::~Workspace() {
    const Block block{block_, capacity_};
    if (kReuse && capacity_ <= kKeep) {
        Cache& c = cache.get();
        const std::lock_guard<std::mutex> lock(c.mutex);
        // Oldest blocks leave first: what a pipeline used last it will use again.
        while (c.bytes + capacity_ > kKeep) {
            c.bytes -= c.blocks.front().capacity;
            deallocate(c.blocks.front());
            c.blocks.erase(c.blocks.begin());
        }
        c.blocks.push_back(block);
        c.bytes += capacity_;
        return;
    }
    deallocate(block);
}

std::int64_t cached_workspace_bytes() {
    Cache& c = cache.get();
    const std::lock_guard<std::mutex> lock(c.mutex);
    return c.bytes;
}

void release_workspace() {
    Cache& c = cache.get();
    const std::lock_guard<std::mutex> lock(c.mutex);
    for (const Block& block : c.blocks) deallocate(block);
    c.blocks.clear();
    c.bytes = 0;
}

}  // namespace voxkern

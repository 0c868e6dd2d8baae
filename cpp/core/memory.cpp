// SPDX-License-Identifier: Apache-2.0
#include "core/memory.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <vector>

#include "core/cgroup.hpp"
#include "core/fork_safe.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace voxkern {
namespace {

constexpr std::int64_t kHugePage = std::int64_t{1} << 21;
constexpr std::int64_t kPiece = std::int64_t{8} << 20;  // populated at a time by one thread
constexpr std::int64_t kMostKept = std::int64_t{1} << 30;
constexpr std::size_t kMostBlocks = 256;

#if defined(VOXKERN_ENABLE_ASSERT)
constexpr bool kReuse = false;  // exact, fresh blocks let AddressSanitizer see every overrun
#else
constexpr bool kReuse = true;
#endif

// Memory of the machine, or of the container where that is less.
std::int64_t usable_memory() {
    std::int64_t bytes = std::int64_t{8} << 30;
#if defined(_SC_PHYS_PAGES)
    const std::int64_t pages = sysconf(_SC_PHYS_PAGES);
    if (pages > 0) bytes = pages * sysconf(_SC_PAGESIZE);
#endif
    const std::int64_t limit = cgroup_memory();
    return limit > 0 ? std::min(bytes, limit) : bytes;
}

std::size_t alignment_of(std::int64_t capacity) {
    return static_cast<std::size_t>(capacity >= kHugePage ? kHugePage : 64);
}

void free_block(const Block& block) noexcept {
    ::operator delete(block.data, std::align_val_t(alignment_of(block.capacity)));
}

// Whole huge pages: the rest of the last one can serve a slightly larger request later.
std::int64_t capacity_for(std::int64_t bytes) {
    const std::int64_t unit = bytes >= kHugePage && kReuse ? kHugePage : 64;
    return std::max((bytes + unit - 1) / unit * unit, unit);
}

Block fresh_block(std::int64_t bytes) {
    const std::int64_t capacity = capacity_for(bytes);
    const auto alignment = std::align_val_t(alignment_of(capacity));
    void* data = ::operator new(static_cast<std::size_t>(capacity), alignment, std::nothrow);
    if (data == nullptr) {
        release_memory();
        data = ::operator new(static_cast<std::size_t>(capacity), alignment);
    }
#if defined(__linux__)
    if (capacity >= kHugePage) madvise(data, static_cast<std::size_t>(capacity), MADV_HUGEPAGE);
#endif
    return {data, capacity};
}

std::atomic<std::int64_t> limit{std::min(kMostKept, usable_memory() / 8)};

struct Cache {
    Cache() { blocks.reserve(kMostBlocks); }

    // Takes out the smallest block that fits; none where `data` is null.
    Block take(std::int64_t bytes, std::int64_t slack) {
        const std::int64_t most = std::max(capacity_for(bytes), bytes + std::max(bytes / slack, kSpare));
        const std::lock_guard<std::mutex> lock(mutex);
        auto best = blocks.end();
        for (auto it = blocks.begin(); it != blocks.end(); ++it) {
            const bool fits = it->capacity >= bytes && it->capacity <= most;
            if (fits && (best == blocks.end() || it->capacity < best->capacity)) best = it;
        }
        if (best == blocks.end()) return {};
        const Block block = *best;
        kept -= block.capacity;
        blocks.erase(best);
        return block;
    }

    // Takes out the oldest block where another one of `bytes` would be too much.
    Block make_room(std::int64_t bytes) {
        if (blocks.empty() || (kept + bytes <= limit && blocks.size() < kMostBlocks)) return {};
        const Block oldest = blocks.front();
        kept -= oldest.capacity;
        blocks.erase(blocks.begin());
        return oldest;
    }

    static constexpr std::int64_t kSpare = 4096;

    std::mutex mutex;
    std::vector<Block> blocks;  // oldest first
    std::int64_t kept = 0;
};

Cache& cache = *new Cache;  // never destroyed: threads may still run when the process ends

// A fork waits until no other thread changes the cache. The child frees what it inherits: the parent writes to these
// pages again, and each of them would then be there twice.
const int fork_handler = around_fork([] { cache.mutex.lock(); }, [] { cache.mutex.unlock(); },
                                     [] {
                                         cache.mutex.unlock();
                                         release_memory();
                                     });

// Frees what is too much once `bytes` more are kept; the system may take its time, so not under the lock.
void shrink_for(std::int64_t bytes) noexcept {
    for (;;) {
        Block oldest;
        {
            const std::lock_guard<std::mutex> lock(cache.mutex);
            oldest = cache.make_room(bytes);
        }
        if (oldest.data == nullptr) return;
        free_block(oldest);
    }
}

void populate([[maybe_unused]] const Block& block, [[maybe_unused]] const Exec& exec) {
#if defined(__linux__) && defined(MADV_POPULATE_WRITE)
    if (block.capacity < kHugePage) return;
    char* const base = static_cast<char*>(block.data);
    parallel_for((block.capacity + kPiece - 1) / kPiece, exec, [&](std::int64_t piece) {
        const std::int64_t size = std::min(kPiece, block.capacity - piece * kPiece);
        // Older kernels refuse: then the pages come when they are written.
        madvise(base + piece * kPiece, static_cast<std::size_t>(size), MADV_POPULATE_WRITE);
    });
#endif
}

Block kept_block(std::int64_t bytes, std::int64_t slack) {
    return kReuse ? cache.take(bytes, slack) : Block{};
}

}  // namespace

Block take_block(std::int64_t bytes, std::int64_t slack) {
    const Block block = kept_block(bytes, slack);
    return block.data != nullptr ? block : fresh_block(bytes);
}

Block take_populated_block(std::int64_t bytes, std::int64_t slack, const Exec& exec) {
    const Block kept = kept_block(bytes, slack);
    if (kept.data != nullptr) return kept;
    const Block fresh = fresh_block(bytes);
    try {
        populate(fresh, exec);
    } catch (...) {
        give_block(fresh);
        throw;
    }
    return fresh;
}

void give_block(const Block& block) noexcept {
    if (!kReuse || block.capacity > limit) return free_block(block);  // what is kept stays
    shrink_for(block.capacity);
    {
        const std::lock_guard<std::mutex> lock(cache.mutex);
        if (cache.kept + block.capacity <= limit && cache.blocks.size() < kMostBlocks) {
            cache.blocks.push_back(block);
            cache.kept += block.capacity;
            return;
        }
    }
    free_block(block);
}

std::int64_t cached_bytes() {
    const std::lock_guard<std::mutex> lock(cache.mutex);
    return cache.kept;
}

std::int64_t cache_limit() {
    return limit;
}

void set_cache_limit(std::int64_t bytes) {
    limit = bytes;
    shrink_for(0);
}

void release_memory() {
    std::vector<Block> blocks;
    blocks.reserve(kMostBlocks);
    {
        const std::lock_guard<std::mutex> lock(cache.mutex);
        blocks.swap(cache.blocks);
        cache.kept = 0;
    }
    for (const Block& block : blocks) free_block(block);
}

}  // namespace voxkern

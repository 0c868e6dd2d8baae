// SPDX-License-Identifier: Apache-2.0
#include "core/memory.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "expect.hpp"

using namespace voxkern;

namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

#if defined(VOXKERN_ENABLE_ASSERT)
constexpr bool kKeeps = false;  // AddressSanitizer is to see every block that is freed
#else
constexpr bool kKeeps = true;
#endif

// Nothing is kept before, and the limit is as before afterwards.
struct Limit {
    explicit Limit(std::int64_t bytes) {
        release_memory();
        set_cache_limit(bytes);
    }
    ~Limit() { set_cache_limit(before); }
    std::int64_t before = cache_limit();
};

}  // namespace

TEST(memory, keeps_what_is_given_back) {
    const Limit limit(64 * kMiB);
    const Block first = take_block(16 * kMiB, 8);
    EXPECT(first.capacity >= 16 * kMiB);
    EXPECT(cached_bytes() == 0);
    give_block(first);
    EXPECT(cached_bytes() == (kKeeps ? first.capacity : 0));
    const Block second = take_block(15 * kMiB, 8);
    if (kKeeps) EXPECT(second.data == first.data && cached_bytes() == 0);
    give_block(second);
    release_memory();
    EXPECT(cached_bytes() == 0);
}

TEST(memory, takes_no_block_that_is_much_too_large) {
    const Limit limit(64 * kMiB);
    const Block large = take_block(32 * kMiB, 8);
    give_block(large);
    const Block small = take_block(20 * kMiB, 8);
    EXPECT(small.capacity < 23 * kMiB);
    EXPECT(cached_bytes() == (kKeeps ? large.capacity : 0));
    give_block(small);
    const Block scratch = take_block(17 * kMiB, 1);  // twice the size will do, the closest one first
    if (kKeeps) EXPECT(scratch.data == small.data);
    give_block(scratch);
}

TEST(memory, every_size_gets_its_own_block_back) {
    const Limit limit(64 * kMiB);
    for (const std::int64_t bytes : {kMiB, 2 * kMiB + 1, std::int64_t{3375000}, 9 * kMiB + 7}) {
        release_memory();
        const Block first = take_block(bytes, 8);
        give_block(first);
        const Block second = take_block(bytes, 8);
        if (kKeeps) EXPECT(second.data == first.data);
        give_block(second);
    }
}

TEST(memory, a_block_beyond_the_limit_drives_nothing_out) {
    const Limit limit(8 * kMiB);
    const Block small = take_block(4 * kMiB, 8);
    const Block large = take_block(16 * kMiB, 8);
    give_block(small);
    give_block(large);
    EXPECT(cached_bytes() == (kKeeps ? small.capacity : 0));
}

TEST(memory, stays_within_the_limit_and_frees_the_oldest) {
    const Limit limit(64 * kMiB);
    std::vector<Block> blocks;
    for (int i = 0; i < 5; ++i) blocks.push_back(take_block((10 + 4 * i) * kMiB, 8));
    for (const Block& block : blocks) {
        give_block(block);
        EXPECT(cached_bytes() <= 64 * kMiB);
    }
    if (!kKeeps) return;
    const Block last = take_block(26 * kMiB, 8);
    EXPECT(last.data == blocks[4].data);  // 18 + 22 + 26 MiB were too much: 22 and 26 are left
    give_block(last);
    set_cache_limit(30 * kMiB);
    EXPECT(cached_bytes() == last.capacity);
    set_cache_limit(0);
    EXPECT(cached_bytes() == 0);
    give_block(take_block(kMiB, 8));
    EXPECT(cached_bytes() == 0);
}

TEST(memory, keeps_a_limited_number_of_blocks) {
    const Limit limit(64 * kMiB);
    std::vector<Block> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(take_block(64, 1));
    for (const Block& block : blocks) give_block(block);
    EXPECT(cached_bytes() <= 256 * 8192);
}

TEST(memory, a_populated_block_can_be_written_everywhere) {
    const Limit limit(64 * kMiB);
    Exec exec;
    exec.threads = 3;
    const Block block = take_populated_block(21 * kMiB + 5, 8, exec);
    char* const bytes = static_cast<char*>(block.data);
    std::memset(bytes, 7, static_cast<std::size_t>(21 * kMiB + 5));
    EXPECT(std::all_of(bytes, bytes + 21 * kMiB + 5, [](char c) { return c == 7; }));
    give_block(block);
}

TEST(memory, threads_never_share_a_block) {
    const Limit limit(8 * kMiB);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t] {
            for (int i = 0; i < 100; ++i) {
                const Block block = take_block((1 + i % 3) * kMiB, 2);
                auto* const numbers = static_cast<int*>(block.data);
                std::fill_n(numbers, kMiB / 4, t);
                EXPECT(std::all_of(numbers, numbers + kMiB / 4, [t](int x) { return x == t; }));
                give_block(block);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT(cached_bytes() <= 8 * kMiB);
}

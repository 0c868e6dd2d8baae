// SPDX-License-Identifier: Apache-2.0
// Blocks of memory that are kept when they are freed, because fresh pages cost more than most kernels: scratch of the
// kernels (core/workspace.hpp) and large results (bindings/results.hpp).
#pragma once

#include <cstdint>

#include "core/parallel.hpp"

namespace voxkern {

struct Block {
    void* data = nullptr;
    std::int64_t capacity = 0;  // bytes
};

// A block of at least `bytes`, aligned to a cache line; from 2 MiB on to a huge page, which is advised. A kept block
// is taken where it is no larger than `bytes` times 1 + 1/slack. Contents are unspecified.
Block take_block(std::int64_t bytes, std::int64_t slack);

// The same with its pages in place. The threads of `exec` share that work where the block is fresh.
Block take_populated_block(std::int64_t bytes, std::int64_t slack, const Exec& exec);

// Keeps a block for the next call. The oldest kept ones are freed until all of them fit the limit.
void give_block(const Block& block) noexcept;

// Bytes kept at this moment, at most, and freed altogether. By default at most 1 GiB are kept, and at most an eighth
// of the memory that this process may use.
std::int64_t cached_bytes();
std::int64_t cache_limit();
void set_cache_limit(std::int64_t bytes);
void release_memory();

}  // namespace voxkern

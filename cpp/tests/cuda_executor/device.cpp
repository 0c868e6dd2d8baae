// SPDX-License-Identifier: Apache-2.0
// What a kernel calls: barriers, warp collectives, fences, shared memory.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "block.hpp"
#include "internal.hpp"
#include "sanitizers.hpp"

namespace cuda_executor {
namespace {

constexpr std::size_t kSharedLimit = 48 << 10;
constexpr std::size_t kSharedOptIn = 227 << 10;

std::map<const void*, std::size_t>& opted_in() {
    static std::map<const void*, std::size_t> sizes;
    return sizes;
}

char fence_clock = 0;

// The lanes of the calling thread's warp.
struct Warp {
    Thread* threads;
    int first;
    int count;
    bool takes_part(int k, unsigned mask) const {
        return (mask >> k & 1) != 0 && threads[k].state != State::done;  // an exited lane need not come
    }
};

Warp current_warp() {
    const int first = block.current / kWarp * kWarp;
    return {&block.threads[first], first, std::min(kWarp, block.count - first)};
}

// Whether the calling thread is the last to come; `clock` becomes the one of those that wait.
bool all_arrived(const Warp& warp, const Thread& me, int& clock) {
    bool all = true;
    for (int k = 0; k < warp.count; ++k) {
        const Thread& other = warp.threads[k];
        if (&other == &me || !warp.takes_part(k, me.mask)) continue;
        if (other.state != State::collective) {
            all = false;
            continue;
        }
        if (other.kind != me.kind || other.mask != me.mask || !(other.site == me.site)) {
            fail(me.site, "other lanes of the mask wait at ", &other.site);
        }
        clock = other.clock;
    }
    return all;
}

// The last lane to come does the exchange for all.
void exchange(const Warp& warp, const Thread& me) {
    std::uint64_t votes = 0;
    for (int k = 0; k < warp.count; ++k) {
        if (warp.takes_part(k, me.mask)) votes |= (warp.threads[k].in & 1) << k;
    }
    for (int k = 0; k < warp.count; ++k) {
        if (!warp.takes_part(k, me.mask)) continue;
        Thread& lane = warp.threads[k];
        if (me.kind == Collective::ballot) lane.out = votes;
        if (me.kind == Collective::shuffle) {
            const bool there = lane.source >= 0 && lane.source < warp.count && warp.takes_part(lane.source, me.mask);
            if (!there) fail(me.site, "a lane reads from a lane that takes no part");
            lane.out = warp.threads[lane.source].in;
        }
    }
}

void* poisoned(std::size_t size) {
    const UnwatchedWrites guard;
    void* memory = nullptr;
    if (posix_memalign(&memory, 128, std::max<std::size_t>(size, 1)) != 0) std::abort();
    std::memset(memory, kPoison, size);
    return memory;
}

const char dynamic_tag = 0;

}  // namespace

int lane() {
    return block.current % kWarp;
}

void fence() {
    acquire(&fence_clock);
    release(&fence_clock);
}

int barrier(int value, Site site) {
    Thread& me = block.threads[block.current];
    me.site = site;
    me.vote = value;
    me.state = State::barrier;
    void* const clock = &block.clocks->barrier[me.barriers++ & 1];
    release(clock);
    wait_for_turn();
    acquire(clock);
    return static_cast<int>(me.out);
}

std::uint64_t warp_collective(Collective kind, unsigned mask, std::uint64_t value, int source, Site site) {
    const Warp warp = current_warp();
    Thread& me = block.threads[block.current];
    me.kind = kind;
    me.mask = mask;
    me.in = value;
    me.source = source;
    me.site = site;
    if ((mask >> lane() & 1) == 0) fail(site, "the calling lane is not in the mask");
    int clock = -1;
    const bool all = all_arrived(warp, me, clock);
    if (clock < 0) clock = block.clocks->collectives[warp.first / kWarp]++ % kClocks;
    me.clock = clock;
    void* const order = &block.clocks->collective[warp.first / kWarp][clock];
    release(order);
    if (all) {
        exchange(warp, me);
        wake(State::collective, warp.first, warp.first + warp.count, mask);
    } else {
        me.state = State::collective;
        wait_for_turn();
    }
    acquire(order);
    return me.out;
}

// --- shared memory -----------------------------------------------------------------------------------
void* shared_memory(const void* tag, std::size_t size) {
    std::size_t total = size;
    for (int k = 0; k < block.piece_count; ++k) {
        const Piece& piece = block.pieces[k];
        if (piece.tag == tag) return piece.memory;
        total += piece.size;
    }
    if (total > std::max(kSharedLimit, shared_limit(block.launch->kernel)) || block.piece_count == kMaxPieces) {
        fail({"shared memory", 0}, "more than a block has");
    }
    void* const memory = poisoned(size);
    block.pieces[block.piece_count++] = {tag, memory, size};
    return memory;
}

void* dynamic_shared_memory() {
    return shared_memory(&dynamic_tag, block.launch->shared);
}

std::size_t shared_limit(const void* kernel) {
    const auto found = opted_in().find(kernel);
    return found == opted_in().end() ? kSharedLimit : found->second;
}

cudaError_t allow_shared(const void* kernel, std::size_t size) {
    const Hold hold(state_lock());
    if (size > kSharedOptIn) return remember(cudaErrorInvalidValue);
    opted_in()[kernel] = size;
    return cudaSuccess;
}

}  // namespace cuda_executor

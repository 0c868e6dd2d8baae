// SPDX-License-Identifier: Apache-2.0
// The block scheduler: the threads of one block are fibers that take turns until all are done.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "block.hpp"
#include "internal.hpp"
#include "sanitizers.hpp"

namespace cuda_executor {

Block block;

namespace {

std::vector<std::unique_ptr<Fiber>> idle;  // stacks to use again; under ThreadSanitizer, not before the launch ends

// ThreadSanitizer: two threads must not share a stack, nor a number, which the next fiber takes from a freed one.
// It has about 8000 numbers.
#if defined(CUDA_EXECUTOR_TSAN)
constexpr bool kFreshFibers = true;
#else
constexpr bool kFreshFibers = false;
#endif
constexpr std::size_t kMaxKept = 4096;

void free_idle() {
    for (const auto& fiber : idle) free_fiber(*fiber);
    idle.clear();
}

void set_indices(int t) {
    const auto u = static_cast<unsigned>(t);
    threadIdx = {u % blockDim.x, u / blockDim.x % blockDim.y, u / blockDim.x / blockDim.y};
}

// The next thread to run, or -1.
int take() {
    if (block.runnable_count == 0) return -1;
    const int last = --block.runnable_count;
    if (block.order == Order::random) {
        const int drawn = std::uniform_int_distribution<int>(0, last)(block.random);
        std::swap(block.runnable[drawn], block.runnable[last]);
    }
    return block.runnable[last];
}

// Where a thread begins. One without a wait hands its fiber to the next: kernels without barriers never switch.
void run_threads() {
    arrive_from(block.host);
    for (;;) {
        Thread& thread = block.threads[block.current];
        set_indices(block.current);
        block.launch->body();
        thread.state = State::done;
        --block.left;
#if defined(CUDA_EXECUTOR_TSAN)
        release(&block.end_clock);  // one fiber is one thread, else program order would hide races
#else
        const int next = take();
        if (next >= 0 && block.threads[next].state == State::fresh) {
            block.threads[next].fiber = std::exchange(thread.fiber, nullptr);
            block.current = next;
            continue;
        }
        if (next >= 0) block.runnable[block.runnable_count++] = next;
#endif
        switch_fiber(*block.threads[block.current].fiber, block.host, true);
        std::abort();
    }
}

Fiber* new_fiber() {
    std::unique_ptr<Fiber> fiber;
    if (idle.empty() || kFreshFibers) {
        fiber = std::make_unique<Fiber>();
    } else {
        fiber = std::move(idle.back());
        idle.pop_back();
    }
    start_fiber(*fiber, run_threads);
    return fiber.release();
}

void retire(Thread& thread) {
    if (thread.fiber == nullptr) return;
    if (kFreshFibers && idle.size() == kMaxKept) free_idle();
    idle.emplace_back(std::exchange(thread.fiber, nullptr));
}

void begin(const Launch& launch, std::uint64_t index, Order order, unsigned seed) {
    blockIdx = {static_cast<unsigned>(index % launch.grid.x),
                static_cast<unsigned>(index / launch.grid.x % launch.grid.y),
                static_cast<unsigned>(index / launch.grid.x / launch.grid.y)};
    blockDim = launch.block;
    gridDim = launch.grid;
    block.launch = &launch;
    block.order = order;
    if (order == Order::random) block.random.seed(seed ^ static_cast<unsigned>(index * 2654435761u));
    block.count = block.left = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
    block.runnable_count = block.count;
    for (int t = 0; t < block.count; ++t) {
        block.threads[t] = Thread();
        block.runnable[t] = order == Order::reverse ? t : block.count - 1 - t;  // the last one is next
    }
    block.clocks = std::make_unique<Clocks>();
    block.failure.clear();
    adopt_thread(block.host);
    if (launch.shared > 0) dynamic_shared_memory();  // counts for the limit even where the kernel does not ask for it
}

// Nobody can run: all that are left must wait at one and the same barrier, which opens.
void open_barrier() {
    int sum = 0;
    int first = -1;
    for (int t = 0; t < block.count; ++t) {
        const Thread& thread = block.threads[t];
        if (thread.state == State::done) continue;
        if (thread.state == State::collective) {
            block.failure = name_of(t) + " waits at " + text(thread.site) + " for lanes of its warp that never come";
            return;
        }
        if (first < 0) first = t;
        const Site& expected = block.threads[first].site;
        if (!(thread.site == expected)) {
            block.failure =
                name_of(t) + " waits at barrier " + text(thread.site) + ", " + name_of(first) + " at " + text(expected);
            return;
        }
        sum += thread.vote;
    }
    for (int t = 0; t < block.count; ++t) block.threads[t].out = static_cast<std::uint64_t>(sum);
    wake(State::barrier, 0, block.count, ~0u);
}

void end() {
    if (!block.failure.empty()) {  // fibers are left where they stand, all that they did lies before
        for (char& clock : block.clocks->barrier) acquire(&clock);
        for (auto& warp : block.clocks->collective) {
            for (char& clock : warp) acquire(&clock);
        }
    }
    for (int t = 0; t < block.count; ++t) retire(block.threads[t]);
    for (int k = 0; k < block.piece_count; ++k) block.finished.push_back(block.pieces[k].memory);
    block.piece_count = 0;
    block.clocks.reset();
#if !defined(CUDA_EXECUTOR_TSAN)  // there, memory used again would look like a race between two blocks
    for (void* memory : block.finished) std::free(memory);
    block.finished.clear();
#endif
}

void run_block(const Launch& launch, std::uint64_t index, Order order, unsigned seed) {
    begin(launch, index, order, seed);
    while (block.left > 0 && block.failure.empty()) {
        const int t = take();
        if (t < 0) {
            open_barrier();
            continue;
        }
        Thread& thread = block.threads[t];
        block.current = t;
        if (thread.state == State::fresh) thread.fiber = new_fiber();
        set_indices(t);
        switch_fiber(block.host, *thread.fiber);
        Thread& stopped = block.threads[block.current];  // perhaps a later one on the same fiber
        if (stopped.state == State::done) retire(stopped);
    }
    end();
}

}  // namespace

std::string name_of(int t) {
    const auto u = static_cast<unsigned>(t);
    const auto triple = [](unsigned x, unsigned y, unsigned z) {
        return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")";
    };
    return "block " + triple(blockIdx.x, blockIdx.y, blockIdx.z) + " thread " +
           triple(u % blockDim.x, u / blockDim.x % blockDim.y, u / blockDim.x / blockDim.y);
}

std::string text(const Site& site) {
    return std::string(site.file) + ":" + std::to_string(site.line);
}

void wait_for_turn() {
    switch_fiber(*block.threads[block.current].fiber, block.host);
}

void fail(const Site& site, const char* what, const Site* other) {
    block.failure = name_of(block.current) + " at " + text(site) + ": " + what + (other != nullptr ? text(*other) : "");
    release(&block.end_clock);
    wait_for_turn();
    std::abort();
}

void wake(State from, int first, int last, unsigned mask) {
    const int before = block.runnable_count;
    for (int t = last - 1; t >= first; --t) {
        Thread& thread = block.threads[t];
        if (thread.state != from || (from == State::collective && (mask >> (t - first) & 1) == 0)) continue;
        thread.state = State::ready;
        block.runnable[block.runnable_count++] = t;
    }
    if (block.order == Order::reverse) std::reverse(block.runnable + before, block.runnable + block.runnable_count);
}

std::string run_blocks(const Launch& launch, Order order, unsigned seed) {
    const std::uint64_t count = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
    std::vector<std::uint64_t> drawn;
    if (order == Order::random) {
        drawn.resize(count);
        for (std::uint64_t k = 0; k < count; ++k) drawn[k] = k;
        std::shuffle(drawn.begin(), drawn.end(), std::mt19937(seed));
    }
    std::string failure;
    for (std::uint64_t k = 0; k < count && failure.empty(); ++k) {
        const std::uint64_t in_order = order == Order::reverse ? count - 1 - k : k;
        run_block(launch, order == Order::random ? drawn[k] : in_order, order, seed);
        failure = block.failure;
    }
    acquire(&block.end_clock);
    for (void* memory : block.finished) std::free(memory);
    block.finished.clear();
    if (kFreshFibers) free_idle();
    return failure;
}

}  // namespace cuda_executor

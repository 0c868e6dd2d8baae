// SPDX-License-Identifier: Apache-2.0
// The block that runs, and what its threads wait for.
#pragma once

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fibers.hpp"
#include "internal.hpp"

namespace cuda_executor {

constexpr int kMaxThreads = 1024;
constexpr int kMaxPieces = 32;
constexpr int kWarp = 32;
constexpr int kClocks = 64;

enum class State { fresh, ready, barrier, collective, done };

struct Thread {
    State state = State::fresh;
    Fiber* fiber = nullptr;
    Site site = {"", 0};  // where it waits
    int vote = 0;
    unsigned barriers = 0;
    Collective kind = Collective::sync;
    unsigned mask = 0;
    int source = 0;
    int clock = 0;
    std::uint64_t in = 0;
    std::uint64_t out = 0;
};

// Shared memory.
struct Piece {
    const void* tag;
    void* memory;
    std::size_t size;
};

// Addresses that ThreadSanitizer orders threads by; new ones for each block, as blocks are not ordered.
struct Clocks {
    char barrier[2];
    char collective[kMaxThreads / kWarp][kClocks];
    int collectives[kMaxThreads / kWarp] = {};  // begun so far
};

// Arrays of fixed size: a fiber must not allocate what another frees.
struct Block {
    const Launch* launch = nullptr;
    Thread threads[kMaxThreads];
    int count = 0;
    int left = 0;  // not yet done
    int current = -1;
    int runnable[kMaxThreads] = {};
    int runnable_count = 0;
    Order order = Order::forward;
    std::mt19937 random;
    Piece pieces[kMaxPieces] = {};
    int piece_count = 0;
    Fiber host;
    std::unique_ptr<Clocks> clocks;
    char end_clock = 0;
    std::vector<void*> finished;  // shared memory of blocks that are done
    std::string failure;
};
extern Block block;

inline bool operator==(const Site& a, const Site& b) {
    return a.line == b.line && std::strcmp(a.file, b.file) == 0;
}

std::string name_of(int thread);  // "block (0,0,0) thread (1,0,0)"
std::string text(const Site& site);
void wait_for_turn();
[[noreturn]] void fail(const Site& site, const char* what, const Site* other = nullptr);
void wake(State from, int first, int last, unsigned mask);

}  // namespace cuda_executor

// SPDX-License-Identifier: Apache-2.0
// Fibers: several stacks that take turns on one OS thread, known to the sanitizers.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) || defined(CUDA_EXECUTOR_UCONTEXT)
#define CUDA_EXECUTOR_UCONTEXT 1
#include <ucontext.h>
#endif

namespace cuda_executor {

struct Fiber {
#if defined(CUDA_EXECUTOR_UCONTEXT)
    ucontext_t context;
#else
    void* stack_pointer = nullptr;
#endif
    const void* stack = nullptr;  // lowest address
    std::size_t stack_size = 0;
    void* asan_stack = nullptr;  // AddressSanitizer's fake stack while the fiber waits
    void* tsan_fiber = nullptr;
};

// Makes `host` stand for the thread that calls; its stack becomes known when a fiber first arrives.
void adopt_thread(Fiber& host);

// Gives `fiber` a stack and lets its first turn begin in `entry`, which must never return.
void start_fiber(Fiber& fiber, void (*entry)());
void free_fiber(Fiber& fiber);

// Lets `to` run; returns when somebody switches back, which is never where it is the `last` turn of `from`.
void switch_fiber(Fiber& from, Fiber& to, bool last = false);

// First call of an entry function.
void arrive_from(Fiber& host);

}  // namespace cuda_executor

// SPDX-License-Identifier: Apache-2.0
#include "fibers.hpp"

#include <sys/mman.h>

#include <cstdlib>

#include "sanitizers.hpp"

namespace cuda_executor {
namespace {
constexpr std::size_t kStack = 128 << 10;
constexpr std::size_t kPage = 4096;
}  // namespace

// --- the switch: a few instructions where written, else a system call -----------------------------------
#if defined(CUDA_EXECUTOR_UCONTEXT)
namespace {
void prepare(Fiber& fiber, void (*entry)()) {
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = const_cast<void*>(fiber.stack);
    fiber.context.uc_stack.ss_size = fiber.stack_size;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, entry, 0);
}
void exchange(Fiber& from, Fiber& to) {
    swapcontext(&from.context, &to.context);
}
}  // namespace
#else
extern "C" void cuda_executor_switch(void** save, void* to);
asm(R"(
.text
.p2align 4
.type cuda_executor_switch,@function
cuda_executor_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_executor_switch,.-cuda_executor_switch
)");
namespace {
void prepare(Fiber& fiber, void (*entry)()) {
    // Stack tops at different offsets in their pages, else all fibers compete for the same cache sets.
    static unsigned colour = 0;
    char* const end = const_cast<char*>(static_cast<const char*>(fiber.stack)) + fiber.stack_size;
    auto** top = reinterpret_cast<void**>(end - (++colour % 31) * 128);
    *--top = nullptr;  // alignment, and the end of backtraces
    *--top = reinterpret_cast<void*>(entry);
    for (int saved = 0; saved < 6; ++saved) *--top = nullptr;
    fiber.stack_pointer = top;
}
void exchange(Fiber& from, Fiber& to) {
    cuda_executor_switch(&from.stack_pointer, to.stack_pointer);
}
}  // namespace
#endif

// --- stacks ----------------------------------------------------------------------------------------
void adopt_thread([[maybe_unused]] Fiber& host) {
#if defined(CUDA_EXECUTOR_TSAN)
    host.tsan_fiber = __tsan_get_current_fiber();
#endif
}

void start_fiber(Fiber& fiber, void (*entry)()) {
    if (fiber.stack == nullptr) {
        // The lowest page stays out of reach: a stack that overflows stops there.
        void* const base =
            mmap(nullptr, kStack + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED) std::abort();
        mprotect(base, kPage, PROT_NONE);
        fiber.stack = static_cast<char*>(base) + kPage;
        fiber.stack_size = kStack;
    }
#if defined(CUDA_EXECUTOR_ASAN)
    __asan_unpoison_memory_region(fiber.stack, fiber.stack_size);
    fiber.asan_stack = nullptr;
#endif
    prepare(fiber, entry);
#if defined(CUDA_EXECUTOR_TSAN)
    fiber.tsan_fiber = __tsan_create_fiber(0);
#endif
}

void free_fiber(Fiber& fiber) {
#if defined(CUDA_EXECUTOR_TSAN)
    __tsan_destroy_fiber(fiber.tsan_fiber);
#endif
    munmap(const_cast<char*>(static_cast<const char*>(fiber.stack)) - kPage, kStack + kPage);
    fiber = Fiber();
}

// --- turns -----------------------------------------------------------------------------------------
void switch_fiber(Fiber& from, Fiber& to, [[maybe_unused]] bool last) {
#if defined(CUDA_EXECUTOR_ASAN)
    __sanitizer_start_switch_fiber(last ? nullptr : &from.asan_stack, to.stack, to.stack_size);
#elif defined(CUDA_EXECUTOR_TSAN)
    // Taking turns orders nothing: only barriers, collectives and fences do.
    __tsan_switch_to_fiber(to.tsan_fiber, __tsan_switch_to_fiber_no_sync);
#endif
    exchange(from, to);
#if defined(CUDA_EXECUTOR_ASAN)
    __sanitizer_finish_switch_fiber(from.asan_stack, nullptr, nullptr);
#endif
}

void arrive_from([[maybe_unused]] Fiber& host) {
#if defined(CUDA_EXECUTOR_ASAN)
    __sanitizer_finish_switch_fiber(nullptr, &host.stack, &host.stack_size);
#endif
}

}  // namespace cuda_executor

// SPDX-License-Identifier: Apache-2.0
// Which sanitizer watches, and the words the executor has with it.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define CUDA_EXECUTOR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CUDA_EXECUTOR_ASAN 1
#endif
#endif

#if defined(CUDA_EXECUTOR_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// Under ThreadSanitizer the executor itself is compiled without -fsanitize=thread, with CUDA_EXECUTOR_TSAN:
// kernels are watched, the scheduler that plays their parallel threads on one is not.
#if defined(CUDA_EXECUTOR_TSAN)
#include <sanitizer/tsan_interface.h>
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);
#endif

namespace cuda_executor {

// What was written before release(clock) is seen after acquire(clock).
inline void release([[maybe_unused]] void* clock) {
#if defined(CUDA_EXECUTOR_TSAN)
    __tsan_release(clock);
#endif
}
inline void acquire([[maybe_unused]] void* clock) {
#if defined(CUDA_EXECUTOR_TSAN)
    __tsan_acquire(clock);
#endif
}

// Writes of the executor on behalf of nobody.
struct UnwatchedWrites {
#if defined(CUDA_EXECUTOR_TSAN)
    UnwatchedWrites() { AnnotateIgnoreWritesBegin(__FILE__, __LINE__); }
    ~UnwatchedWrites() { AnnotateIgnoreWritesEnd(__FILE__, __LINE__); }
#else
    UnwatchedWrites() {}
#endif
};

}  // namespace cuda_executor

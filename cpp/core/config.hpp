// SPDX-License-Identifier: Apache-2.0
// Compiler facts every other header may rely on. No Python, no CUDA headers.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define VOXKERN_HD __host__ __device__
#else
#define VOXKERN_HD
#endif

// Per-sample maths that level units call: a copy left over as a weak symbol could carry instructions
// of a higher level into baseline code.
#if defined(__GNUC__)
#define VOXKERN_INLINE inline __attribute__((always_inline))
#else
#define VOXKERN_INLINE inline
#endif

#if defined(_MSC_VER)
#define VOXKERN_RESTRICT __restrict
#else
#define VOXKERN_RESTRICT __restrict__
#endif

// Checks of what the binding layer has already promised: alive in debug and sanitizer builds only.
#if defined(VOXKERN_ENABLE_ASSERT)
#include <cstdio>
#include <cstdlib>
#define VOXKERN_ASSERT(cond)                                                                  \
    do {                                                                                      \
        if (!(cond)) {                                                                        \
            std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #cond); \
            std::abort();                                                                     \
        }                                                                                     \
    } while (false)
#else
#define VOXKERN_ASSERT(cond) static_cast<void>(0)
#endif

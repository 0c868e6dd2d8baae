// SPDX-License-Identifier: Apache-2.0
// The floating-point mode of a scope: rounding to nearest, no traps, subnormals kept or flushed to zero.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace voxkern {

// Both kinds are set: a thread of the pool inherits the mode of the thread that started it, and other libraries
// switch flushing on for the calling thread.
class FloatMode {
  public:
    explicit FloatMode(bool flush_subnormals) : before_(read()) {
        const Word wanted = flush_subnormals ? kFlushes : kKeeps;
        if (before_ != wanted) write(wanted);
    }
    ~FloatMode() { write(before_); }
    FloatMode(const FloatMode&) = delete;
    FloatMode& operator=(const FloatMode&) = delete;

  private:
#if defined(__x86_64__) || defined(_M_X64)
    using Word = unsigned int;
    static constexpr Word kKeeps = 0x1F80;             // MXCSR with all traps masked
    static constexpr Word kFlushes = kKeeps | 0x8040;  // FTZ for results, DAZ for operands
    static Word read() { return _mm_getcsr(); }
    static void write(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
    using Word = std::uint64_t;
    static constexpr Word kKeeps = 0;
    static constexpr Word kFlushes = Word{1} << 24;  // FPCR.FZ
    static Word read() {
        Word word;
        asm volatile("mrs %0, fpcr" : "=r"(word));
        return word;
    }
    static void write(Word word) { asm volatile("msr fpcr, %0" : : "r"(word) : "memory"); }
#else
    using Word = int;
    static constexpr Word kKeeps = 0;
    static constexpr Word kFlushes = 0;
    static Word read() { return 0; }
    static void write(Word /*word*/) {}
#endif

    const Word before_;
};

}  // namespace voxkern

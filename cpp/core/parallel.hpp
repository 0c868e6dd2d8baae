// SPDX-License-Identifier: Apache-2.0
// One pool of worker threads for the process. Work is cut into chunks that depend on the problem
// alone, never on the number of threads, so results carry the same bits for any of them.
// See docs/design/0002-threads-fork-cancellation.md.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "core/error.hpp"

namespace voxkern {

// Who may stop a call. It lives as long as the call and remembers when it asked last: a thousand short
// loops in a row ask as often as one long loop does. Used on the calling thread alone.
class Cancellation {
  public:
    static constexpr std::chrono::milliseconds kInterval{100};

    Cancellation(bool (*asks)(void*), void* context, std::chrono::milliseconds interval = kInterval)
        : asks_(asks), context_(context), interval_(interval) {}

    // True from the moment an answer was yes; asks once in an interval at most.
    bool requested();

  private:
    bool (*asks_)(void*);
    void* context_;
    std::chrono::milliseconds interval_;
    std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
    bool requested_ = false;
};

// How one call runs: how many threads share it, and who may stop it (nobody where null).
struct Exec {
    int threads = 1;
    Cancellation* cancellation = nullptr;
    bool flush_subnormals = false;  // a loop inside a chunk may switch it on, never off
};

// For float32 work: below 1e-38 a number counts as zero. The tail of a spline filter in a background of zeros is
// made of such numbers, and arithmetic on them is many times slower.
inline Exec flushing_subnormals(const Exec& exec) {
    Exec flushing = exec;
    flushing.flush_subnormals = true;
    return flushing;
}

// CPUs this process may use: affinity mask and cgroup quota.
int available_threads();

// Threads of a call that asks for none: set_default_threads(n), else VOXKERN_NUM_THREADS, else one in a forked child
// and in a `worker`, else OMP_NUM_THREADS, else available_threads(). A forked child forgets what its parent set.
int default_threads(bool worker = false);
void set_default_threads(int n);

// More threads than this for each CPU bring nothing: a loop takes no more, whatever Exec asks for.
inline constexpr int kThreadsPerCpu = 4;

// The one rule from work to threads. `work` counts rough steps of a nanosecond: a sample loaded, weighed and
// stored is one. Less than kWorkPerThread for each thread costs more to share out than it saves.
inline constexpr std::int64_t kWorkPerThread = std::int64_t{1} << 15;
inline Exec limited_to_work(const Exec& exec, std::int64_t work) {
    Exec limited = exec;
    limited.threads = static_cast<int>(std::clamp<std::int64_t>(work / kWorkPerThread, 1, exec.threads));
    return limited;
}

namespace detail {
using ChunkFunction = void (*)(void* body, std::int64_t chunk);
void parallel_for(std::int64_t chunks, const Exec& exec, ChunkFunction function, void* body);
}  // namespace detail

// Calls body(chunk) for every chunk in [0, chunks). The caller works too; inside a worker the loop
// runs inline. Throws Cancelled, or the first exception a chunk threw, after all workers left.
template <class Body>
void parallel_for(std::int64_t chunks, const Exec& exec, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    detail::parallel_for(
        chunks, exec, [](void* b, std::int64_t chunk) { (*static_cast<Plain*>(b))(chunk); },
        const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

}  // namespace voxkern

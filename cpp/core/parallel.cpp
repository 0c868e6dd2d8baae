// SPDX-License-Identifier: Apache-2.0
#include "core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "core/cgroup.hpp"
#include "core/float_mode.hpp"
#include "core/fork_safe.hpp"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <signal.h>
#endif

namespace voxkern {
namespace {

// Each participant starts on its own contiguous share of the chunks and then helps the others:
// neighbours in memory stay with one thread, and two threads seldom fault in the same page.
struct alignas(64) Share {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
};

// What a loop does to each chunk.
struct Loop {
    detail::ChunkFunction function;
    void* body;
    bool flush_subnormals;

    void run(std::int64_t chunk) const;
};

// One parallel_for in flight; lives on its caller's stack.
struct Job {
    Job(std::int64_t chunks, int participants, const Loop& l)
        : shares(static_cast<std::size_t>(participants)), loop(l) {
        for (int p = 0; p < participants; ++p) {
            shares[static_cast<std::size_t>(p)].next = chunks * p / participants;
            shares[static_cast<std::size_t>(p)].end = chunks * (p + 1) / participants;
        }
    }

    int participants() const { return static_cast<int>(shares.size()); }

    // The next chunk for a participant, or -1.
    std::int64_t take(int participant) {
        const std::size_t n = shares.size();
        for (std::size_t s = 0; s < n && !stop.load(std::memory_order_relaxed); ++s) {
            Share& share = shares[(static_cast<std::size_t>(participant) + s) % n];
            if (share.next.load(std::memory_order_relaxed) >= share.end) continue;
            const std::int64_t chunk = share.next.fetch_add(1, std::memory_order_relaxed);
            if (chunk < share.end) return chunk;
        }
        return -1;
    }

    std::vector<Share> shares;
    const Loop loop;
    std::atomic<bool> stop{false};
    // Guarded by the pool's mutex:
    int joined = 1;  // the caller is participant 0
    int helpers_active = 0;
    std::exception_ptr error;
};

thread_local bool inside_chunk = false;

void Loop::run(std::int64_t chunk) const {
    struct Inside {
        Inside() { inside_chunk = true; }
        ~Inside() { inside_chunk = false; }
    };
    const Inside inside;
    const FloatMode mode(flush_subnormals);
    function(body, chunk);
}

// Blocks signals while it lives. A thread made meanwhile inherits that, from its first instruction on: a signal to the
// process is for a thread that answers it. Faults and profilers stay with the thread they meet.
class BlockedSignals {
#if defined(__unix__) || defined(__APPLE__)
  public:
    BlockedSignals() {
        sigset_t blocked;
        sigfillset(&blocked);
        for (const int kept : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF}) sigdelset(&blocked, kept);
        pthread_sigmask(SIG_BLOCK, &blocked, &before_);
    }
    ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

  private:
    sigset_t before_;
#endif
};

class Pool {
  public:
    void run(Job& job, Cancellation* cancellation) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            while (workers_ + 1 < job.participants() && start_worker()) ++workers_;
            jobs_.push_back(&job);
        }
        for (int helper = 1; helper < job.participants(); ++helper) wake_.notify_one();
        bool cancelled = false;
        const auto poll = [&] {
            if (cancellation == nullptr || !cancellation->requested()) return;
            cancelled = true;
            job.stop.store(true, std::memory_order_relaxed);
        };
        take_part(job, 0, poll);
        std::unique_lock<std::mutex> lock(mutex_);
        jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
        while (!left_.wait_for(lock, Cancellation::kInterval, [&] { return job.helpers_active == 0; })) {
            lock.unlock();
            poll();
            lock.lock();
        }
        lock.unlock();
        if (cancelled) throw Cancelled();  // first: the caller's own exception is set already
        if (job.error) std::rethrow_exception(job.error);
    }

  private:
    // False where the system refuses a thread: the others do its work, and the next loop asks again.
    bool start_worker() {
        try {
            [[maybe_unused]] const BlockedSignals blocked;
            // Detached and never stopped: the pool is leaked on purpose, so that neither process exit
            // nor a fork has to wait for threads.
            std::thread([this] { work(); }).detach();
            return true;
        } catch (const std::system_error&) {
            return false;
        }
    }

    [[noreturn]] void work() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            const auto open = std::find_if(jobs_.begin(), jobs_.end(),
                                           [](const Job* job) { return job->joined < job->participants(); });
            if (open == jobs_.end()) {
                wake_.wait(lock);
                continue;
            }
            Job& job = **open;
            const int participant = job.joined++;
            ++job.helpers_active;
            lock.unlock();
            take_part(job, participant, [] {});
            lock.lock();
            if (--job.helpers_active == 0) left_.notify_all();
        }
    }

    template <class AfterChunk>
    void take_part(Job& job, int participant, const AfterChunk& after_chunk) {
        for (std::int64_t chunk = job.take(participant); chunk >= 0; chunk = job.take(participant)) {
            try {
                job.loop.run(chunk);
            } catch (...) {
                job.stop.store(true, std::memory_order_relaxed);
                const std::lock_guard<std::mutex> lock(mutex_);
                if (!job.error) job.error = std::current_exception();
            }
            after_chunk();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable left_;
    std::vector<Job*> jobs_;
    int workers_ = 0;
};

ForkSafe<Pool> pool;
std::atomic<bool> forked{false};
std::atomic<int> chosen_threads{0};

const int fork_handler = after_fork_in_child([] {
    pool.forget();
    chosen_threads.store(0);
    forked.store(true);
});

// Whole CPUs of the cgroup's quota; 0 if there is none.
const int quota = static_cast<int>(std::ceil(std::min(cgroup_cpus(), 1e6)));

// The number an environment variable begins with (OMP_NUM_THREADS may be a list); 0 where there is none.
int number_in(const char* variable) {
    const char* text = std::getenv(variable);
    const long n = text != nullptr ? std::strtol(text, nullptr, 10) : 0;
    return static_cast<int>(std::clamp<long>(n, 0, std::numeric_limits<int>::max()));
}

// How many threads share a loop. Few need no look at the processors.
int participants_of(std::int64_t chunks, const Exec& exec) {
    const auto wanted = static_cast<int>(std::clamp<std::int64_t>(chunks, 1, std::max(exec.threads, 1)));
    return wanted <= kThreadsPerCpu ? wanted : std::min(wanted, kThreadsPerCpu * available_threads());
}

}  // namespace

bool Cancellation::requested() {
    const auto now = std::chrono::steady_clock::now();
    if (!requested_ && now - asked_ >= interval_) {
        requested_ = asks_(context_);
        asked_ = now;
    }
    return requested_;
}

int available_threads() {
    int cpus = 0;
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = CPU_COUNT(&set);
#endif
    if (cpus < 1) cpus = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    return quota > 0 ? std::min(cpus, quota) : cpus;
}

int default_threads(bool worker) {
    const int chosen = chosen_threads.load();
    if (chosen > 0) return chosen;
    if (const int ours = number_in("VOXKERN_NUM_THREADS"); ours > 0) return ours;
    if (worker || forked.load()) return 1;
    if (const int everyones = number_in("OMP_NUM_THREADS"); everyones > 0) return everyones;
    return available_threads();
}

void set_default_threads(int n) {
    chosen_threads.store(n);
}

namespace detail {

void parallel_for(std::int64_t chunks, const Exec& exec, ChunkFunction function, void* body) {
    if (inside_chunk) {  // nested: the caller's own loop already polls for cancellation
        std::optional<FloatMode> mode;
        if (exec.flush_subnormals) mode.emplace(true);
        for (std::int64_t chunk = 0; chunk < chunks; ++chunk) function(body, chunk);
        return;
    }
    const Loop loop{function, body, exec.flush_subnormals};
    const int participants = participants_of(chunks, exec);
    if (participants > 1) {
        Job job(chunks, participants, loop);
        pool.get().run(job, exec.cancellation);
        return;
    }
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        loop.run(chunk);
        if (exec.cancellation != nullptr && exec.cancellation->requested()) throw Cancelled();
    }
}

}  // namespace detail
}  // namespace voxkern

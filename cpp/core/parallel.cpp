// SPDX-License-Identifier: Apache-2.0
#include "core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/fork_safe.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

namespace voxkern {
namespace {

// Each participant starts on its own contiguous share of the chunks and then helps the others:
// neighbours in memory stay with one thread, and two threads seldom fault in the same page.
struct alignas(64) Share {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
};

// One parallel_for in flight; lives on its caller's stack.
struct Job {
    Job(std::int64_t chunks, int participants, detail::ChunkFunction f, void* b)
        : shares(static_cast<std::size_t>(participants)), function(f), body(b) {
        for (int p = 0; p < participants; ++p) {
            shares[static_cast<std::size_t>(p)].next = chunks * p / participants;
            shares[static_cast<std::size_t>(p)].end = chunks * (p + 1) / participants;
        }
    }

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
    detail::ChunkFunction function;
    void* body;
    std::atomic<bool> stop{false};
    // Guarded by the pool's mutex:
    int joined = 1;  // the caller is participant 0
    int helpers_active = 0;
    std::exception_ptr error;
};

thread_local bool inside_chunk = false;

void run_one_chunk(Job& job, std::int64_t chunk, std::mutex& mutex) {
    inside_chunk = true;
    try {
        job.function(job.body, chunk);
    } catch (...) {
        job.stop.store(true, std::memory_order_relaxed);
        const std::lock_guard<std::mutex> lock(mutex);
        if (!job.error) job.error = std::current_exception();
    }
    inside_chunk = false;
}

class Pool {
  public:
    void run(Job& job, const Exec& exec) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            while (workers_ + 1 < static_cast<int>(job.shares.size())) start_worker();
            jobs_.push_back(&job);
        }
        wake_.notify_all();
        bool cancelled = false;
        const auto poll = [&] {
            if (exec.cancellation == nullptr || !exec.cancellation->requested()) return;
            cancelled = true;
            job.stop.store(true, std::memory_order_relaxed);
        };
        for (std::int64_t chunk = job.take(0); chunk >= 0; chunk = job.take(0)) {
            run_one_chunk(job, chunk, mutex_);
            poll();
        }
        std::unique_lock<std::mutex> lock(mutex_);
        jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
        while (job.helpers_active > 0) {
            left_.wait_for(lock, Cancellation::kInterval);
            lock.unlock();
            poll();
            lock.lock();
        }
        lock.unlock();
        if (job.error) std::rethrow_exception(job.error);
        if (cancelled) throw Cancelled();
    }

  private:
    void start_worker() {
        ++workers_;
        // Detached and never stopped: the pool is leaked on purpose, so that neither process exit
        // nor a fork has to wait for threads.
        std::thread([this] { work(); }).detach();
    }

    [[noreturn]] void work() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            Job* job = nullptr;
            for (Job* candidate : jobs_) {
                if (candidate->joined < static_cast<int>(candidate->shares.size())) {
                    job = candidate;
                    break;
                }
            }
            if (job == nullptr) {
                wake_.wait(lock);
                continue;
            }
            const int participant = job->joined++;
            ++job->helpers_active;
            lock.unlock();
            for (std::int64_t chunk = job->take(participant); chunk >= 0; chunk = job->take(participant)) {
                run_one_chunk(*job, chunk, mutex_);
            }
            lock.lock();
            --job->helpers_active;
            left_.notify_all();
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

#if defined(__linux__)
// Tightest CPU quota of this process's cgroup and its parents, in CPUs; 0 if there is none.
int cgroup_cpus() {
    std::ifstream membership("/proc/self/cgroup");
    double tightest = 0.0;
    const auto take = [&](double quota, double period) {
        if (quota > 0 && period > 0 && (tightest == 0.0 || quota / period < tightest)) tightest = quota / period;
    };
    for (std::string line; std::getline(membership, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        std::string path = line.substr(second + 1);
        if (!controllers.empty() && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
        for (;;) {
            if (controllers.empty()) {  // version 2
                std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
                std::string quota;
                double period = 0;
                if (file >> quota >> period && quota != "max") take(std::atof(quota.c_str()), period);
            } else {
                double quota = 0;
                double period = 0;
                std::ifstream("/sys/fs/cgroup/cpu" + path + "/cpu.cfs_quota_us") >> quota;
                std::ifstream("/sys/fs/cgroup/cpu" + path + "/cpu.cfs_period_us") >> period;
                take(quota, period);
            }
            const auto parent = path.find_last_of('/');
            if (path.empty() || parent == std::string::npos) break;
            path.resize(parent);
        }
    }
    return tightest > 0 ? std::max(1, static_cast<int>(tightest + 0.999)) : 0;
}

const int quota = cgroup_cpus();
#endif

}  // namespace

bool Cancellation::requested() {
    const auto now = std::chrono::steady_clock::now();
    if (!requested_ && now - asked_ >= kInterval) {
        requested_ = asks_(context_);
        asked_ = now;
    }
    return requested_;
}

int available_threads() {
    int cpus = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = std::max(1, CPU_COUNT(&set));
    if (quota > 0) cpus = std::min(cpus, quota);
#endif
    return cpus;
}

int default_threads() {
    const int chosen = chosen_threads.load();
    if (chosen > 0) return chosen;
    if (forked.load()) return 1;
    if (const char* text = std::getenv("VOXKERN_NUM_THREADS")) {
        const int n = std::atoi(text);
        if (n > 0) return n;
    }
    return available_threads();
}

void set_default_threads(int n) {
    chosen_threads.store(n);
}

namespace detail {

void parallel_for(std::int64_t chunks, const Exec& exec, ChunkFunction function, void* body) {
    if (inside_chunk) {  // nested: the caller's own loop already polls for cancellation
        for (std::int64_t chunk = 0; chunk < chunks; ++chunk) function(body, chunk);
        return;
    }
    const auto participants = std::min<std::int64_t>(std::max(exec.threads, 1), std::max<std::int64_t>(chunks, 1));
    Job job(chunks, static_cast<int>(participants), function, body);
    pool.get().run(job, exec);
}

}  // namespace detail
}  // namespace voxkern

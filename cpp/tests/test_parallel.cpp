// SPDX-License-Identifier: Apache-2.0
#include "core/parallel.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/float_mode.hpp"
#include "expect.hpp"

#if defined(__unix__)
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <filesystem>
#include <fstream>
#include <string>
#endif

#if defined(__SANITIZE_THREAD__)
#define VOXKERN_TSAN 1
#endif

using namespace voxkern;

namespace {
Exec with_threads(int n) {
    Exec exec;
    exec.threads = n;
    return exec;
}

// What this thread makes of a number below 1e-38.
bool flushes() {
    volatile float tiny = 1e-38F;
    tiny = tiny * 0.25F;
    return tiny == 0.0F;
}

#if defined(__unix__) && !defined(VOXKERN_TSAN)  // ThreadSanitizer does not follow threads of a forked child
// The answer of a forked child, whose pool has no thread yet.
template <class Question>
bool in_a_child(const Question& question) {
    const pid_t child = fork();
    if (child == 0) {
        try {
            _exit(question() ? 0 : 1);
        } catch (...) {
            _exit(2);
        }
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && status == 0;
}
#define VOXKERN_CHILDREN 1

pthread_t caller;
std::atomic<int> strays{0};

// Keeps the calling thread busy, so that the next signal has to look for another one.
void on_signal(int) {
    if (pthread_equal(pthread_self(), caller) == 0) ++strays;
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < std::chrono::microseconds(100)) {
    }
}

// A process that signals `target` in pairs until it is gone.
pid_t signaller(pid_t target) {
    const pid_t process = fork();
    if (process != 0) return process;
    for (;;) {
        if (kill(target, SIGUSR1) != 0) _exit(0);
        usleep(20);
        kill(target, SIGUSR1);
        usleep(500);  // the target has to get on as well
    }
}
#endif

#if defined(VOXKERN_CHILDREN) && defined(__linux__)
std::size_t threads_alive() {
    std::size_t n = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) n += task.path().empty() ? 0 : 1;
    return n;
}

// How many threads share a loop that takes its time.
std::size_t threads_in_a_loop(int threads) {
    std::mutex mutex;
    std::set<std::thread::id> seen;
    parallel_for(200, with_threads(threads), [&](std::int64_t) {
        {
            const std::lock_guard<std::mutex> lock(mutex);
            seen.insert(std::this_thread::get_id());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    return seen.size();
}

// How often the threads of this process but the main one went to sleep.
long sleeps() {
    long sum = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        if (task.path().filename() == std::to_string(getpid())) continue;
        std::ifstream status(task.path() / "status");
        const std::string name = "voluntary_ctxt_switches:";
        for (std::string line; std::getline(status, line);) {
            if (line.rfind(name, 0) == 0) sum += std::stol(line.substr(name.size()));
        }
    }
    return sum;
}
#endif
}  // namespace

TEST(parallel, every_chunk_runs_once) {
    for (const int threads : {1, 2, 3, 8, 50}) {
        for (const std::int64_t chunks : {0, 1, 2, 7, 1000}) {
            std::vector<std::atomic<int>> seen(static_cast<std::size_t>(chunks));
            parallel_for(chunks, with_threads(threads), [&](std::int64_t c) { ++seen[static_cast<std::size_t>(c)]; });
            for (const auto& count : seen) EXPECT(count == 1);
        }
    }
}

TEST(parallel, results_need_no_atomics) {
    std::vector<double> out(10000);
    parallel_for(10000, with_threads(4),
                 [&](std::int64_t c) { out[static_cast<std::size_t>(c)] = 2.0 * static_cast<double>(c); });
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT(out[i] == 2.0 * static_cast<double>(i));
}

TEST(parallel, nested_loops_run_inline) {
    std::atomic<int> count{0};
    parallel_for(8, with_threads(4), [&](std::int64_t) {
        const auto outer = std::this_thread::get_id();
        parallel_for(8, with_threads(4), [&](std::int64_t) {
            EXPECT(std::this_thread::get_id() == outer);
            ++count;
        });
    });
    EXPECT(count == 64);
}

TEST(parallel, many_callers_at_once) {
    std::vector<std::thread> callers;
    std::atomic<std::int64_t> total{0};
    for (int t = 0; t < 8; ++t) {
        callers.emplace_back([&] {
            for (int round = 0; round < 50; ++round) {
                parallel_for(64, with_threads(1 + round % 4), [&](std::int64_t c) { total += c; });
            }
        });
    }
    for (std::thread& thread : callers) thread.join();
    EXPECT(total == 8 * 50 * (63 * 64 / 2));
}

TEST(parallel, first_exception_arrives_and_the_pool_lives_on) {
    for (int round = 0; round < 20; ++round) {
        EXPECT_THROWS(std::runtime_error, parallel_for(100, with_threads(3), [&](std::int64_t c) {
                          if (c == 17) throw std::runtime_error("chunk 17");
                      }));
    }
    std::atomic<int> count{0};
    parallel_for(10, with_threads(3), [&](std::int64_t) { ++count; });
    EXPECT(count == 10);
}

TEST(parallel, cancellation_stops_soon) {
    for (const int threads : {1, 3}) {
        for (const int loops : {1, 100000}) {  // one long loop, and many that are over in a moment
            std::atomic<bool> cancel{false};
            Cancellation cancellation([](void* flag) { return static_cast<std::atomic<bool>*>(flag)->load(); },
                                      &cancel);
            Exec exec = with_threads(threads);
            exec.cancellation = &cancellation;
            std::atomic<int> ran{0};
            const auto run = [&] {
                for (int loop = 0; loop < loops; ++loop) {
                    parallel_for(100000 / loops, exec, [&](std::int64_t) {
                        ++ran;
                        std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    });
                }
            };
            std::thread later([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(50));
                cancel = true;
            });
            EXPECT_THROWS(Cancelled, run());
            later.join();
            EXPECT(ran < 100000);
        }
    }
}

TEST(parallel, default_number_of_threads) {
    EXPECT(available_threads() >= 1);
    set_default_threads(5);
    EXPECT(default_threads() == 5);
    set_default_threads(0);
    EXPECT(default_threads() >= 1);
}

#if defined(__unix__) || defined(__APPLE__)  // setenv
TEST(parallel, environment_names_the_default) {
    const int cpus = available_threads();
    const char* const none = "";
    const struct {
        const char* ours;
        const char* openmp;
        int normal;
        int worker;
    } cases[] = {
        {none, none, cpus, 1}, {none, "3", 3, 1},   {"5", "3", 5, 5},
        {none, "7,2", 7, 1},   {"many", "3", 3, 1}, {"-4", "0", cpus, 1},
    };
    for (const auto& one : cases) {
        setenv("VOXKERN_NUM_THREADS", one.ours, 1);
        setenv("OMP_NUM_THREADS", one.openmp, 1);
        EXPECT(default_threads() == one.normal);
        EXPECT(default_threads(true) == one.worker);
        set_default_threads(2);
        EXPECT(default_threads() == 2 && default_threads(true) == 2);
        set_default_threads(0);
    }
    unsetenv("VOXKERN_NUM_THREADS");
    unsetenv("OMP_NUM_THREADS");
}
#endif

TEST(parallel, chunks_flush_subnormals_where_asked_and_nowhere_else) {
    for (const bool callers_mode : {false, true}) {
        const FloatMode mode(callers_mode);
        for (const int threads : {1, 3}) {
            for (const bool wanted : {false, true}) {
                Exec exec = with_threads(threads);
                exec.flush_subnormals = wanted;
                std::atomic<int> as_wanted{0};
                parallel_for(100, exec, [&](std::int64_t) { as_wanted += flushes() == wanted ? 1 : 0; });
                EXPECT(as_wanted == 100);
                EXPECT(flushes() == callers_mode);
                EXPECT_THROWS(std::runtime_error,
                              parallel_for(9, exec, [](std::int64_t) { throw std::runtime_error("chunk"); }));
                EXPECT(flushes() == callers_mode);
                Cancellation cancellation([](void*) { return true; }, nullptr);
                exec.cancellation = &cancellation;
                EXPECT_THROWS(Cancelled, parallel_for(100000, exec, [](std::int64_t) {
                                  std::this_thread::sleep_for(std::chrono::milliseconds(1));
                              }));
                EXPECT(flushes() == callers_mode);
            }
        }
    }
}

TEST(parallel, a_nested_loop_may_flush_as_well) {
    parallel_for(3, with_threads(2), [](std::int64_t) {
        parallel_for(3, flushing_subnormals(Exec{}), [](std::int64_t) {
            EXPECT(flushes());
            parallel_for(3, Exec{}, [](std::int64_t) { EXPECT(flushes()); });
        });
        EXPECT(!flushes());
    });
}

#if defined(VOXKERN_CHILDREN)
TEST(parallel, a_forked_child_starts_its_own_pool) {
    std::atomic<int> warm{0};
    parallel_for(100, with_threads(3), [&](std::int64_t) { ++warm; });
    EXPECT(in_a_child([] {
        std::atomic<int> count{0};
        const bool one = default_threads() == 1;
        parallel_for(100, with_threads(3), [&](std::int64_t) { ++count; });
        return one && count == 100;
    }));
}
#endif

#if defined(VOXKERN_CHILDREN)
// Not even one that just begins. Each child makes a few; without the fix some of them are hit.
TEST(parallel, workers_answer_no_signal) {
    for (int round = 0; round < 60; ++round) {
        EXPECT(in_a_child([] {
            caller = pthread_self();
            signal(SIGUSR1, on_signal);
            const pid_t process = signaller(getpid());
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            parallel_for(100, with_threads(8), [](std::int64_t) {});
            kill(process, SIGKILL);
            waitpid(process, nullptr, 0);
            return strays == 0;
        }));
    }
}
#endif

#if defined(VOXKERN_CHILDREN) && defined(__linux__)
TEST(parallel, the_pool_stays_small) {
    EXPECT(in_a_child([] {
        std::atomic<int> count{0};
        parallel_for(10000, with_threads(4000), [&](std::int64_t) { ++count; });
        return count == 10000 && threads_alive() <= static_cast<std::size_t>(kThreadsPerCpu * available_threads());
    }));
}

TEST(parallel, small_loops_leave_the_other_threads_asleep) {
    EXPECT(in_a_child([] {
        constexpr int kLoops = 1000;
        threads_in_a_loop(8);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));  // all of them are asleep now
        const auto sleeps_per_loop = [](int threads) {
            const long before = sleeps();
            for (int loop = 0; loop < kLoops; ++loop) parallel_for(2, with_threads(threads), [](std::int64_t) {});
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return static_cast<double>(sleeps() - before) / kLoops;
        };
        return sleeps_per_loop(1) < 0.1 && sleeps_per_loop(2) < 2.5;
    }));
}

#if defined(__GLIBC__)
TEST(parallel, a_refused_thread_is_done_without_and_asked_for_again) {
    EXPECT(in_a_child([] {
        pthread_attr_t usual;
        pthread_attr_t impossible;
        pthread_getattr_default_np(&usual);
        pthread_attr_init(&impossible);
        pthread_attr_setstacksize(&impossible, std::size_t{1} << 46);
        pthread_setattr_default_np(&impossible);
        const bool went_on = threads_in_a_loop(3) == 1;
        pthread_setattr_default_np(&usual);
        int tries = 0;
        while (tries < 100 && threads_in_a_loop(3) < 3) ++tries;
        return went_on && tries < 100;
    }));
}
#endif
#endif

// SPDX-License-Identifier: Apache-2.0
#include "core/parallel.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "expect.hpp"

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
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
    for (std::thread& caller : callers) caller.join();
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

#if defined(__unix__) && !defined(VOXKERN_TSAN)  // ThreadSanitizer does not follow threads of a forked child
TEST(parallel, a_forked_child_starts_its_own_pool) {
    std::atomic<int> warm{0};
    parallel_for(100, with_threads(3), [&](std::int64_t) { ++warm; });
    const pid_t child = fork();
    if (child == 0) {
        std::atomic<int> count{0};
        const bool one = default_threads() == 1;
        parallel_for(100, with_threads(3), [&](std::int64_t) { ++count; });
        _exit(one && count == 100 ? 0 : 1);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
}
#endif

// SPDX-License-Identifier: Apache-2.0
// Device memory: poisoned when allocated, out of the host's reach while no kernel and no copy runs.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "executor.hpp"
#include "internal.hpp"
#include "sanitizers.hpp"

namespace cuda_executor {
namespace {

constexpr std::size_t kPage = 4096;

struct Allocation {
    std::size_t size;
    std::size_t mapped;  // whole pages
};
using Allocations = std::map<std::uintptr_t, Allocation>;

Allocations& device_memory() {
    static Allocations all;
    return all;
}
Allocations& pinned_memory() {
    static Allocations all;
    return all;
}
int accesses = 0;  // alive DeviceAccess objects

std::uintptr_t address(const void* p) {
    return reinterpret_cast<std::uintptr_t>(p);
}

// The allocation that holds p, or whose end p is.
Allocations::const_iterator find(const Allocations& all, const void* p) {
    auto it = all.upper_bound(address(p));
    if (it == all.begin()) return all.end();
    --it;
    return address(p) <= it->first + it->second.size ? it : all.end();
}

void protect(std::uintptr_t at, const Allocation& a, bool open) {
    void* const p = reinterpret_cast<void*>(at);
#if defined(CUDA_EXECUTOR_ASAN)
    open ? __asan_unpoison_memory_region(p, a.size) : __asan_poison_memory_region(p, a.size);
#else
    mprotect(p, a.mapped, open ? PROT_READ | PROT_WRITE : PROT_NONE);
#endif
}

#if defined(CUDA_EXECUTOR_ASAN)
// From the allocator, whose redzones lie right behind the last byte.
void* map_pages(std::size_t size, std::size_t) {
    void* p = nullptr;
    return posix_memalign(&p, kPage, size) == 0 ? p : nullptr;
}
void unmap_pages(std::uintptr_t at, const Allocation& a) {
    __asan_unpoison_memory_region(reinterpret_cast<void*>(at), a.size);
    std::free(reinterpret_cast<void*>(at));
}
void watch_faults() {}
#else
// Between two pages that nobody may touch.
void* map_pages(std::size_t, std::size_t mapped) {
    void* const base = mmap(nullptr, mapped + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return base == MAP_FAILED ? nullptr : static_cast<char*>(base) + kPage;
}
void unmap_pages(std::uintptr_t at, const Allocation& a) {
    munmap(reinterpret_cast<char*>(at) - kPage, a.mapped + 2 * kPage);
}

struct sigaction earlier_handler;

// Says whose memory was touched, then lets the earlier handler end the process.
void on_fault(int, siginfo_t* info, void*) {
    const std::uintptr_t at = address(info->si_addr);
    for (const auto& [begin, a] : device_memory()) {
        if (at < begin - kPage || at >= begin + a.mapped + kPage) continue;
        char message[160];
        const int n = std::snprintf(message, sizeof message,
                                    "cuda_executor: the %s touched byte %td of device memory of %zu bytes\n",
                                    accesses > 0 ? "kernel" : "host", static_cast<std::ptrdiff_t>(at - begin), a.size);
        static_cast<void>(!write(STDERR_FILENO, message, static_cast<std::size_t>(n)));
    }
    sigaction(SIGSEGV, &earlier_handler, nullptr);
}

void watch_faults() {
    static const bool done = [] {
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO;
        return sigaction(SIGSEGV, &action, &earlier_handler) == 0;
    }();
    static_cast<void>(done);
}
#endif

}  // namespace

DeviceAccess::DeviceAccess() {
    if (accesses++ > 0) return;
    for (const auto& [at, a] : device_memory()) protect(at, a, true);
}

DeviceAccess::~DeviceAccess() {
    if (--accesses > 0) return;
    for (const auto& [at, a] : device_memory()) protect(at, a, false);
}

Place place_of(const void* p) {
    if (find(device_memory(), p) != device_memory().end()) return Place::device;
    return find(pinned_memory(), p) != pinned_memory().end() ? Place::pinned : Place::pageable;
}

bool is_device_range(const void* p, std::size_t bytes) {
    const auto it = find(device_memory(), p);
    return it != device_memory().end() && address(p) + bytes <= it->first + it->second.size;
}

bool is_kernel_address(const void* p) {
    const Hold hold(state_lock());
    return place_of(p) != Place::pageable;
}

// Words in the range of mapped addresses are rare among numbers; the system says whether one is mapped.
bool holds_host_address(const void* bytes, std::size_t size) {
    const Hold hold(state_lock());
    constexpr std::uintptr_t kLowest = 0x500000000000;
    constexpr std::uintptr_t kHighest = 0xffffffffffff;
    for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= size; at += sizeof(std::uintptr_t)) {
        std::uintptr_t word;
        std::memcpy(&word, static_cast<const char*>(bytes) + at, sizeof word);
        if (word < kLowest || word > kHighest) continue;
        unsigned char resident;
        void* const page = reinterpret_cast<void*>(word / kPage * kPage);
        if (place_of(reinterpret_cast<void*>(word)) != Place::pageable || mincore(page, 1, &resident) != 0) continue;
        std::fprintf(stderr, "cuda_executor: byte %zu of a kernel's argument begins a host address\n", at);
        return true;
    }
    return false;
}

bool free_device(void* p) {
    const auto it = device_memory().find(address(p));
    if (it == device_memory().end()) return false;
    unmap_pages(it->first, it->second);
    device_memory().erase(it);
    return true;
}

std::uint64_t live_allocations() {
    const Hold hold(state_lock());
    return device_memory().size();
}

}  // namespace cuda_executor

using namespace cuda_executor;

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
    const Hold hold(state_lock());
    watch_faults();
    const std::size_t size = std::max<std::size_t>(bytes, 1);
    const Allocation a = {size, (size + kPage - 1) / kPage * kPage};
    *memory = map_pages(a.size, a.mapped);
    if (*memory == nullptr) return remember(cudaErrorMemoryAllocation);
    protect(address(*memory), a, true);
    std::memset(*memory, kPoison, a.size);
    if (accesses == 0) protect(address(*memory), a, false);
    device_memory()[address(*memory)] = a;
    return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
    const cudaError_t status = memory == nullptr ? cudaSuccess : cudaDeviceSynchronize();
    const Hold hold(state_lock());
    if (memory != nullptr && !free_device(memory)) return remember(cudaErrorInvalidValue);
    return status;
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
    const Hold hold(state_lock());
    const std::size_t size = std::max<std::size_t>(bytes, 1);
    if (posix_memalign(memory, kPage, size) != 0) return remember(cudaErrorMemoryAllocation);
    pinned_memory()[address(*memory)] = {size, size};
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) {
    const cudaError_t status = memory == nullptr ? cudaSuccess : cudaDeviceSynchronize();
    const Hold hold(state_lock());
    if (memory != nullptr && pinned_memory().erase(address(memory)) == 0) return remember(cudaErrorInvalidValue);
    std::free(memory);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
// What the parts of the executor know of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "cuda_runtime.h"

namespace cuda_executor {

constexpr unsigned char kPoison = 0xff;  // NaN in float32 and float64, -1 in integers

// One call of the API at a time.
std::recursive_mutex& state_lock();
using Hold = std::lock_guard<std::recursive_mutex>;

// --- settings.cpp ------------------------------------------------------------------------------------
enum class Order { forward, reverse, random };
struct Settings {
    Order order = Order::forward;
    unsigned seed = 0;
    bool deferred = false;
};
const Settings& settings();

// --- block.cpp ---------------------------------------------------------------------------------------
// Runs every block of a launch; returns what went wrong, or nothing.
std::string run_blocks(const Launch& launch, Order order, unsigned seed);
std::size_t shared_limit(const void* kernel);

// --- memory.cpp --------------------------------------------------------------------------------------
// Device memory can be touched while one of these is alive, never else.
struct DeviceAccess {
    DeviceAccess();
    ~DeviceAccess();
    DeviceAccess(const DeviceAccess&) = delete;
    DeviceAccess& operator=(const DeviceAccess&) = delete;
};
enum class Place { device, pinned, pageable };
Place place_of(const void* p);
bool is_device_range(const void* p, std::size_t bytes);
bool free_device(void* p);

// --- settings.cpp, errors --------------------------------------------------------------------------------------
cudaError_t remember(cudaError_t status);  // for cudaGetLastError
void kernel_failed(const std::string& failure);
cudaError_t sticky_error();  // after a failing kernel every call returns its error

}  // namespace cuda_executor

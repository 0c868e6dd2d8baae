// SPDX-License-Identifier: Apache-2.0
// How a bound call of _cuda runs: on the caller's stream, with scratch memory from the caller's pool.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "core/cuda/exec.hpp"

namespace voxkern::bindings {

// Why no GPU can be used here; empty where one can.
std::string unavailable_reason();

// Installs the function that hands out scratch memory: CuPy's pool.
void set_allocator(pybind11::object allocate);

// The array last read from Python was made on `stream`, as its interface says: the next call waits for that.
void wait_for_stream(std::uintptr_t stream);

// How a call on `stream` runs; what was registered with wait_for_stream is waited for, on the device.
cuda::Exec exec_on(std::uintptr_t stream);

// Forgets the streams of a call that failed before it ran.
void forget_streams();

}  // namespace voxkern::bindings

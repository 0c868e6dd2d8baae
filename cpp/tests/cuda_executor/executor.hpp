// SPDX-License-Identifier: Apache-2.0
// What a test asks of the executor: settings, counters, the last failure.
#pragma once

#include <cstdint>
#include <string>

namespace cuda_executor {

// "forward", "reverse" or a number, the seed of a random order of threads and blocks.
// The default comes from VOXKERN_CUDA_ORDER, else forward. Throws std::invalid_argument.
void set_order(const std::string& order);

// "eager": work runs when it is enqueued. "deferred": at the last moment allowed.
// The default comes from VOXKERN_CUDA_STREAMS, else eager. Throws std::invalid_argument.
void set_streams(const std::string& streams);

std::string order();
std::string streams();

std::uint64_t launches();          // kernels enqueued, graph nodes at every replay
std::uint64_t synchronisations();  // calls that made the host wait
std::uint64_t copies_to_host();
std::uint64_t live_allocations();  // device memory not yet freed

// What the last failing kernel did, and the end of the error that stays, as in CUDA, until here.
std::string failure();
void clear_error();

}  // namespace cuda_executor

// SPDX-License-Identifier: Apache-2.0
// Settings of the executor, from the environment or from a test, and the errors of its calls.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "executor.hpp"
#include "internal.hpp"

namespace cuda_executor {
namespace {

Settings with_order(Settings s, const std::string& order) {
    s.seed = 0;
    if (order == "forward") {
        s.order = Order::forward;
    } else if (order == "reverse") {
        s.order = Order::reverse;
    } else if (!order.empty() && order.size() < 10 && order.find_first_not_of("0123456789") == std::string::npos) {
        s.order = Order::random;
        s.seed = static_cast<unsigned>(std::stoul(order));
    } else {
        throw std::invalid_argument("order: got '" + order + "', allowed forward, reverse or a seed");
    }
    return s;
}

Settings with_streams(Settings s, const std::string& streams) {
    if (streams != "eager" && streams != "deferred") {
        throw std::invalid_argument("streams: got '" + streams + "', allowed eager, deferred");
    }
    s.deferred = streams == "deferred";
    return s;
}

Settings& mutable_settings() {
    static Settings current = [] {
        const char* const order = std::getenv("VOXKERN_CUDA_ORDER");
        const char* const streams = std::getenv("VOXKERN_CUDA_STREAMS");
        try {
            return with_streams(with_order({}, order != nullptr ? order : "forward"),
                                streams != nullptr ? streams : "eager");
        } catch (const std::invalid_argument& error) {
            std::fprintf(stderr, "cuda_executor: environment: %s\n", error.what());
            std::exit(2);
        }
    }();
    return current;
}

cudaError_t last_error = cudaSuccess;
cudaError_t lasting_error = cudaSuccess;
std::string last_failure;

}  // namespace

std::recursive_mutex& state_lock() {
    static std::recursive_mutex lock;
    return lock;
}

// --- settings ----------------------------------------------------------------------------------------
const Settings& settings() {
    return mutable_settings();
}

void set_order(const std::string& order) {
    const Hold hold(state_lock());
    mutable_settings() = with_order(settings(), order);
}

void set_streams(const std::string& streams) {
    const Hold hold(state_lock());
    mutable_settings() = with_streams(settings(), streams);
}

std::string order() {
    const Settings& s = settings();
    if (s.order == Order::random) return std::to_string(s.seed);
    return s.order == Order::forward ? "forward" : "reverse";
}

std::string streams() {
    return settings().deferred ? "deferred" : "eager";
}

// --- errors ------------------------------------------------------------------------------------------
cudaError_t remember(cudaError_t status) {
    if (status != cudaSuccess) last_error = status;
    return status;
}

void kernel_failed(const std::string& failure) {
    std::fprintf(stderr, "cuda_executor: %s\n", failure.c_str());
    last_failure = failure;
    lasting_error = cudaErrorLaunchFailure;
}

cudaError_t sticky_error() {
    return lasting_error;
}

std::string failure() {
    const Hold hold(state_lock());
    return last_failure;
}

void clear_error() {
    const Hold hold(state_lock());
    last_error = lasting_error = cudaSuccess;
}

}  // namespace cuda_executor

using namespace cuda_executor;

cudaError_t cudaGetLastError() {
    const Hold hold(state_lock());
    const cudaError_t last = std::exchange(last_error, cudaSuccess);
    return lasting_error != cudaSuccess ? lasting_error : last;
}

cudaError_t cudaPeekAtLastError() {
    const Hold hold(state_lock());
    return lasting_error != cudaSuccess ? lasting_error : last_error;
}

const char* cudaGetErrorName(cudaError_t status) {
    switch (status) {
        case cudaSuccess: return "cudaSuccess";
        case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
        case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
        case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
        case cudaErrorNoDevice: return "cudaErrorNoDevice";
        case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
        case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
        case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
        case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    }
    return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t status) {
    switch (status) {
        case cudaSuccess: return "no error";
        case cudaErrorInvalidValue: return "invalid argument";
        case cudaErrorMemoryAllocation: return "out of memory";
        case cudaErrorInvalidConfiguration: return "invalid configuration argument";
        case cudaErrorNoDevice: return "no CUDA-capable device is detected";
        case cudaErrorInvalidDevice: return "invalid device ordinal";
        case cudaErrorInvalidResourceHandle: return "invalid resource handle";
        case cudaErrorLaunchFailure: return last_failure.c_str();
        case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    }
    return "unrecognized error code";
}

cudaError_t cudaGetDeviceCount(int* count) {
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    return device == 0 ? cudaSuccess : remember(cudaErrorInvalidDevice);
}

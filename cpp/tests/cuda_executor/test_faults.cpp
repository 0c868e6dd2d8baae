// SPDX-License-Identifier: Apache-2.0
// What the executor finds. Each fault runs in a process of its own, as many of them end it.
#include <cuda_runtime.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "kernels.hpp"
#include "support.hpp"

using namespace executor_test;
using voxkern::cuda::Scratch;
using voxkern::cuda::upload;

namespace {

constexpr int kN = 32;
constexpr std::size_t kSize = kN * kN;

// --- one function per fault, true where the result is right ------------------------------------------------
bool transposed(const std::vector<float>& in, const std::vector<float>& out) {
    bool right = true;
    for (std::size_t k = 0; k < kSize; ++k) right = right && out[k % kN * kN + k / kN] == in[k];
    return right;
}

bool transpose_with(Fault fault) {
    const Stream s;
    const std::vector<float> in = noise(kSize);
    const Scratch<float> device = upload(in, s.exec());
    const Scratch<float> out(kSize, s.exec());
    transpose(device.data(), out.data(), 1, kN, kN, s, fault);
    return transposed(in, download(out, s));
}

bool filter_with(Fault fault) {
    const Stream s;
    const Scratch<float> device = upload(noise(128), s.exec());
    const Scratch<float> weights = upload(std::vector<float>{0.0f, 1.0f, 0.0f}, s.exec());
    const Scratch<float> out(128, s.exec());
    filter_lines(device.data(), out.data(), 1, 128, weights.data(), 1, s, fault);
    return download(out, s) == noise(128);
}

bool statistics_with(Fault fault) {
    const Stream s;
    const Scratch<float> device = upload(noise(kSize), s.exec());
    const Scratch<double> sum = upload(std::vector<double>{0.0}, s.exec());
    const Scratch<int> histogram = upload(std::vector<int>(1), s.exec());
    statistics(device.data(), kSize, sum.data(), histogram.data(), 1, s, fault);
    const cudaError_t status = cudaStreamSynchronize(s);
    if (status != cudaSuccess) throw voxkern::Error(cudaGetErrorString(status));
    return download(histogram, s)[0] == static_cast<int>(kSize);
}

bool wrong_stream() {
    const Stream s;
    const std::vector<float> in = noise(kSize);
    const Scratch<float> device = upload(in, s.exec());
    const Scratch<float> out(kSize, s.exec());
    transpose(device.data(), out.data(), 1, kN, kN, nullptr);
    return transposed(in, download(out, s));
}

bool missing_event() {
    const Stream producer;
    const Stream consumer;
    const std::vector<float> in = noise(kSize);
    const Scratch<float> device = upload(in, producer.exec());
    const Scratch<float> out(kSize, producer.exec());
    transpose(device.data(), out.data(), 1, kN, kN, producer);
    return transposed(in, download(out.data(), kSize, consumer));
}

bool host_pointer() {
    const Stream s;
    const std::vector<float> in = noise(kSize);
    const Scratch<float> out(kSize, s.exec());
    transpose(in.data(), out.data(), 1, kN, kN, s);
    return true;
}

bool host_pointer_in_a_struct() {
    const Stream s;
    const std::vector<float> in = noise(kSize);
    const Scratch<float> out(kSize, s.exec());
    copy_table({in.data(), kSize}, out.data(), s);
    return true;
}

bool host_read() {
    const Stream s;
    const Scratch<float> device = upload(noise(kSize), s.exec());
    cudaStreamSynchronize(s);
    const volatile float value = device.data()[3];
    return value == noise(kSize)[3];
}

bool too_many_lines() {
    const Stream s;
    const Scratch<float> device(1, s.exec());
    filter_lines(device.data(), device.data(), 70000, 1, device.data(), 0, s);
    return true;
}

bool read_past_the_end() {
    const Stream s;
    const Scratch<float> device = upload(noise(50), s.exec());
    const Scratch<float> out(60, s.exec());
    copy_table({device.data(), 51}, out.data(), s);
    return download(out, s)[50] != 0.0f;
}

bool shuffle_at_two_places() {
    const Stream s;
    const Scratch<int> out(32, s.exec());
    shuffle_apart(out.data(), s);
    return cudaStreamSynchronize(s) == cudaSuccess;
}

const std::map<std::string, std::function<bool()>> kFaults = {
    {"none", [] { return transpose_with(Fault::none) && filter_with(Fault::none) && statistics_with(Fault::none); }},
    {"no_barrier", [] { return transpose_with(Fault::no_barrier); }},
    {"no_atomic", [] { return statistics_with(Fault::no_atomic); }},
    {"no_atomic_between_blocks", [] { return statistics_with(Fault::no_atomic_between_blocks); }},
    {"one_past", [] { return filter_with(Fault::one_past); }},
    {"divergent", [] { return statistics_with(Fault::divergent); }},
    {"wrong_stream", wrong_stream},
    {"missing_event", missing_event},
    {"host_pointer", host_pointer},
    {"host_pointer_in_a_struct", host_pointer_in_a_struct},
    {"host_read", host_read},
    {"too_many_lines", too_many_lines},
    {"read_past_the_end", read_past_the_end},
    {"shuffle_at_two_places", shuffle_at_two_places},
};

// --- the processes -----------------------------------------------------------------------------------
const char* const kName = "EXECUTOR_FAULT";

// Everything that this program says when it runs one fault.
std::string said(const std::string& fault, const std::string& order = "forward", const std::string& streams = "eager") {
    char self[4096] = {};
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return "no /proc";
    const std::string command = std::string(kName) + "=" + fault + " VOXKERN_CUDA_ORDER=" + order +
                                " VOXKERN_CUDA_STREAMS=" + streams + " '" + self + "' faults 2>&1";
    std::FILE* const pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return "no process";
    std::string all;
    char part[1024];
    while (std::fgets(part, sizeof part, pipe) != nullptr) all += part;
    pclose(pipe);
    return all;
}

bool has(const std::string& text, const std::string& part) {
    const bool found = text.find(part) != std::string::npos;
    if (!found) std::printf("--- expected '%s' in:\n%s---\n", part.c_str(), text.c_str());
    return found;
}

const std::string kRight = "result: right";
const std::string kWrong = "result: wrong";

}  // namespace

// Registered first: in such a process nothing else runs.
TEST(faults, one_alone) {
    const char* const name = std::getenv(kName);
    if (name == nullptr) return;
    try {
        std::printf("%s\n", kFaults.at(name)() ? kRight.c_str() : kWrong.c_str());
    } catch (const voxkern::Error& error) {
        std::printf("error: %s\n", error.what());
    }
    std::exit(0);
}

TEST(faults, clean_kernels_are_not_accused) {
    for (const char* const order : {"forward", "reverse", "1", "2"}) {
        const std::string text = said("none", order, "deferred");
        EXPECT(has(text, kRight));
        EXPECT(text == kRight + "\n");
    }
}

TEST(faults, wrong_settings) {
    EXPECT(has(said("none", "sideways"), "order: got 'sideways', allowed forward, reverse or a seed"));
    EXPECT(has(said("none", "forward", "lazy"), "streams: got 'lazy', allowed eager, deferred"));
}

TEST(faults, missing_barrier) {
    if (kTsan) {
        const std::string text = said("no_barrier");
        EXPECT(has(text, "data race") && has(text, "kernels.cu"));
        return;
    }
    for (const char* const order : {"forward", "reverse", "1", "2"}) EXPECT(has(said("no_barrier", order), kWrong));
}

TEST(faults, missing_atomic) {
    if (!kTsan) {
        EXPECT(has(said("no_atomic"), kRight));  // turns are taken at barriers only: nothing else can see it
        return;
    }
    for (const char* const fault : {"no_atomic", "no_atomic_between_blocks"}) {
        const std::string text = said(fault, "reverse");
        EXPECT(has(text, "data race") && has(text, "kernels.cu"));
    }
}

TEST(faults, write_past_shared_memory) {
    if (!kAsan) return;
    const std::string text = said("one_past");
    EXPECT(has(text, "heap-buffer-overflow") && has(text, "0 bytes") && has(text, "kernels.cu"));
}

TEST(faults, read_past_device_memory) {
    if (!kAsan) return;
    EXPECT(has(said("read_past_the_end"), "heap-buffer-overflow"));
}

TEST(faults, barrier_in_two_branches) {
    for (const char* const order : {"forward", "reverse", "3"}) {
        const std::string text = said("divergent", order);
        EXPECT(has(text, "waits at barrier") && has(text, ", block (") && has(text, "error: kernel count_and_sum"));
        EXPECT(text.find("data race") == std::string::npos);
        const std::size_t first = text.find("kernels.cu:");
        EXPECT(first != std::string::npos && text.find("kernels.cu:", first + 1) != std::string::npos);
    }
}

TEST(faults, collective_at_two_places) {
    EXPECT(has(said("shuffle_at_two_places"), "other lanes of the mask wait at"));
}

TEST(faults, wrong_stream) {
    EXPECT(has(said("wrong_stream", "forward", "deferred"), kWrong));
    EXPECT(has(said("wrong_stream", "forward", "eager"), kRight));  // why the deferred setting exists
}

TEST(faults, missing_event) {
    EXPECT(has(said("missing_event", "forward", "deferred"), kWrong));
    EXPECT(has(said("missing_event", "forward", "eager"), kRight));
}

TEST(faults, host_pointer) {
    EXPECT(has(said("host_pointer"), "error: kernel transpose_tiles, grid (1, 1, 1), block (32, 8, 1)"));
    EXPECT(has(said("host_pointer"), "invalid argument"));
    const std::string text = said("host_pointer_in_a_struct");
    EXPECT(has(text, "byte 0 of a kernel's argument begins a host address") && has(text, "error: kernel copy_values"));
}

// Four bytes of padding follow the values.
struct Padded {
    std::int64_t size;
    std::int32_t flags;
};

TEST(faults, padding_is_no_address) {
#if __has_builtin(__builtin_clear_padding)
    Padded argument;
    const std::uintptr_t left_there[] = {1, reinterpret_cast<std::uintptr_t>(&argument)};
    static_assert(sizeof left_there == sizeof argument, "an address in flags and padding together");
    std::memcpy(&argument, left_there, sizeof argument);
    EXPECT(cuda_executor::holds_host_address(&argument, sizeof argument));
    EXPECT(cuda_executor::may_reach_kernel(argument));
#endif
}

TEST(faults, host_reads_device_memory) {
    EXPECT(has(said("host_read"), kAsan ? "use-after-poison" : "the host touched byte 12 of device memory of 4096"));
}

TEST(faults, grid_over_the_limits) {
    const std::string text = said("too_many_lines");
    EXPECT(has(text, "error: kernel filter_pieces, grid (1, 70000, 1)") && has(text, "invalid configuration argument"));
}

// SPDX-License-Identifier: Apache-2.0
// copy on the GPU: a thread per sample.
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/copy/copy.hpp"

namespace voxkern::copy {
namespace {

template <class Word>
__global__ void copy_words(const Word* in, Word* out, cuda::Walk<0> walk) {
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const auto place = walk.at(p);
        out[place.out] = in[place.in];
    }
}

template <class C>
__global__ void convert(const void* in, DType from, void* out, DType to, cuda::Walk<0> walk) {
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const auto place = walk.at(p);
        cuda::store_sample<RoundSaturate>(out, to, place.out, cuda::load_sample<C>(in, from, place.in));
    }
}

template <class Word>
void launch_words(const ConstArrayView& in, const ArrayView& out, const cuda::Walk<0>& walk, cudaStream_t stream) {
    cuda::launch("copy_words", cuda::config_for(walk.size, stream), copy_words<Word>, static_cast<const Word*>(in.data),
                 static_cast<Word*>(out.data), walk);
}

}  // namespace
}  // namespace voxkern::copy

namespace voxkern::cuda {

void copy(const ConstArrayView& in, const ArrayView& out, const Exec& exec) {
    if (out.size() == 0) return;
    const Walk<0> walk = walk_over<0>(in, out, {-1});
    if (in.dtype == out.dtype) {
        switch (size_of(in.dtype)) {
            case 1: copy::launch_words<std::uint8_t>(in, out, walk, exec.stream); return;
            case 2: copy::launch_words<std::uint16_t>(in, out, walk, exec.stream); return;
            case 4: copy::launch_words<std::uint32_t>(in, out, walk, exec.stream); return;
            default: copy::launch_words<std::uint64_t>(in, out, walk, exec.stream); return;
        }
    }
    const bool f32 = exact_in_f32(in.dtype) && exact_in_f32(out.dtype);
    launch("convert", config_for(walk.size, exec.stream), f32 ? copy::convert<float> : copy::convert<double>, in.data,
           in.dtype, out.data, out.dtype, walk);
}

}  // namespace voxkern::cuda

// SPDX-License-Identifier: Apache-2.0
// rescale on the GPU: a thread per word.
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/positions.hpp"
#include "kernels/rescale/rescale_math.hpp"
#include "kernels/rescale/rescale_plan.hpp"

namespace voxkern::rescale {
namespace {

template <class T>
__device__ __forceinline__ T stored_word(T word, const Options& options) {
    if constexpr (!kFloating<T>) {
        if (options.swap_bytes) word = static_cast<T>(swapped_bytes(static_cast<std::make_unsigned_t<T>>(word)));
        word = stored_bits(word, options.unused_high, options.unused_low);
    }
    return word;
}

template <class T>
__global__ void rescale_words(const T* in, void* out, Plan plan, cuda::Positions<2> positions) {
    for (std::int64_t p = cuda::first_position(); p < positions.size; p += cuda::position_step()) {
        const auto offsets = positions.at(p);
        const T word = stored_word(in[offsets.of[0]], plan.options);
        const std::int64_t to = offsets.of[1];
        if (plan.copy) {
            static_cast<T*>(out)[to] = word;
        } else if (plan.f32) {
            const float value = static_cast<float>(word) * static_cast<float>(plan.options.slope);
            cuda::store_sample<RoundSaturate>(out, plan.out, to, value + static_cast<float>(plan.options.intercept));
        } else {
            const double value = as_double(word) * plan.options.slope + plan.options.intercept;
            cuda::store_sample<RoundSaturate>(out, plan.out, to, value);
        }
    }
}

}  // namespace
}  // namespace voxkern::rescale

namespace voxkern::cuda {

void rescale(const ConstArrayView& in, const ArrayView& out, const rescale::Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    const Positions<2> positions = positions_of(walk_of(in, out));
    const rescale::Plan plan = rescale::plan_of(in.dtype, out.dtype, options);
    visit(in.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        launch("rescale_words", config_for(positions.size, exec.stream), rescale::rescale_words<T>,
               static_cast<const T*>(in.data), out.data, plan, positions);
    });
}

}  // namespace voxkern::cuda

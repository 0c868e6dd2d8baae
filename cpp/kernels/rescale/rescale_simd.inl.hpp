// SPDX-License-Identifier: Apache-2.0
// Row loops of rescale, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/rescale/rescale_math.hpp"
#include "kernels/rescale/rescale_task.hpp"

namespace voxkern::rescale {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"
//
#include "core/simd/convert.inl.hpp"

constexpr std::int64_t kBlock = 1024;  // words on their way stay in L1

template <class T>
void words_of(const Options& options, const void* in, std::int64_t stride, void* words, std::int64_t n) {
    const T* VOXKERN_RESTRICT from = static_cast<const T*>(in);
    T* VOXKERN_RESTRICT to = static_cast<T*>(words);
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
    if constexpr (!kFloating<T>) {
        if (options.swap_bytes) {
            for (std::int64_t i = 0; i < n; ++i) {
                to[i] = static_cast<T>(swapped_bytes(static_cast<std::make_unsigned_t<T>>(to[i])));
            }
        }
        if (options.unused_high + options.unused_low > 0) {
            for (std::int64_t i = 0; i < n; ++i) to[i] = stored_bits(to[i], options.unused_high, options.unused_low);
        }
    }
}

// The stored words of a block, ready to be read as T; and their copy into the output.
using Words = void (*)(const Options&, const void* in, std::int64_t stride, void* words, std::int64_t n);
using Copy = void (*)(const void* words, void* out, std::int64_t stride, std::int64_t n);

template <class T>
void copy_words(const void* words, void* out, std::int64_t stride, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) static_cast<T*>(out)[i * stride] = static_cast<const T*>(words)[i];
}

struct PerDType {
    Words words;
    Copy copy;
};

PerDType per_dtype(DType dtype) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return {words_of<T>, copy_words<T>};
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    return {nullptr, nullptr};
}

template <class C>
void scale_block(const Task& task, const void* words, std::int64_t stride, void* out, std::int64_t n) {
    alignas(64) C row[kBlock];
    load_row_of<C>(task.plan.in)(words, stride, row, n);
    const C slope = static_cast<C>(task.plan.options.slope);
    const C intercept = static_cast<C>(task.plan.options.intercept);
    for (std::int64_t i = 0; i < n; ++i) row[i] = row[i] * slope + intercept;
    store_row_of<RoundSaturate, C>(task.plan.out)(row, out, task.out_stride, n);
}

void rescale_row(const Task& task, const void* in, void* out, std::int64_t n) {
    if (task.plan.as_stored && task.plan.copy && task.in_stride == 1 && task.out_stride == 1) {
        __builtin_memcpy(out, in, static_cast<std::size_t>(n * task.in_size));
        return;
    }
    const PerDType type = per_dtype(task.plan.in);
    alignas(64) char words[kBlock * 8];
    for (std::int64_t done = 0; done < n; done += kBlock) {
        const std::int64_t count = n - done < kBlock ? n - done : kBlock;
        const void* from = static_cast<const char*>(in) + done * task.in_stride * task.in_size;
        void* const to = static_cast<char*>(out) + done * task.out_stride * task.out_size;
        std::int64_t stride = task.in_stride;
        if (!task.plan.as_stored || task.plan.copy) {
            type.words(task.plan.options, from, stride, words, count);
            from = words;
            stride = 1;
        }
        if (task.plan.copy) {
            type.copy(from, to, task.out_stride, count);
        } else if (task.plan.f32) {
            scale_block<float>(task, from, stride, to, count);
        } else {
            scale_block<double>(task, from, stride, to, count);
        }
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {rescale_row};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::rescale

// SPDX-License-Identifier: Apache-2.0
// Row loops of normalise, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/normalise/normalise_math.hpp"
#include "kernels/normalise/normalise_task.hpp"

namespace voxkern::normalise {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"
//
#include "core/simd/convert.inl.hpp"
//
#include "core/simd/stride.inl.hpp"
//
#include "core/simd/mask.inl.hpp"

// Values in the type they are stored from: float for float32, so that there is one rounding, else double.
template <class T, class C>
void values_of(const Options& given, const void* in, std::int64_t stride, C* VOXKERN_RESTRICT values, std::int64_t n) {
    const Options o = given;
    const T* VOXKERN_RESTRICT x = static_cast<const T*>(in);
    by_stride(stride, [&](auto step) {
        for (std::int64_t i = 0; i < n; ++i) values[i] = static_cast<C>(value_of(as_double(x[i * step]), o));
    });
}

// Limits alone, in the dtype itself.
template <class T>
void limit_row(const Options& o, const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
               std::int64_t n) {
    const T* x = static_cast<const T*>(in);
    T* y = static_cast<T*>(out);
    const Limits<T> limits(o);
    by_stride(out_stride, [&](auto to) {
        by_stride(in_stride, [&](auto from) {
            for (std::int64_t i = 0; i < n; ++i) y[i * to] = limits(x[i * from]);
        });
    });
}

template <class T>
void put_outside(const std::uint8_t* VOXKERN_RESTRICT inside, double outside, void* out, std::int64_t stride,
                 std::int64_t n) {
    T* VOXKERN_RESTRICT y = static_cast<T*>(out);
    const T value = RoundSaturate::cast<T>(outside);
    by_stride(stride, [&](auto step) {
        for (std::int64_t i = 0; i < n; ++i) y[i * step] = inside[i] != 0 ? y[i * step] : value;
    });
}

struct PerDType {
    void (*floats)(const Options&, const void*, std::int64_t, float*, std::int64_t);
    void (*doubles)(const Options&, const void*, std::int64_t, double*, std::int64_t);
    void (*limit)(const Options&, const void*, std::int64_t, void*, std::int64_t, std::int64_t);
    void (*put_outside)(const std::uint8_t*, double, void*, std::int64_t, std::int64_t);
};

PerDType per_dtype(DType dtype) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return {values_of<T, float>, values_of<T, double>, limit_row<T>, put_outside<T>};
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    return {};
}

void normalise_row(const Task& task, const void* in, const void* mask, void* out, std::int64_t n) {
    const PerDType source = per_dtype(task.in);
    if (task.limits_alone) {
        source.limit(task.options, in, task.in_stride, out, task.out_stride, n);
    } else if (task.out == DType::f32 && task.out_stride == 1) {
        source.floats(task.options, in, task.in_stride, static_cast<float*>(out), n);
    } else if (task.out == DType::f32) {
        alignas(64) float values[kBlock];
        source.floats(task.options, in, task.in_stride, values, n);
        store_row<RoundSaturate, float, float>(values, out, task.out_stride, n);
    } else {
        alignas(64) double values[kBlock];
        source.doubles(task.options, in, task.in_stride, values, n);
        store_row_of<RoundSaturate, double>(task.out)(values, out, task.out_stride, n);
    }
    if (!task.masked) return;
    alignas(64) std::uint8_t bytes[kBlock];
    const bool in_place = task.mask_bytes == 1 && task.mask_stride == 1;
    if (!in_place) inside_row_of(task.mask)(mask, task.mask_stride, bytes, n);
    const auto* const inside = in_place ? static_cast<const std::uint8_t*>(mask) : bytes;
    per_dtype(task.out).put_outside(inside, task.options.outside, out, task.out_stride, n);
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {normalise_row};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::normalise

// SPDX-License-Identifier: Apache-2.0
// Row loops of copy, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/copy/copy_math.hpp"
#include "kernels/copy/copy_task.hpp"

namespace voxkern::copy {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/simd.inl.hpp"

constexpr std::int64_t kBlock = 1024;  // values on their way stay in L1

template <class T>
void same_dtype(const Row& row, const void* in, void* out, std::int64_t n) {
    const T* VOXKERN_RESTRICT from = static_cast<const T*>(in);
    T* VOXKERN_RESTRICT to = static_cast<T*>(out);
    if (row.in_stride == 1 && row.out_stride == 1) {
        __builtin_memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
    } else {
        for (std::int64_t i = 0; i < n; ++i) to[i * row.out_stride] = from[i * row.in_stride];
    }
}

template <class C>
void through(const Row& row, const void* in, void* out, std::int64_t n) {
    alignas(64) C values[kBlock];
    const LoadRow<C> load_line = load_row_of<C>(row.in);
    const StoreRow<C> store_line = store_row_of<RoundSaturate, C>(row.out);
    for (std::int64_t i = 0; i < n; i += kBlock) {
        const std::int64_t count = n - i < kBlock ? n - i : kBlock;
        load_line(static_cast<const char*>(in) + i * row.in_stride * row.in_size, row.in_stride, values, count);
        store_line(values, static_cast<char*>(out) + i * row.out_stride * row.out_size, row.out_stride, count);
    }
}

void copy_row(const Row& row, const void* in, void* out, std::int64_t n) {
    if (row.in == row.out) {
        switch (row.in) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return same_dtype<T>(row, in, out, n);
            VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
        }
    }
    if (exact_in_f32(row.in) && exact_in_f32(row.out)) {
        through<float>(row, in, out, n);
    } else {
        through<double>(row, in, out, n);
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {copy_row};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::copy

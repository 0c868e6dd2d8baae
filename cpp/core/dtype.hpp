// SPDX-License-Identifier: Apache-2.0
// Element types the kernels accept, and the visitor that turns a run-time dtype into a type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/half.hpp"

namespace voxkern {

enum class DType : std::int8_t { u8, i8, u16, i16, u32, i32, u64, i64, f16, f32, f64 };

template <class T>
struct Type {
    using type = T;
};

// visit(dtype, f) calls f(Type<T>{}) for the T that dtype names.
template <class F>
decltype(auto) visit(DType dtype, F&& f) {
    switch (dtype) {
        case DType::u8: return f(Type<std::uint8_t>{});
        case DType::i8: return f(Type<std::int8_t>{});
        case DType::u16: return f(Type<std::uint16_t>{});
        case DType::i16: return f(Type<std::int16_t>{});
        case DType::u32: return f(Type<std::uint32_t>{});
        case DType::i32: return f(Type<std::int32_t>{});
        case DType::u64: return f(Type<std::uint64_t>{});
        case DType::i64: return f(Type<std::int64_t>{});
        case DType::f16: return f(Type<Half>{});
        case DType::f32: return f(Type<float>{});
        case DType::f64: return f(Type<double>{});
    }
    throw Error("unknown dtype");
}

template <class T>
struct DTypeOf;
#define VOXKERN_DTYPE_OF(T, D)                   \
    template <>                                  \
    struct DTypeOf<T> {                          \
        static constexpr DType value = DType::D; \
    }
VOXKERN_DTYPE_OF(std::uint8_t, u8);
VOXKERN_DTYPE_OF(std::int8_t, i8);
VOXKERN_DTYPE_OF(std::uint16_t, u16);
VOXKERN_DTYPE_OF(std::int16_t, i16);
VOXKERN_DTYPE_OF(std::uint32_t, u32);
VOXKERN_DTYPE_OF(std::int32_t, i32);
VOXKERN_DTYPE_OF(std::uint64_t, u64);
VOXKERN_DTYPE_OF(std::int64_t, i64);
VOXKERN_DTYPE_OF(Half, f16);
VOXKERN_DTYPE_OF(float, f32);
VOXKERN_DTYPE_OF(double, f64);
#undef VOXKERN_DTYPE_OF

inline std::int64_t size_of(DType dtype) {
    return visit(dtype, [](auto t) { return static_cast<std::int64_t>(sizeof(typename decltype(t)::type)); });
}

// Every value of the type is exact in float32: such data may be computed in float32.
constexpr bool exact_in_f32(DType dtype) {
    return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::u8 || dtype == DType::i8 ||
           dtype == DType::u16 || dtype == DType::i16;
}

}  // namespace voxkern

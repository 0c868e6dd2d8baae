// SPDX-License-Identifier: Apache-2.0
// Element types the kernels accept, and the visitor that turns a run-time dtype into a type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/half.hpp"

namespace voxkern {

// Every element type, X(name, C++ type): the one list that switches over dtypes are made from.
#define VOXKERN_DTYPES(X) VOXKERN_INTEGER_DTYPES(X) VOXKERN_FLOAT_DTYPES(X)
#define VOXKERN_INTEGER_DTYPES(X) \
    X(u8, std::uint8_t)           \
    X(i8, std::int8_t)            \
    X(u16, std::uint16_t)         \
    X(i16, std::int16_t)          \
    X(u32, std::uint32_t)         \
    X(i32, std::int32_t)          \
    X(u64, std::uint64_t)         \
    X(i64, std::int64_t)
#define VOXKERN_FLOAT_DTYPES(X) \
    X(f16, Half)                \
    X(f32, float)               \
    X(f64, double)

#define VOXKERN_NAME(name, T) name,
enum class DType : std::int8_t { VOXKERN_DTYPES(VOXKERN_NAME) };
#undef VOXKERN_NAME

template <class T>
struct Type {
    using type = T;
};

// visit(dtype, f) calls f(Type<T>{}) for the T that dtype names.
template <class F>
decltype(auto) visit(DType dtype, F&& f) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return f(Type<T>{});
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    throw Error("unknown dtype");
}

template <class T>
struct DTypeOf;
#define VOXKERN_DTYPE_OF(name, T)                   \
    template <>                                     \
    struct DTypeOf<T> {                             \
        static constexpr DType value = DType::name; \
    };
VOXKERN_DTYPES(VOXKERN_DTYPE_OF)
#undef VOXKERN_DTYPE_OF

inline std::int64_t size_of(DType dtype) {
    return visit(dtype, [](auto t) { return static_cast<std::int64_t>(sizeof(typename decltype(t)::type)); });
}

constexpr bool is_float(DType dtype) {
    return dtype == DType::f16 || dtype == DType::f32 || dtype == DType::f64;
}

// Every value of the type is exact in float32: such data may be computed in float32.
constexpr bool exact_in_f32(DType dtype) {
    return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::u8 || dtype == DType::i8 ||
           dtype == DType::u16 || dtype == DType::i16;
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// Strided views. A view owns nothing; indices, shapes and strides are 64-bit; strides count
// elements and may be negative (reversed) or zero (broadcast, inputs only).
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/config.hpp"
#include "core/dtype.hpp"

namespace voxkern {

// Typed, fixed rank: what C++ callers and per-voxel maths use, on host and device.
template <class T, int N>
struct View {
    T* data = nullptr;
    std::int64_t shape[N] = {};
    std::int64_t strides[N] = {};

    template <class... I>
    VOXKERN_HD T& operator()(I... index) const {
        static_assert(sizeof...(I) == N, "one index per axis");
        const std::int64_t at[] = {static_cast<std::int64_t>(index)...};
        std::int64_t offset = 0;
        for (int a = 0; a < N; ++a) offset += at[a] * strides[a];
        return data[offset];
    }

    VOXKERN_HD std::int64_t size() const {
        std::int64_t n = 1;
        for (int a = 0; a < N; ++a) n *= shape[a];
        return n;
    }
};

// C-contiguous view of memory that the caller owns.
template <class T, int N>
View<T, N> contiguous_view(T* data, const std::int64_t (&shape)[N]) {
    View<T, N> view;
    view.data = data;
    std::int64_t stride = 1;
    for (int a = N - 1; a >= 0; --a) {
        view.shape[a] = shape[a];
        view.strides[a] = stride;
        stride *= shape[a];
    }
    return view;
}

inline constexpr int kMaxRank = 32;

// Any rank, any dtype: what arrives from Python. Void is void (writable) or const void.
template <class Void>
struct BasicArrayView {
    Void* data = nullptr;
    DType dtype = DType::f32;
    int rank = 0;
    std::int64_t shape[kMaxRank] = {};
    std::int64_t strides[kMaxRank] = {};

    std::int64_t size() const {
        std::int64_t n = 1;
        for (int a = 0; a < rank; ++a) n *= shape[a];
        return n;
    }

    // Address of the element `offset` elements away from the first.
    Void* at(std::int64_t offset) const {
        using Byte = std::conditional_t<std::is_const_v<Void>, const char, char>;
        return static_cast<Byte*>(data) + offset * size_of(dtype);
    }
};

using ArrayView = BasicArrayView<void>;
using ConstArrayView = BasicArrayView<const void>;

inline ConstArrayView as_const(const ArrayView& view) {
    ConstArrayView same;
    same.data = view.data;
    same.dtype = view.dtype;
    same.rank = view.rank;
    for (int a = 0; a < view.rank; ++a) {
        same.shape[a] = view.shape[a];
        same.strides[a] = view.strides[a];
    }
    return same;
}

// C-contiguous view of memory that the caller owns, of the shape of `like`.
template <class Void>
ArrayView contiguous_at(void* data, DType dtype, const BasicArrayView<Void>& like) {
    ArrayView view;
    view.data = data;
    view.dtype = dtype;
    view.rank = like.rank;
    std::int64_t stride = 1;
    for (int a = like.rank - 1; a >= 0; --a) {
        view.shape[a] = like.shape[a];
        view.strides[a] = stride;
        stride *= like.shape[a];
    }
    return view;
}

template <class T, int N>
auto erase_type(const View<T, N>& view) {
    std::conditional_t<std::is_const_v<T>, ConstArrayView, ArrayView> any;
    any.data = view.data;
    any.dtype = DTypeOf<std::remove_const_t<T>>::value;
    any.rank = N;
    for (int a = 0; a < N; ++a) {
        any.shape[a] = view.shape[a];
        any.strides[a] = view.strides[a];
    }
    return any;
}

}  // namespace voxkern

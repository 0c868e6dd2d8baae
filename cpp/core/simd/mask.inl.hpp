// SPDX-License-Identifier: Apache-2.0
// Rows of masks of any dtype as bytes: 1 where an element is not zero, else 0. Included inside a level's namespace,
// after stride.inl.hpp.

using InsideRow = void (*)(const void* mask, std::int64_t stride, std::uint8_t* inside, std::int64_t n);

template <class T>
void inside_row(const void* mask, std::int64_t stride, std::uint8_t* VOXKERN_RESTRICT inside, std::int64_t n) {
    const Word<T>* VOXKERN_RESTRICT from = static_cast<const Word<T>*>(mask);
    by_stride(stride, [&](auto step) {
        for (std::int64_t i = 0; i < n; ++i) inside[i] = is_set<T>(from[i * step]);
    });
}

inline InsideRow inside_row_of(DType dtype) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return inside_row<T>;
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    return nullptr;
}

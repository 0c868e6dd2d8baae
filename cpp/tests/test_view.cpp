// SPDX-License-Identifier: Apache-2.0
#include "core/view.hpp"

#include "expect.hpp"

using namespace voxkern;

TEST(view, contiguous_strides_and_access) {
    float data[24];
    for (int i = 0; i < 24; ++i) data[i] = static_cast<float>(i);
    const View<float, 3> v = contiguous_view<float, 3>(data, {2, 3, 4});
    EXPECT(v.strides[0] == 12 && v.strides[1] == 4 && v.strides[2] == 1);
    EXPECT(v.size() == 24);
    EXPECT(v(1, 2, 3) == 23.0F);
    v(0, 1, 0) = -1.0F;
    EXPECT(data[4] == -1.0F);
}

TEST(view, negative_and_zero_strides) {
    int data[4] = {1, 2, 3, 4};
    View<int, 2> v;
    v.data = data + 3;
    v.shape[0] = 5;
    v.shape[1] = 4;
    v.strides[0] = 0;
    v.strides[1] = -1;
    EXPECT(v(4, 0) == 4 && v(2, 3) == 1);
}

TEST(view, offsets_beyond_32_bits) {
    View<char, 3> v;
    char base = 'x';
    v.data = &base;
    v.shape[0] = v.shape[1] = v.shape[2] = 4096;
    EXPECT(v.size() == (std::int64_t{1} << 36));
    ConstArrayView any;
    any.data = &base;
    any.dtype = DType::f64;
    EXPECT(static_cast<const char*>(any.at(std::int64_t{1} << 33)) - &base == (std::int64_t{1} << 36));
}

TEST(view, erased_views_keep_everything) {
    const double data[6] = {};
    const View<const double, 2> v = contiguous_view<const double, 2>(data, {2, 3});
    const ConstArrayView any = erase_type(v);
    EXPECT(any.data == data && any.dtype == DType::f64 && any.rank == 2);
    EXPECT(any.shape[1] == 3 && any.strides[0] == 3 && any.size() == 6);
    double other[6] = {};
    const ArrayView writable = erase_type(contiguous_view<double, 2>(other, {3, 2}));
    const ConstArrayView same = as_const(writable);
    EXPECT(same.data == other && same.strides[0] == 2);
}

// SPDX-License-Identifier: Apache-2.0
#include "core/dtype.hpp"

#include "expect.hpp"

using namespace voxkern;

TEST(dtype, sizes_and_visits_agree) {
    const DType all[] = {DType::u8,  DType::i8,  DType::u16, DType::i16, DType::u32,
                         DType::i32, DType::u64, DType::i64, DType::f32, DType::f64};
    const std::int64_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
    for (int i = 0; i < 10; ++i) {
        EXPECT(size_of(all[i]) == sizes[i]);
        const DType back = visit(all[i], [](auto t) { return DTypeOf<typename decltype(t)::type>::value; });
        EXPECT(back == all[i]);
    }
}

TEST(dtype, what_float32_holds) {
    EXPECT(exact_in_f32(DType::i16) && exact_in_f32(DType::u16) && exact_in_f32(DType::u8));
    EXPECT(!exact_in_f32(DType::i32) && !exact_in_f32(DType::f64) && !exact_in_f32(DType::u64));
}

TEST(dtype, unknown_is_an_error) {
    EXPECT_THROWS(Error, size_of(static_cast<DType>(77)));
}

// SPDX-License-Identifier: Apache-2.0
#include "core/dtype.hpp"

#include "core/float_mode.hpp"
#include "expect.hpp"

using namespace voxkern;

TEST(dtype, sizes_and_visits_agree) {
    const DType all[] = {DType::u8,  DType::i8,  DType::u16, DType::i16, DType::u32, DType::i32,
                         DType::u64, DType::i64, DType::f16, DType::f32, DType::f64};
    const std::int64_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
    for (int i = 0; i < 11; ++i) {
        EXPECT(size_of(all[i]) == sizes[i]);
        const DType back = visit(all[i], [](auto t) { return DTypeOf<typename decltype(t)::type>::value; });
        EXPECT(back == all[i]);
    }
}

TEST(dtype, what_float32_holds) {
    EXPECT(exact_in_f32(DType::i16) && exact_in_f32(DType::u16) && exact_in_f32(DType::u8));
    EXPECT(!exact_in_f32(DType::i32) && !exact_in_f32(DType::f64) && !exact_in_f32(DType::u64));
}

TEST(dtype, halves_survive_the_way_to_float_and_back) {
    for (const bool flushing : {false, true}) {  // a half below 2^-14 is no small number of float32
        const FloatMode mode(flushing);
        for (std::uint32_t bits = 0; bits < 65536; ++bits) {
            Half half;
            half.bits = static_cast<std::uint16_t>(bits);
            const float value = half;
            const Half back(value);
            EXPECT(value != value ? (back.bits & 0x7C00U) == 0x7C00U && (back.bits & 0x3FFU) != 0 : back.bits == bits);
        }
    }
}

TEST(dtype, halves_round_to_even_and_overflow_to_infinity) {
    EXPECT(Half(1.0F + 0x1p-11F).bits == 0x3C00 && Half(1.0F + 3 * 0x1p-11F).bits == 0x3C02);
    EXPECT(Half(0x1p-25F).bits == 0 && Half(3 * 0x1p-25F).bits == 2 && Half(-0x1p-24F).bits == 0x8001);
    EXPECT(Half(65519.0F).bits == 0x7BFF && Half(65520.0F).bits == 0x7C00 && Half(1e300).bits == 0x7C00);
}

TEST(dtype, unknown_is_an_error) {
    EXPECT_THROWS(Error, size_of(static_cast<DType>(77)));
}

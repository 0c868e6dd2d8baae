// SPDX-License-Identifier: Apache-2.0
// What integers become of NaN and of values they cannot hold. The undefined-behaviour sanitizer watches.
#include "core/cast.hpp"

#include <limits>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/correlate1d/correlate1d.hpp"

using namespace voxkern;

namespace {

constexpr std::int64_t kLength = 67;  // whole vectors and a tail at every level

template <class T, class C, class Run>
std::vector<T> everywhere(C value, const Run& run) {
    const std::vector<C> x(static_cast<std::size_t>(kLength), value);
    std::vector<T> y(x.size());
    run(erase_type(contiguous_view<const C, 1>(x.data(), {kLength})),
        erase_type(contiguous_view<T, 1>(y.data(), {kLength})));
    return y;
}

template <class T>
std::vector<T> rounded(double value) {
    return everywhere<T>(value, [](const ConstArrayView& in, const ArrayView& out) { cpu::copy(in, out, {}); });
}

template <class T>
std::vector<T> filtered(double value) {
    return everywhere<T>(value, [](const ConstArrayView& in, const ArrayView& out) {
        cpu::correlate1d(in, out, {{0, {1.0}, Boundary::nearest, 0.0}}, {});
    });
}

template <class T>
void expect_all(const std::vector<T>& got, T want) {
    for (const T value : got) EXPECT(value == want);
}

// What scipy on x86 makes of NaN, by interpolation and by filters.
template <class T>
void expect_nan(T by_interpolation, T by_filters) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT((RoundSaturate::cast<T, float>(static_cast<float>(nan)) == by_interpolation));
    EXPECT((TruncateWrap::cast<T, float>(static_cast<float>(nan)) == by_filters));
    expect_all(rounded<T>(nan), by_interpolation);
    expect_all(filtered<T>(nan), by_filters);
}

template <class T>
void expect_saturation() {
    constexpr double beyond[] = {1e30, std::numeric_limits<double>::infinity(), 1.9e19};
    constexpr bool wide = sizeof(T) == 8;  // the largest double below the limit
    constexpr T highest = wide ? static_cast<T>(upper_limit<T, double>()) : std::numeric_limits<T>::max();
    for (const double x : beyond) {
        expect_all(rounded<T>(x), highest);
        expect_all(rounded<T>(-x), std::numeric_limits<T>::lowest());
        if (!wide) EXPECT((RoundSaturate::cast<T, float>(static_cast<float>(x)) >= static_cast<T>(highest / 2)));
    }
}

}  // namespace

TEST(cast, nan_has_one_value_at_every_level) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        expect_nan<std::uint8_t>(0, 0);
        expect_nan<std::int8_t>(0, 0);
        expect_nan<std::uint16_t>(0, 0);
        expect_nan<std::int16_t>(0, 0);
        expect_nan<std::uint32_t>(0, 0);
        expect_nan<std::int32_t>(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::min());
        expect_nan<std::uint64_t>(0, std::uint64_t{1} << 63);
        expect_nan<std::int64_t>(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::min());
    }
}

TEST(cast, interpolation_saturates_and_filters_wrap) {
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        expect_saturation<std::uint8_t>();
        expect_saturation<std::int8_t>();
        expect_saturation<std::uint16_t>();
        expect_saturation<std::int16_t>();
        expect_saturation<std::uint32_t>();
        expect_saturation<std::int32_t>();
        expect_saturation<std::uint64_t>();
        expect_saturation<std::int64_t>();
        expect_all(filtered<std::uint8_t>(-300.7), std::uint8_t{212});
        expect_all(filtered<std::int16_t>(70000.0), std::int16_t{4464});
        expect_all(filtered<std::uint32_t>(4294967303.0), std::uint32_t{7});
        expect_all(filtered<std::uint64_t>(-1.0), ~std::uint64_t{0});
        expect_all(filtered<std::uint64_t>(9223372036854779904.0), std::uint64_t{9223372036854779904U});
        for (const double x : {2147483653.0, -2147483654.0, 1e30, -1e30, std::numeric_limits<double>::infinity()}) {
            expect_all(filtered<std::uint8_t>(x), std::uint8_t{0});
            expect_all(filtered<std::int16_t>(x), std::int16_t{0});
            expect_all(filtered<std::int32_t>(x), std::numeric_limits<std::int32_t>::min());
        }
        for (const double x : {1e30, -1e30}) {
            expect_all(filtered<std::uint32_t>(x), std::uint32_t{0});
            expect_all(filtered<std::int64_t>(x), std::numeric_limits<std::int64_t>::min());
            expect_all(filtered<std::uint64_t>(x), x < 0.0 ? std::uint64_t{1} << 63 : std::uint64_t{0});
        }
    }
}

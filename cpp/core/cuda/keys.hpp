// SPDX-License-Identifier: Apache-2.0
// Samples as unsigned integers in their order: a kernel that only compares serves all dtypes of a size, and each
// comparison is one instruction. -0.0 lies before 0.0.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "core/cast.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/walk.hpp"
#include "core/view.hpp"

namespace voxkern::cuda {

// What turns the bits of a sample into its key and back. Without a sign nothing is changed.
template <class K>
struct KeyRule {
    K sign = 0;      // bit of the sign
    K negative = 0;  // bits that change where it is set
    K flip = 0;      // bits that change after that: all of them where the order is to be reversed
    bool floating = false;
    K infinity = 0;  // bits of it; a NaN has more
    K nan = 0;       // the key of every NaN
    K quiet = 0;     // the bits of the NaN that it becomes

    VOXKERN_HD K key(K bits) const {
        if (floating && (bits & ~sign) > infinity) return nan;
        return bits ^ ((bits & sign) != 0 ? negative : sign) ^ flip;
    }
    __device__ K bits(K key) const {
        if (floating && key == nan) return quiet;
        key ^= flip;
        return key ^ ((key & sign) != 0 ? sign : negative);
    }
};

enum class Order { ascending, descending };
enum class NanKey { lowest, highest };

template <class K>
KeyRule<K> key_rule(DType dtype, Order order, NanKey nan) {
    const auto bits = static_cast<unsigned>(8 * size_of(dtype));
    const K all = static_cast<K>(~K{0}) >> (8 * sizeof(K) - bits);
    KeyRule<K> rule;
    rule.floating = is_float(dtype);
    const bool is_signed = dtype == DType::i8 || dtype == DType::i16 || dtype == DType::i32 || dtype == DType::i64;
    if (rule.floating || is_signed) rule.sign = K{1} << (bits - 1);
    rule.negative = rule.floating ? all : rule.sign;
    rule.flip = order == Order::descending ? all : K{0};
    if (!rule.floating) return rule;
    const unsigned fraction = bits == 16 ? 10 : (bits == 32 ? 23 : 52);
    rule.infinity = static_cast<K>(all >> 1) >> fraction << fraction;
    rule.quiet = rule.infinity | K{1} << (fraction - 1);
    rule.nan = nan == NanKey::lowest ? K{0} : all;
    return rule;
}

// Samples of 64 bits have keys of as many, all others of 32.
template <class K>
struct Keys {
    using Value = K;
    int bytes = 4;  // of a sample
    KeyRule<K> rule;

    template <class Run>
    __device__ void with_input(const Run& run) const {
        if constexpr (sizeof(K) == 8) {
            run(Type<std::uint64_t>{});
        } else {
            if (bytes == 1) return run(Type<std::uint8_t>{});
            if (bytes == 2) return run(Type<std::uint16_t>{});
            run(Type<std::uint32_t>{});
        }
    }
    template <class Run>
    __device__ void with_output(const Run& run) const {
        with_input(run);
    }
    template <class T>
    __device__ K load(T bits) const {
        return rule.key(bits);
    }
    template <class T>
    __device__ T save(K key) const {
        return static_cast<T>(rule.bits(key));
    }
};

// Calls run(keys) for a dtype.
template <class Run>
void with_keys(DType dtype, Order order, NanKey nan, const Run& run) {
    const auto bytes = static_cast<int>(size_of(dtype));
    if (bytes == 8) {
        run(Keys<std::uint64_t>{bytes, key_rule<std::uint64_t>(dtype, order, nan)});
    } else {
        run(Keys<std::uint32_t>{bytes, key_rule<std::uint32_t>(dtype, order, nan)});
    }
}

// Calls run(in, out) with float64 in place of both arrays, as scipy computes where it converts; `convert(from, to)`
// does so.
template <class Convert, class Run>
void through_f64(const ConstArrayView& in, const ArrayView& out, const Exec& exec, const Convert& convert,
                 const Run& run) {
    const auto elements = static_cast<std::size_t>(in.size());
    const Scratch<double> wide_in(in.dtype == DType::f64 ? 0 : elements, exec);
    const Scratch<double> wide_out(out.dtype == DType::f64 ? 0 : elements, exec);
    const ArrayView source = packed_like(wide_in.data(), DType::f64, out);
    const ArrayView target = out.dtype == DType::f64 ? out : packed_like(wide_out.data(), DType::f64, out);
    if (wide_in.size() > 0) convert(in, source);
    run(wide_in.size() > 0 ? as_const(source) : in, target);
    if (wide_out.size() > 0) convert(as_const(target), out);
}

// The key of a number, on the host: what the dtype makes of it.
template <class K>
K key_of(const Keys<K>& keys, DType dtype, double value) {
    return visit(dtype, [&](auto type) {
        const auto sample = TruncateWrap::cast<typename decltype(type)::type>(value);
        K bits = 0;
        if constexpr (sizeof(sample) <= sizeof(K)) std::memcpy(&bits, &sample, sizeof(sample));
        return keys.rule.key(bits);
    });
}

}  // namespace voxkern::cuda

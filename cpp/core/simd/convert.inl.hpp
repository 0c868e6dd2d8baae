// SPDX-License-Identifier: Apache-2.0
// Rows of any dtype into the compute type C (float or double) and back: where integer data is
// widened in registers instead of being copied as a float volume. Included inside a level's namespace.

template <class C>
using LoadRow = void (*)(const void* src, std::int64_t stride, C* dst, std::int64_t n);
template <class C>
using StoreRow = void (*)(const C* src, void* dst, std::int64_t stride, std::int64_t n);

template <class A, class B>
constexpr bool kSame = false;
template <class A>
constexpr bool kSame<A, A> = true;

template <class T>
constexpr bool kFloating = kSame<T, float> || kSame<T, double> || kSame<T, Half>;
template <class T>
constexpr bool kSigned = static_cast<T>(-1) < static_cast<T>(0);

// One vector of float or double from contiguous halves.
inline Vec<float> widen(const Half* p, float) {
#if defined(__AVX512F__)
    return _mm512_maskz_cvtph_ps(0xFFFF, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__F16C__)
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
    Vec<float> v;
    for (std::int64_t i = 0; i < kVec<float>; ++i) v[i] = p[i];
    return v;
#endif
}
inline Vec<double> widen(const Half* p, double) {
    Vec<double> v;
    for (std::int64_t i = 0; i < kVec<double>; ++i) v[i] = static_cast<double>(static_cast<float>(p[i]));
    return v;
}

// One vector of C from contiguous elements of T, widened in registers.
template <class C, class T>
inline Vec<C> load_as(const T* p) {
    if constexpr (kSame<T, C>) {
        return load(p);
    } else if constexpr (kSame<T, Half>) {
        return widen(p, C{0});
    } else {
        constexpr std::size_t lanes = VOXKERN_VEC_BYTES / sizeof(C);
        typedef T Narrow __attribute__((vector_size(lanes * sizeof(T))));
        Narrow x;
        __builtin_memcpy(&x, p, sizeof(x));
        if constexpr (!kFloating<T> && sizeof(T) < 4) {  // by way of int32: what the instructions do
            typedef std::int32_t Wide __attribute__((vector_size(lanes * sizeof(std::int32_t))));
            return __builtin_convertvector(__builtin_convertvector(x, Wide), Vec<C>);
        } else {
            return __builtin_convertvector(x, Vec<C>);
        }
    }
}

template <class T, class C>
void load_row(const void* src, std::int64_t stride, C* VOXKERN_RESTRICT dst, std::int64_t n) {
    const T* VOXKERN_RESTRICT from = static_cast<const T*>(src);
    if (stride == 1) {
        if constexpr (kSame<T, C>) {
            __builtin_memcpy(dst, from, static_cast<std::size_t>(n) * sizeof(C));
        } else if constexpr (kSame<T, Half>) {
            std::int64_t i = 0;
            for (; i + kVec<C> <= n; i += kVec<C>) store(dst + i, widen(from + i, C{0}));
            for (; i < n; ++i) dst[i] = static_cast<C>(static_cast<float>(from[i]));
        } else {
            for (std::int64_t i = 0; i < n; ++i) dst[i] = static_cast<C>(from[i]);
        }
    } else {
        for (std::int64_t i = 0; i < n; ++i) dst[i] = static_cast<C>(from[i * stride]);
    }
}

// Largest and smallest value of an integer type that C can hold without leaving the type.
template <class T, class C>
constexpr C upper_limit() {
    constexpr int bits = 8 * static_cast<int>(sizeof(T)) - (kSigned<T> ? 1 : 0);
    constexpr int digits = kSame<C, float> ? 24 : 53;
    constexpr std::uint64_t all = ~std::uint64_t{0} >> (64 - bits);
    if constexpr (bits > digits) {
        return static_cast<C>(all >> (bits - digits) << (bits - digits));
    } else {
        return static_cast<C>(all);
    }
}
template <class T, class C>
constexpr C lower_limit() {
    return kSigned<T> ? -static_cast<C>(std::uint64_t{1} << (8 * sizeof(T) - 1)) : C{0};
}

// Interpolation: half away from zero, then saturate.
struct RoundSaturate {
    template <class T, class C>
    static T cast(C x) {
        if constexpr (kFloating<T>) {
            return static_cast<T>(x);
        } else {
            C t = x + (x < C{0} ? C(-0.5) : C(0.5));
            t = t > upper_limit<T, C>() ? upper_limit<T, C>() : t;
            t = t < lower_limit<T, C>() ? lower_limit<T, C>() : t;
            if constexpr (sizeof(T) <= 2) {
                return static_cast<T>(static_cast<std::int32_t>(t));
            } else {
                return static_cast<T>(t);
            }
        }
    }
};

// Filters: C's cast, which truncates and wraps as scipy's filters do.
struct TruncateWrap {
    template <class T, class C>
    static T cast(C x) {
        if constexpr (kFloating<T>) {
            return static_cast<T>(x);
        } else if constexpr (sizeof(T) <= 2) {
            return static_cast<T>(static_cast<std::int32_t>(x));
        } else if constexpr (kSame<T, std::uint64_t>) {
            return x < C(9223372036854775808.0)
                       ? static_cast<T>(static_cast<std::int64_t>(x))
                       : static_cast<T>(static_cast<std::int64_t>(x - C(9223372036854775808.0))) + (T{1} << 63);
        } else {
            return static_cast<T>(static_cast<std::int64_t>(x));
        }
    }
};

template <class Rule, class T, class C>
void store_row(const C* VOXKERN_RESTRICT src, void* dst, std::int64_t stride, std::int64_t n) {
    T* VOXKERN_RESTRICT to = static_cast<T*>(dst);
    if (stride == 1) {
        if constexpr (kSame<T, C>) {
            __builtin_memcpy(to, src, static_cast<std::size_t>(n) * sizeof(C));
        } else {
            for (std::int64_t i = 0; i < n; ++i) to[i] = Rule::template cast<T>(src[i]);
        }
    } else {
        for (std::int64_t i = 0; i < n; ++i) to[i * stride] = Rule::template cast<T>(src[i]);
    }
}

template <class C>
LoadRow<C> load_row_of(DType dtype) {
    switch (dtype) {
        case DType::u8: return load_row<std::uint8_t, C>;
        case DType::i8: return load_row<std::int8_t, C>;
        case DType::u16: return load_row<std::uint16_t, C>;
        case DType::i16: return load_row<std::int16_t, C>;
        case DType::u32: return load_row<std::uint32_t, C>;
        case DType::i32: return load_row<std::int32_t, C>;
        case DType::u64: return load_row<std::uint64_t, C>;
        case DType::i64: return load_row<std::int64_t, C>;
        case DType::f16: return load_row<Half, C>;
        case DType::f32: return load_row<float, C>;
        case DType::f64: return load_row<double, C>;
    }
    return nullptr;
}

template <class Rule, class C>
StoreRow<C> store_row_of(DType dtype) {
    switch (dtype) {
        case DType::u8: return store_row<Rule, std::uint8_t, C>;
        case DType::i8: return store_row<Rule, std::int8_t, C>;
        case DType::u16: return store_row<Rule, std::uint16_t, C>;
        case DType::i16: return store_row<Rule, std::int16_t, C>;
        case DType::u32: return store_row<Rule, std::uint32_t, C>;
        case DType::i32: return store_row<Rule, std::int32_t, C>;
        case DType::u64: return store_row<Rule, std::uint64_t, C>;
        case DType::i64: return store_row<Rule, std::int64_t, C>;
        case DType::f16: return store_row<Rule, Half, C>;
        case DType::f32: return store_row<Rule, float, C>;
        case DType::f64: return store_row<Rule, double, C>;
    }
    return nullptr;
}

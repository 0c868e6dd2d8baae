// SPDX-License-Identifier: Apache-2.0
// Samples to keys and back. The order of the keys is that of the samples: -0.0 lies before 0.0, and a NaN behind all
// numbers. Included inside a level's namespace.

template <class K, class T>
VOXKERN_INLINE K key_of(T x) {
    constexpr int top = 8 * static_cast<int>(sizeof(K)) - 1;
    if constexpr (kSame<T, Half>) {
        return key_of<K>(static_cast<float>(x));
    } else if constexpr (kFloating<T>) {
        K bits;
        __builtin_memcpy(&bits, &x, sizeof(bits));
        const K all = static_cast<K>(~(K{1} << top));  // bits but the sign
        const K ordered = bits ^ ((bits >> top) & all);
        return x == x ? ordered : all;
    } else if constexpr (kSigned<T> != kSigned<K>) {
        return static_cast<K>(static_cast<K>(x) ^ static_cast<K>(std::uint64_t{1} << top));
    } else {
        return static_cast<K>(x);
    }
}

template <class T, class K>
VOXKERN_INLINE T sample_of(K key) {
    constexpr int top = 8 * static_cast<int>(sizeof(K)) - 1;
    if constexpr (kSame<T, Half>) {
        return static_cast<Half>(sample_of<float>(key));
    } else if constexpr (kFloating<T>) {
        const K all = static_cast<K>(~(K{1} << top));
        const K bits = key ^ ((key >> top) & all);
        T x;
        __builtin_memcpy(&x, &bits, sizeof(x));
        return key == all ? static_cast<T>(__builtin_nanf("")) : x;
    } else if constexpr (kSigned<T> != kSigned<K>) {
        return static_cast<T>(key ^ static_cast<K>(std::uint64_t{1} << top));
    } else {
        return static_cast<T>(key);
    }
}

template <class K>
struct Codec {
    void (*load)(const Task&, const char* src, K* to, std::int64_t n);  // along x
    void (*store)(const Task&, const K* from, char* dst, std::int64_t n);
    K outside;  // the key of cval
};

template <class K, class T>
void load_keys(const Task& task, const char* src, K* VOXKERN_RESTRICT to, std::int64_t n) {
    const T* VOXKERN_RESTRICT from = reinterpret_cast<const T*>(src);
    const std::int64_t stride = task.x.in_stride;
    if (stride == 1) {
        for (std::int64_t i = 0; i < n; ++i) to[i] = key_of<K>(from[i]);
    } else {
        for (std::int64_t i = 0; i < n; ++i) to[i] = key_of<K>(from[i * stride]);
    }
}

template <class K, class T>
void store_keys(const Task& task, const K* VOXKERN_RESTRICT from, char* dst, std::int64_t n) {
    T* VOXKERN_RESTRICT to = reinterpret_cast<T*>(dst);
    const std::int64_t stride = task.x.out_stride;
    if (stride == 1) {
        for (std::int64_t i = 0; i < n; ++i) to[i] = sample_of<T>(from[i]);
    } else {
        for (std::int64_t i = 0; i < n; ++i) to[i * stride] = sample_of<T>(from[i]);
    }
}

// By way of float64, a piece at a time.
constexpr std::int64_t kWidePiece = 64;

inline void load_wide(const Task& task, const char* src, std::int64_t* to, std::int64_t n) {
    const LoadRow<double> load_line = load_row_of<double>(task.in_dtype);
    const std::int64_t step = task.x.in_stride * task.in_itemsize;
    for (std::int64_t first = 0; first < n; first += kWidePiece) {
        double x[kWidePiece];
        const std::int64_t count = n - first < kWidePiece ? n - first : kWidePiece;
        load_line(src + first * step, task.x.in_stride, x, count);
        for (std::int64_t i = 0; i < count; ++i) to[first + i] = key_of<std::int64_t>(x[i]);
    }
}

inline void store_wide(const Task& task, const std::int64_t* from, char* dst, std::int64_t n) {
    const StoreRow<double> store_line = store_row_of<TruncateWrap, double>(task.out_dtype);
    const std::int64_t step = task.x.out_stride * task.out_itemsize;
    for (std::int64_t first = 0; first < n; first += kWidePiece) {
        double x[kWidePiece];
        const std::int64_t count = n - first < kWidePiece ? n - first : kWidePiece;
        for (std::int64_t i = 0; i < count; ++i) x[i] = sample_of<double>(from[first + i]);
        store_line(x, dst + first * step, task.x.out_stride, count);
    }
}

template <class K, class T>
Codec<K> codec_for(const Task& task) {
    return {load_keys<K, T>, store_keys<K, T>, key_of<K>(TruncateWrap::cast<T>(task.cval))};
}

inline Codec<std::uint8_t> codec_of(const Task& task, std::uint8_t) {
    return task.in_dtype == DType::i8 ? codec_for<std::uint8_t, std::int8_t>(task)
                                      : codec_for<std::uint8_t, std::uint8_t>(task);
}

inline Codec<std::uint16_t> codec_of(const Task& task, std::uint16_t) {
    return task.in_dtype == DType::i16 ? codec_for<std::uint16_t, std::int16_t>(task)
                                       : codec_for<std::uint16_t, std::uint16_t>(task);
}

inline Codec<std::int32_t> codec_of(const Task& task, std::int32_t) {
    switch (task.in_dtype) {
        case DType::u32: return codec_for<std::int32_t, std::uint32_t>(task);
        case DType::i32: return codec_for<std::int32_t, std::int32_t>(task);
        case DType::f16: return codec_for<std::int32_t, Half>(task);
        default: return codec_for<std::int32_t, float>(task);
    }
}

inline Codec<std::int64_t> codec_of(const Task& task, std::int64_t) {
    if (task.coding == Coding::wide) return {load_wide, store_wide, key_of<std::int64_t>(task.cval)};
    switch (task.in_dtype) {
        case DType::i64: return codec_for<std::int64_t, std::int64_t>(task);
        case DType::u64: return codec_for<std::int64_t, std::uint64_t>(task);
        default: return codec_for<std::int64_t, double>(task);
    }
}

// SPDX-License-Identifier: Apache-2.0
// Moves tiles between an array and scratch memory. A tile is rows x width in the compute type: one
// row per sample of the line, one lane per neighbouring line, width a whole number of cache lines.
// Included inside a level's namespace, after convert.inl.hpp and transpose.inl.hpp.

inline std::int64_t round_up(std::int64_t n, std::int64_t to) {
    return (n + to - 1) / to * to;
}

template <class C>
inline void fill_row(C* row, C value, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) row[i] = value;
}

template <class C>
constexpr DType kOwnDType = kSame<C, float> ? DType::f32 : DType::f64;

// Rows of a tile lie apart in the array: the hardware does not foresee where the next one starts.
constexpr std::int64_t kRowsAhead = 6;
inline void fetch_ahead(const void* row, std::int64_t bytes) {
    for (std::int64_t b = 0; b < bytes; b += 64) __builtin_prefetch(static_cast<const char*>(row) + b);
}

// Lines -> tile. `staging` holds width x n elements and is used where lines must be widened first.
template <class C>
void load_tile(const LineSide& side, std::int64_t offset, bool transposed, std::int64_t n, std::int64_t lanes, C* tile,
               std::int64_t width, C* staging) {
    const char* src = side.base + offset * side.itemsize;
    const LoadRow<C> load_line = load_row_of<C>(side.dtype);
    if (!transposed) {
        for (std::int64_t i = 0; i < n; ++i) {
            fetch_ahead(src + (i + kRowsAhead) * side.step * side.itemsize, lanes * side.itemsize);
            load_line(src + i * side.step * side.itemsize, side.lane, tile + i * width, lanes);
            fill_row(tile + i * width + lanes, C{0}, width - lanes);
        }
        return;
    }
    if (side.dtype == kOwnDType<C> && side.step == 1 && lanes == width) {
        transpose(reinterpret_cast<const C*>(src), side.lane, tile, width, lanes, n);
        return;
    }
    for (std::int64_t l = 0; l < lanes; ++l) {
        load_line(src + l * side.lane * side.itemsize, side.step, staging + l * n, n);
    }
    fill_row(staging + lanes * n, C{0}, (width - lanes) * n);
    transpose(staging, n, tile, width, width, n);
}

// Where the rows of a result go: made in place where the array takes them as they are, else made in
// a buffer and converted.
template <class C>
struct RowSink {
    char* base;
    std::int64_t step_bytes;
    std::int64_t stride;
    StoreRow<C> store_line;
    C* buffer;
    bool in_place;

    C* row(std::int64_t i) const { return in_place ? reinterpret_cast<C*>(base + i * step_bytes) : buffer; }
    void done(std::int64_t i, std::int64_t n) const {
        if (!in_place) store_line(buffer, base + i * step_bytes, stride, n);
    }
};

// Rows run along side.lane and follow each other along side.step.
template <class Rule, class C>
RowSink<C> row_sink(const LineSide& side, std::int64_t offset, C* buffer) {
    return {side.base + offset * side.itemsize,
            side.step * side.itemsize,
            side.lane,
            store_row_of<Rule, C>(side.dtype),
            buffer,
            side.dtype == kOwnDType<C> && side.lane == 1};
}

inline LineSide swap_directions(const LineSide& side) {
    LineSide swapped = side;
    swapped.step = side.lane;
    swapped.lane = side.step;
    return swapped;
}

// Copies past the caches: for results larger than they are, which nothing reads back soon. Saves
// the read that an ordinary store of a new line begins with.
inline void stream_bytes(void* dst, const void* src, std::int64_t bytes) {
    char* to = static_cast<char*>(dst);
    const char* from = static_cast<const char*>(src);
    const std::int64_t ahead = static_cast<std::int64_t>(-reinterpret_cast<std::uintptr_t>(to) & 63U);
    const std::int64_t head = ahead < bytes ? ahead : bytes;
    __builtin_memcpy(to, from, static_cast<std::size_t>(head));
    std::int64_t b = head;
#if defined(__AVX512F__)
    for (; b + 64 <= bytes; b += 64) {
        _mm512_stream_si512(reinterpret_cast<__m512i*>(to + b), _mm512_loadu_si512(from + b));
    }
#elif defined(__SSE2__)
    for (; b + 64 <= bytes; b += 64) {
        for (int i = 0; i < 64; i += 16) {
            _mm_stream_si128(reinterpret_cast<__m128i*>(to + b + i),
                             _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + b + i)));
        }
    }
#endif
    __builtin_memcpy(to + b, from + b, static_cast<std::size_t>(bytes - b));
}

// Orders streamed data before whatever tells another thread that it is there.
inline void stream_fence() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

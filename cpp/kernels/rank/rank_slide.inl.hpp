// SPDX-License-Identifier: Apache-2.0
// Selection from a window that slides along x: the staged samples are numbered in sorted order once, and the window is
// a set of bits by these numbers. Included inside a level's namespace.

struct SlideScratch {
    // For so many staged samples; slide_bytes() of them are needed.
    SlideScratch(void* memory, std::int64_t samples)
        : sorted(static_cast<std::uint32_t*>(memory)),
          other(sorted + samples),
          number(other + samples),
          bits(reinterpret_cast<std::uint64_t*>(number + samples + samples % 2)),
          words(samples / 64 + 1),
          results(bits + words) {}

    std::uint32_t* sorted;  // positions of the samples among the staged ones, in the order of their keys
    std::uint32_t* other;
    std::uint32_t* number;  // of the sample at a position: its place in `sorted`
    std::uint64_t* bits;    // which numbers are in the window
    std::int64_t words;
    void* results;
};

// Sorts by eight bits at a time, the lowest first.
template <class K>
void sort_positions(const Task& task, const Tile& tile, const K* staged, const SlideScratch& scratch) {
    const std::int64_t length = tile.n_x + task.x.size - 1;
    std::uint32_t* from = scratch.sorted;
    std::uint32_t* to = scratch.other;
    std::int64_t n = 0;
    for (std::int64_t r = 0; r < tile.n_rows; ++r) {
        for (std::int64_t i = 0; i < length; ++i) from[n++] = static_cast<std::uint32_t>(r * task.pitch + i);
    }
    constexpr K top = kSigned<K> ? static_cast<K>(std::uint64_t{1} << (8 * sizeof(K) - 1)) : K{0};
    for (unsigned shift = 0; shift < 8 * sizeof(K); shift += 8) {
        const auto digit = [&](std::uint32_t at) {
            return static_cast<std::size_t>(static_cast<std::uint64_t>(staged[at] ^ top) >> shift & 255U);
        };
        std::uint32_t start[257] = {};
        for (std::int64_t i = 0; i < n; ++i) ++start[digit(from[i]) + 1];
        bool all_equal = false;
        for (std::size_t d = 0; d < 256; ++d) {
            all_equal = all_equal || start[d + 1] == static_cast<std::uint32_t>(n);
            start[d + 1] += start[d];
        }
        if (all_equal) continue;
        for (std::int64_t i = 0; i < n; ++i) to[start[digit(from[i])]++] = from[i];
        std::uint32_t* const sorted = to;
        to = from;
        from = sorted;
    }
    if (from != scratch.sorted) __builtin_memcpy(scratch.sorted, from, static_cast<std::size_t>(n) * sizeof(*from));
    for (std::int64_t i = 0; i < n; ++i) scratch.number[scratch.sorted[i]] = static_cast<std::uint32_t>(i);
}

// The first number from `at` on that is in the set, and the last one before it. There is one.
inline std::int64_t next_in(const std::uint64_t* bits, std::int64_t at) {
    std::int64_t word = at / 64;
    std::uint64_t rest = bits[word] >> (at % 64) << (at % 64);
    while (rest == 0) rest = bits[++word];
    return 64 * word + __builtin_ctzll(rest);
}
inline std::int64_t last_before(const std::uint64_t* bits, std::int64_t at) {
    std::int64_t word = at / 64;
    std::uint64_t rest = bits[word] & ((std::uint64_t{1} << (at % 64)) - 1);
    while (rest == 0) rest = bits[--word];
    return 64 * word + 63 - __builtin_clzll(rest);
}

template <class K>
void slide(const Task& task, const Tile& tile, const K* staged, const SlideScratch& scratch, K* results) {
    std::uint64_t* const bits = scratch.bits;
    for (std::int64_t w = 0; w < scratch.words; ++w) bits[w] = 0;
    const auto flip = [&](std::int64_t at) {
        bits[at / 64] ^= std::uint64_t{1} << (at % 64);
        return at;
    };
    for (std::int64_t r = 0; r < tile.n_rows; ++r) {
        for (std::int64_t i = 0; i < task.x.size; ++i) flip(scratch.number[r * task.pitch + i]);
    }
    std::int64_t here = 0;   // the number of the sample sought
    std::int64_t below = 0;  // how many in the window are smaller
    for (std::int64_t x = 0;; ++x) {
        while (below > task.rank) {
            here = last_before(bits, here);
            --below;
        }
        here = next_in(bits, here);
        for (; below < task.rank; ++below) here = next_in(bits, here + 1);
        results[x] = staged[scratch.sorted[here]];
        if (x + 1 == tile.n_x) return;
        for (std::int64_t r = 0; r < tile.n_rows; ++r) {
            const std::uint32_t* const row = scratch.number + r * task.pitch + x;
            below -= flip(row[0]) < here;
            below += flip(row[task.x.size]) < here;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// A piece of a line with its extension, into a tile. Included inside a level's namespace, after simd.inl.hpp.

// Writes the samples of a piece and their extension, `width` elements each. samples(first, count, to) reads some of
// the line; extension is copied from what is here, or read from where it is.
template <class C, class Samples>
void load_extended(const Extension<C>& extension, const TilePosition& at, std::int64_t width, C* to,
                   const Samples& samples) {
    const std::int64_t n = extension.n;
    const std::int64_t before = extension.before;
    const std::int64_t after = extension.after;
    if (at.count == n) {
        C* const line = to + before * width;
        samples(0, n, line);
        // A width known to the compiler makes a copy a move.
        if (width == 1) extend_tile(line, n, 1, extension.index, before, after, extension.cval);
        if (width != 1) extend_tile(line, n, width, extension.index, before, after, extension.cval);
        return;
    }
    const std::int64_t begin = at.first - before;
    const std::int64_t end = at.first + at.count + after;
    const std::int64_t low = begin > 0 ? begin : 0;
    const std::int64_t high = end < n ? end : n;
    samples(low, high - low, to + (low - begin) * width);
    for (std::int64_t p = begin; p < end; ++p) {
        if (p == low) p = high;
        if (p == end) break;
        const std::int64_t index = extension.index[(p < 0 ? p : p - n) + before];
        C* const row = to + (p - begin) * width;
        if (index < 0) {
            fill_row(row, extension.cval, width);
        } else if (index >= low && index < high) {
            __builtin_memcpy(row, to + (index - begin) * width, static_cast<std::size_t>(width) * sizeof(C));
        } else {
            samples(index, 1, row);
        }
    }
}

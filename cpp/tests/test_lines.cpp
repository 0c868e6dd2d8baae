// SPDX-License-Identifier: Apache-2.0
#include "core/lines.hpp"

#include <set>
#include <vector>

#include "expect.hpp"

using namespace voxkern;

namespace {
ArrayView array_of(float* data, const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
    ArrayView view;
    view.data = data;
    view.rank = static_cast<int>(shape.size());
    for (std::size_t a = 0; a < shape.size(); ++a) {
        view.shape[a] = shape[a];
        view.strides[a] = strides[a];
    }
    return view;
}

// Every sample of every line is visited exactly once, whatever the axis and strides.
void expect_cover(const ArrayView& array, const Lines& lines) {
    std::set<std::int64_t> seen;
    for (std::int64_t t = 0; t < lines.tiles; ++t) {
        const TilePosition at = tile_position(lines, t);
        EXPECT(at.lanes >= 1 && at.lanes <= lines.tile_lanes);
        for (std::int64_t l = 0; l < at.lanes; ++l) {
            for (std::int64_t e = at.first * lines.width; e < (at.first + at.count) * lines.width; ++e) {
                const std::int64_t offset = at.out_offset + l * lines.out.lane + e * lines.out.step;
                EXPECT(seen.insert(offset).second);
            }
        }
    }
    EXPECT(static_cast<std::int64_t>(seen.size()) == array.size());
    EXPECT(lines.chunks * lines.tiles_per_chunk >= lines.tiles);
}

void expect_cover(const ArrayView& array, int axis, std::int64_t rows) {
    expect_cover(array, make_lines(as_const(array), array, axis, 4, rows));
    expect_cover(array, make_cut_lines(as_const(array), array, axis, 4, rows / 2, rows / 2));
}
}  // namespace

TEST(lines, tiles_cover_every_layout) {
    for (int axis = 0; axis < 3; ++axis) {
        expect_cover(array_of(nullptr, {5, 33, 70}, {33 * 70, 70, 1}), axis, 40);         // C
        expect_cover(array_of(nullptr, {5, 33, 70}, {1, 5, 5 * 33}), axis, 40);           // Fortran
        expect_cover(array_of(nullptr, {5, 33, 70}, {-33 * 70, 70, -1}), axis, 4000);     // reversed
        expect_cover(array_of(nullptr, {5, 33, 70}, {2 * 33 * 150, 150, 2}), axis, 100);  // strided
        expect_cover(array_of(nullptr, {1, 1, 3}, {3, 3, 1}), axis, 10);
    }
    expect_cover(array_of(nullptr, {7}, {1}), 0, 7);
    expect_cover(array_of(nullptr, {2, 3, 2, 3, 2}, {36, 12, 6, 2, 1}), 2, 7);
}

TEST(lines, neighbouring_axes_merge) {
    const ArrayView a = array_of(nullptr, {8, 4, 6}, {24, 6, 1});
    const Lines lines = make_lines(as_const(a), a, 0, 4, 8);
    EXPECT(lines.lanes == 24 && lines.outer.rank() == 0 && !lines.transposed);
    const Lines along = make_lines(as_const(a), a, 2, 4, 6);
    EXPECT(along.lanes == 32 && along.transposed);
}

TEST(lines, long_lines_are_cut) {
    const ArrayView line = array_of(nullptr, {1000000}, {1});
    const Lines cut = make_cut_lines(as_const(line), line, 0, 4, 8, 9);
    EXPECT(cut.pieces >= 10 && cut.chunks == cut.pieces && cut.pieces * cut.piece >= 1000000);
    EXPECT(make_lines(as_const(line), line, 0, 4, 1000008).chunks == 1);
    expect_cover(line, cut);
    const ArrayView apart = array_of(nullptr, {20000, 16}, {16, 1});
    EXPECT(make_cut_lines(as_const(apart), apart, 0, 4, 8, 9).pieces >= 3);
    expect_cover(apart, make_cut_lines(as_const(apart), apart, 0, 4, 8, 9));
    // A box longer than half the line: cutting would read everything twice. A sum of as many taps is cut none the less:
    // it takes far longer than reading, and nobody could stop it.
    EXPECT(make_cut_lines(as_const(line), line, 0, 4, 600000, 3).pieces == 1);
    EXPECT(make_cut_lines(as_const(line), line, 0, 4, 600000, 600001).pieces >= 1000);
    expect_cover(line, make_cut_lines(as_const(line), line, 0, 4, 600000, 600001));
}

TEST(lines, a_few_interleaved_lines_are_one) {
    const ArrayView colour = array_of(nullptr, {5, 70, 3}, {210, 3, 1});
    const Lines lines = make_cut_lines(as_const(colour), colour, 1, 4, 2, 3);
    EXPECT(lines.width == 3 && lines.length == 70 && lines.lanes == 5 && lines.transposed);
    expect_cover(colour, lines);
    EXPECT(make_cut_lines(as_const(colour), colour, 0, 4, 2, 3).width == 1);  // 210 lanes: enough
    const ArrayView flat = array_of(nullptr, {70, 3}, {3, 1});
    EXPECT(make_cut_lines(as_const(flat), flat, 0, 4, 2, 3).width == 3);
}

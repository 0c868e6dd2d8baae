// SPDX-License-Identifier: Apache-2.0
// Tables of regions on the device: their columns, extremes as keys, sums as whole numbers; and what the host makes of
// them.
#pragma once

#include <cmath>
#include <cstring>

#include "kernels/regions/regions_cuda.inl.hpp"

namespace voxkern::regions {
namespace {

constexpr Signed kNowhere = 0x7F7F7F7F7F7F7F7F;  // behind every sample; one byte, again and again

// --- what extremes are compared in: unsigned numbers in the order of the values --------------------------------------

VOXKERN_HD inline Unsigned key_of(double x) {
    Unsigned bits;
    x += 0.0;  // -0.0 becomes 0.0: they are equal
    std::memcpy(&bits, &x, sizeof(bits));
    return (bits & kSign) != 0 ? ~bits : bits | kSign;
}
VOXKERN_HD inline Unsigned key_of(std::int64_t x) {
    return static_cast<Unsigned>(x) ^ kSign;
}
VOXKERN_HD inline Unsigned key_of(std::uint64_t x) {
    return x;
}

template <class C>
VOXKERN_HD C value_of(Unsigned key) {
    Unsigned bits = key;
    if constexpr (kSame<C, double>) {
        bits = (key & kSign) != 0 ? key ^ kSign : ~key;
    } else if constexpr (kSame<C, std::int64_t>) {
        bits = key ^ kSign;
    }
    C value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

// --- tables ----------------------------------------------------------------------------------------------------------

// Columns of a table on the device, or of its copy on the host; null where not wanted. Sums are pairs of whole numbers.
struct Columns {
    Signed* counts = nullptr;
    Unsigned* whole = nullptr;     // sums of integers, modulo 2^64
    Signed* indices = nullptr;     // by axis, as are firsts, lasts and centres
    Signed* sums = nullptr;        // times `scale`
    Signed* centres = nullptr;     // times `scale` and a part of the largest extent
    Signed* squares = nullptr;     // times the square of `spread`
    Unsigned* high = nullptr;      // keys of the extremes
    Signed* not_number = nullptr;  // positions
    Signed* low_at = nullptr;
    Signed* high_at = nullptr;
    Signed* firsts = nullptr;
    Unsigned* low = nullptr;
    Signed* lasts = nullptr;
    double* scale = nullptr;  // a power of two; 0: no finite sum
    double* fine = nullptr;   // another one, between the two whole numbers
    double* mean = nullptr;
    double* spread = nullptr;
};

// What is gathered for a table, and in which passes.
struct Passes {
    bool keys = false;    // extremes: they say how large sums may be
    bool whole = false;   // sums of integers
    bool scaled = false;  // other sums
    Wanted wanted;

    Passes(const Wanted& columns, const ConstArrayView* image) : wanted(columns) {
        if (image == nullptr) return;
        const bool floats = is_float(image->dtype);
        const bool narrow = !floats && size_of(image->dtype) < 8;
        whole = wanted.sums && !floats;
        scaled = (wanted.sums && !narrow) || wanted.moments || wanted.centres;
        keys = scaled || wanted.extremes;
    }
    bool second() const { return scaled || wanted.extremes; }
};

// Places of the columns: those that start as 0, as kNowhere, as -1, and those that are written.
struct Layout {
    std::size_t zeros = 0, nowhere = 0, ones = 0, all = 0;
};

inline Columns columns_at(Signed* memory, const Passes& passes, std::size_t rows, std::size_t rank, Layout& layout) {
    std::size_t used = 0;
    const auto take = [&](bool wanted, std::size_t each, auto*& column) {
        if (!wanted) return;
        // Without memory only the layout is asked for.
        if (memory != nullptr) column = reinterpret_cast<std::remove_reference_t<decltype(column)>>(memory + used);
        used += each * rows;
    };
    const Wanted& wanted = passes.wanted;
    Columns to;
    take(true, 1, to.counts);
    take(passes.whole, 1, to.whole);
    take(wanted.indices, rank, to.indices);
    take(passes.scaled, 2, to.sums);
    take(wanted.centres, 2 * rank, to.centres);
    take(wanted.moments, 2, to.squares);
    take(passes.keys, 1, to.high);
    layout.zeros = used;
    take(passes.keys, 1, to.not_number);
    take(wanted.extremes, 1, to.low_at);
    take(wanted.extremes, 1, to.high_at);
    take(wanted.boxes, rank, to.firsts);
    layout.nowhere = used - layout.zeros;
    take(passes.keys, 1, to.low);
    take(wanted.boxes, rank, to.lasts);
    layout.ones = used - layout.zeros - layout.nowhere;
    take(passes.scaled, 1, to.scale);
    take(passes.scaled, 1, to.fine);
    take(wanted.moments, 1, to.mean);
    take(wanted.moments, 1, to.spread);
    layout.all = used;
    return to;
}

// A sum of a label as a number; `to` is a pair.
VOXKERN_HD inline double unscaled(const Signed* pair, double fine, double scale) {
    return (static_cast<double>(pair[0]) + static_cast<double>(pair[1]) / fine) / scale;
}

// --- what the host makes of them ---

inline double sum_of(const Columns& from, std::size_t row, double low, double high) {
    if (from.counts[row] == 0) return 0.0;
    if (from.scale[row] != 0.0) return unscaled(&from.sums[2 * row], from.fine[row], from.scale[row]);
    const bool nan = from.not_number[row] != kNowhere || (low < 0.0 && std::isinf(low) && std::isinf(high) && high > 0);
    if (nan) return static_cast<double>(NAN);
    return std::isinf(high) && high > 0.0 ? high : low;
}

// What the columns of row `from` say of the image goes to row `row` of a table.
template <class C>
void finish_image(const Columns& columns, const Passes& passes, std::size_t from, double narrow, Table& table,
                  std::size_t row) {
    const auto low = passes.keys ? value_of<C>(columns.low[from]) : C{0};
    const auto high = passes.keys ? value_of<C>(columns.high[from]) : C{0};
    const bool some = columns.counts[from] != 0;
    const double sum = passes.scaled ? sum_of(columns, from, static_cast<double>(low), static_cast<double>(high)) : 0.0;
    if (passes.wanted.sums) {
        Sum& to = table.sums[row];
        to.whole = passes.whole ? static_cast<std::int64_t>(columns.whole[from]) : 0;
        const bool narrow_sum = passes.whole && kSame<C, double>;  // in 64 bits without overflow
        to.sum = narrow_sum ? static_cast<double>(to.whole) : sum;
    }
    if (passes.wanted.moments && some) {
        const double scale = columns.spread[from];
        const double fine = columns.fine[from];
        Spread& to = table.spreads[row];
        const bool finite = columns.scale[from] != 0.0;
        to.mean = finite ? columns.mean[from] : sum;
        to.squares = !finite      ? static_cast<double>(NAN)
                     : scale == 0 ? 0.0
                                  : unscaled(&columns.squares[2 * from], fine, scale) / scale;
    }
    for (std::size_t a = 0; passes.wanted.centres && a < static_cast<std::size_t>(table.rank); ++a) {
        const auto axes = static_cast<std::size_t>(table.rank);
        const bool finite = columns.scale[from] != 0.0;
        const double centre =
            unscaled(&columns.centres[2 * (from * axes + a)], columns.fine[from], columns.scale[from] * narrow);
        table.centres[row * axes + a] = !some ? 0.0 : (finite ? centre : static_cast<double>(NAN));
    }
    if (!passes.wanted.extremes) return;
    const auto place = [](Signed at) { return at == kNowhere ? -1 : std::int64_t{at}; };
    Extremes& to = table.extremes[row];
    to.minimum_at = place(columns.low_at[from]);
    to.maximum_at = place(columns.high_at[from]);
    to.not_number_at = place(columns.not_number[from]);
    if (to.minimum_at < 0) return;
    std::memcpy(&to.minimum, &low, sizeof(low));
    std::memcpy(&to.maximum, &high, sizeof(high));
}

inline void finish_places(const Columns& columns, std::size_t from, Table& table, std::size_t row) {
    const auto axes = static_cast<std::size_t>(table.rank);
    for (std::size_t a = 0; a < axes; ++a) {
        const std::size_t at = from * axes + a;
        if (table.wanted.boxes && columns.lasts[at] >= 0) {  // else the axis has one sample, or the row none
            table.boxes[2 * (row * axes + a)] = columns.firsts[at];
            table.boxes[2 * (row * axes + a) + 1] = columns.lasts[at];
        }
        if (table.wanted.indices) table.indices[row * axes + a] = columns.indices[at];
    }
}

}  // namespace
}  // namespace voxkern::regions

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
// Axes are called planes, rows and columns: slowest to fastest in memory.
#pragma once

#include <cstdint>
#include <limits>

#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern::n4 {

// Samples are handled in blocks of neighbouring columns: whole vectors at every level, no tails.
inline constexpr std::int64_t kBlock = 16;
// Private copies of the histogram: neighbours often share a bin, and an addition to the word just
// written waits for it.
inline constexpr std::int64_t kCopies = 4;
// A histogram word counts samples from bit 40 on; below lies the sum of their distances to the lower
// bin edge, of up to 24 bits each: room for 65,536 samples.
inline constexpr int kCountBit = 40;
inline constexpr std::int64_t kFlushEvery = 65535;
// Rows that are swept together share the loads of the spline; they lie in one of its spans.
inline constexpr std::int64_t kBandRows = 4;
// A step that goes no further than this needs no exact exponential function.
inline constexpr float kShort = 0.1F;
// ITK leaves a control point at 0 where it sees less weight than this.
inline constexpr double kLeastWeight = 0.1 * static_cast<double>(std::numeric_limits<float>::epsilon());
// What evaluating the field may be off by, of the largest number in it.
inline constexpr float kRounding = 16.0F * std::numeric_limits<float>::epsilon();
// Beyond any logarithm: where the search for extremes starts.
inline constexpr float kHuge = std::numeric_limits<float>::max();

// The image as the sweeps see it.
struct Grid {
    std::int64_t planes = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t blocks = 0;              // per row
    std::int64_t pitch = 0;               // floats from row to row: no padding, a block may reach into the next row
    float* log_image = nullptr;           // 0 where a sample does not take part
    float* last_row = nullptr;            // copy of the last row of all, padded to whole blocks
    float* weights = nullptr;             // laid out as log_image, with a block to spare; nullptr: all 1
    std::uint16_t* lanes = nullptr;       // per row and block: which of its samples take part
    std::int32_t* first_block = nullptr;  // per row: blocks that are not empty lie from here
    std::int32_t* end_block = nullptr;    // to here
    float* row_low = nullptr;             // bounds of log image - field per row, see Bounds
    float* row_high = nullptr;
    std::int64_t first_row = -1;  // row of the first sample, if that cannot be the minimum: ITK's rule
    std::int64_t first_column = 0;
};

// Basis functions of one axis at its samples; tables of `taps` rows, `stride` floats apart.
struct Basis {
    std::int64_t samples = 0;
    std::int64_t controls = 1;
    std::int64_t taps = 1;
    std::int64_t stride = 0;
    const std::int32_t* cell = nullptr;        // first control point under a sample
    const float* value = nullptr;              // B
    const std::int32_t* span_begin = nullptr;  // first sample of each span, and the end
};

// Tables of the fit: the same functions, raised: B^3 / sum B^2 for the numerator, B^2 for the denominator.
struct Fitting {
    const float* row = nullptr;                // [taps][stride] of the rows axis
    const float* column_band = nullptr;        // per control point its whole function, band_stride apart
    std::int64_t band_stride = 0;              // whole blocks, zero beyond the support
    const std::int32_t* band_begin = nullptr;  // first column of that support
};

// A log field on the grid: lattice and basis.
struct Spline {
    Basis plane;
    Basis row;
    Basis column;
    const float* coefficients = nullptr;  // [plane][row][column] control points
};

// Parts of one workspace; see take_scratch.
struct Scratch {
    float* controls;     // one plane of control points
    float* field;        // per control point of the rows axis a row of columns
    float* step;         // the same for the last increment
    float* sums;         // the same for the fit
    std::int32_t* bins;  // of the samples of a band: histogram word, or entry of the residual table
    float* distances;    // to the lower bin edge
    float* residuals;
    std::uint64_t* increments;  // of the histogram words
    std::uint64_t* histogram;
};

struct Extremes {
    float low;
    float high;
};

// Which rows may hold the extremes. A step moves no sample further than its largest control point, so
// bounds found earlier hold if they are widened by all steps since (`drift`, from the first one on).
// Rows store their bounds as they would have been at drift 0.
struct Bounds {
    float drift;
    Extremes within;  // rows strictly within cannot hold the extremes
};

// Sums over a plane of exp(-step) - 1 and its square, and the largest square.
struct Moments {
    double first = 0.0;
    double second = 0.0;
    double largest = 0.0;
};

// How far one row is from a mean, in exp(-step).
struct Deviation {
    std::int64_t count;
    float farthest;
    double squares;
};

struct Measure {
    const Spline* field;
    const Spline* step;  // nullptr: none was taken yet
    float reach;         // no step is larger
    float low;
    float high;
    float scale;            // of u - low, to bins in fixed point
    int fraction_bits;      // of that fixed point
    std::int32_t high_bin;  // `high` in it: ITK's rounding puts it on, before or beyond the last bin
    std::int32_t last_bin;
    std::int64_t* count;  // per bin, added to
    std::int64_t* fraction;
};

struct Residual {
    const Spline* field;
    Basis rows;  // of the lattice to fit: its level may be one further than the field's
    Basis columns;
    Fitting tables;
    float low;
    float inverse_slope;
    std::int32_t last_bin;
    const float* table;  // residual at the bin edges, then the entries below; nullptr: 1 everywhere
};

// Entries of the residual table beyond the bins, each followed by its partner: linear between the two.
enum Entry : std::int32_t {
    kEntryBelow = 2,  // ITK maps samples below the first bin to the last one: low - last, and a bin further
    kEntryOutside = 4,
    kEntryEnd = 6,
};

struct Division {
    const Spline* field;
    DType in_dtype;
    const char* in;  // first voxel of a row
    std::int64_t in_stride;
    DType out_dtype;
    char* out;
    std::int64_t out_stride;
    char* field_out;  // nullptr: not wanted
    std::int64_t field_stride;
};

struct Ops {
    // log image - field: extremes of the rows that may hold those of the image.
    Extremes (*extremes)(const Grid&, const Spline&, std::int64_t plane, Bounds, const Scratch&);
    // Histogram of log image - field, and how far the last step went.
    Moments (*measure)(const Grid&, const Measure&, std::int64_t plane, const Scratch&);
    // The fit of one plane, contracted to row and column control points: its numerator from the residuals, or its
    // denominator from the weights alone where the task has no table.
    void (*fit)(const Grid&, const Residual&, std::int64_t plane, const Scratch&, double* sums);
    // exp(-step) of one row, by column, taking part or not; no step is larger than reach.
    Deviation (*ratios)(const Grid&, const Spline& step, std::int64_t plane, std::int64_t row, float reach, float mean,
                        const Scratch&, float* out);
    // Sum of the field over the samples of a plane that take part.
    double (*total)(const Grid&, const Spline&, std::int64_t plane, const Scratch&);
    // Control points of one plane into rows of columns; ratios and divide_row read them.
    void (*expand)(const Spline&, std::int64_t plane, float* controls, float* out);
    void (*divide_row)(const Division&, std::int64_t row, const Scratch&);
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::n4

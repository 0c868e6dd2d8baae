// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
// Axes are called planes, rows and columns: slowest to fastest in memory.
#pragma once

#include <cstdint>

#include "core/cpu.hpp"
#include "core/dtype.hpp"

namespace voxkern {

// Samples are handled in blocks of neighbouring columns: whole vectors at every level, no tails.
inline constexpr std::int64_t kN4Block = 16;
// Private copies of the histogram: neighbours often share a bin, and an addition to the word just
// written waits for it.
inline constexpr std::int64_t kN4Copies = 4;
// A histogram word counts samples from bit 40 on; below lies the sum of their distances to the lower
// bin edge, of up to 24 bits each: room for 65,536 samples.
inline constexpr int kN4CountBit = 40;
inline constexpr std::int64_t kN4FlushEvery = 65535;
// Rows that are swept together share the loads of the spline; they lie in one of its spans.
inline constexpr std::int64_t kN4Band = 4;

// The image as the sweeps see it.
struct N4Grid {
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
    float* row_low = nullptr;             // bounds of log image - field per row, see N4Bounds
    float* row_high = nullptr;
    std::int64_t first_row = -1;  // row of the first sample, if that cannot be the minimum: ITK's rule
    std::int64_t first_column = 0;
};

// Basis functions of one axis at its samples; tables of `taps` rows, `stride` floats apart.
struct N4Basis {
    std::int64_t samples = 0;
    std::int64_t controls = 1;
    std::int64_t taps = 1;
    std::int64_t stride = 0;
    const std::int32_t* cell = nullptr;        // first control point under a sample
    const float* value = nullptr;              // B
    const std::int32_t* span_begin = nullptr;  // first sample of each span, and the end
};

// Tables of the fit: the same functions, raised: B^3 / sum B^2 for the numerator, B^2 for the denominator.
struct N4Fitting {
    const float* row = nullptr;                // [taps][stride] of the rows axis
    const float* column_band = nullptr;        // per control point its whole function, band_stride apart
    std::int64_t band_stride = 0;              // whole blocks, zero beyond the support
    const std::int32_t* band_begin = nullptr;  // first column of that support
};

// A log field on the grid: lattice and basis.
struct N4Spline {
    N4Basis plane;
    N4Basis row;
    N4Basis column;
    const float* coefficients = nullptr;  // [plane][row][column] control points
};

// Parts of one workspace; sizes are in n4.cpp.
struct N4Scratch {
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

struct N4Extremes {
    float low;
    float high;
};

// Which rows may hold the extremes. A step moves no sample further than its largest control point, so
// bounds found earlier hold if they are widened by all steps since (`drift`, from the first one on).
// Rows store their bounds as they would have been at drift 0.
struct N4Bounds {
    float drift;
    N4Extremes within;  // rows strictly within cannot hold the extremes
};

// Sums over a plane of exp(-step) - 1 and its square, and the largest square.
struct N4Moments {
    double first = 0.0;
    double second = 0.0;
    double largest = 0.0;
};

// How far one row is from a mean, in exp(-step).
struct N4Deviation {
    std::int64_t count;
    float farthest;
    double squares;
};

struct N4Measure {
    const N4Spline* field;
    const N4Spline* step;  // nullptr: none was taken yet
    float reach;           // no step is larger
    float low;
    float high;
    float scale;            // of u - low, to bins in fixed point
    int fraction_bits;      // of that fixed point
    std::int32_t high_bin;  // `high` in it: ITK's rounding puts it on, before or beyond the last bin
    std::int32_t last_bin;
    std::int64_t* count;  // per bin, added to
    std::int64_t* fraction;
};

struct N4Residual {
    const N4Spline* field;
    N4Basis rows;  // of the lattice to fit: its level may be one further than the field's
    N4Basis columns;
    N4Fitting tables;
    float low;
    float inverse_slope;
    std::int32_t last_bin;
    const float* table;  // residual at the bin edges, then the entries below
};

// Entries of the residual table beyond the bins, each followed by its partner: linear between the two.
enum N4Entry : std::int32_t {
    kN4Below = 2,  // ITK maps samples below the first bin to the last one: low - last, and a bin further
    kN4Outside = 4,
    kN4TableEnd = 6,
};

struct N4Division {
    const N4Spline* field;
    DType in_dtype;
    const char* in;  // first voxel of a row
    std::int64_t in_stride;
    DType out_dtype;
    char* out;
    std::int64_t out_stride;
    char* field_out;  // nullptr: not wanted
    std::int64_t field_stride;
};

struct N4Ops {
    // log image - field: extremes of the rows that may hold those of the image.
    N4Extremes (*extremes)(const N4Grid&, const N4Spline&, std::int64_t plane, N4Bounds, const N4Scratch&);
    // Histogram of log image - field, and how far the last step went.
    N4Moments (*measure)(const N4Grid&, const N4Measure&, std::int64_t plane, const N4Scratch&);
    // Numerator of the fit to the residual: one plane, contracted to row and column control points.
    void (*fit)(const N4Grid&, const N4Residual&, std::int64_t plane, const N4Scratch&, double* sums);
    // Denominator: the same of the weights alone.
    void (*weigh)(const N4Grid&, const N4Residual&, std::int64_t plane, const N4Scratch&, double* sums);
    // exp(-step) of one row, by column, taking part or not; no step is larger than reach.
    N4Deviation (*ratios)(const N4Grid&, const N4Spline& step, std::int64_t plane, std::int64_t row, float reach,
                          float mean, const N4Scratch&, float* out);
    // Sum of the field over the samples of a plane that take part.
    double (*total)(const N4Grid&, const N4Spline&, std::int64_t plane, const N4Scratch&);
    // Control points of one plane into rows of columns; ratios and divide_row read them.
    void (*expand)(const N4Spline&, std::int64_t plane, float* controls, float* out);
    void (*divide_row)(const N4Division&, std::int64_t row, const N4Scratch&);
};

VOXKERN_DECLARE_LEVELS(N4Ops, n4_ops)

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "core/fir.hpp"
#include "core/lines.hpp"
#include "core/picks.hpp"
#include "core/prefilter.hpp"
#include "kernels/resample/resample_math.hpp"

namespace voxkern::resample {

// Everything one axis does to a line: smooth, prefilter, interpolate. Samples are counted in the
// padded line of `prefilter.pad + n_in + prefilter.pad`.
template <class C>
struct AxisPlan {
    std::int64_t n_in = 1;
    std::int64_t n_out = 1;
    bool identity = true;    // output samples are the input samples
    Prefilter<C> prefilter;  // of the padded line
    // Antialiasing Gaussian.
    std::int64_t smooth_size = 0;  // 0: none
    const C* smooth_weights = nullptr;
    const std::int64_t* smooth_extension = nullptr;
    // Interpolation: out[i] = sum_t weights[i * taps + t] * line[index[i * taps + t]].
    int taps = 1;
    const std::int64_t* index = nullptr;
    const C* weights = nullptr;
    const unsigned char* outside = nullptr;  // per output sample; null where all lie inside
    Picks<C> picks;
};

// Rows that are transposed and resampled together along axis 2. Two cache lines of lanes keep two recursions under way
// where a vector has one, and share the weights.
template <class C>
inline constexpr std::int64_t kBlockRows = 128 / static_cast<std::int64_t>(sizeof(C));

// Where a volume lies in memory. Strides in elements.
struct VolumeSide {
    char* base = nullptr;
    DType dtype = DType::f32;
    std::int64_t itemsize = 4;
    std::int64_t step = 1;  // along axis 0
    std::int64_t row = 1;   // along axis 1
    std::int64_t lane = 1;  // along axis 2
};

template <class C>
struct Task {
    AxisPlan<C> axis[3];  // slowest first
    VolumeSide source;    // what the planes are combined from: the input or the coefficient volume
    VolumeSide target;
    C offset = C{0};         // subtracted from samples that are read from the input (grid_constant's cval)
    C source_offset = C{0};  // the same where `source` is the input, 0 where it is coefficients
    C cval = C{0};
    Finish<C> finish;
    bool finishes = false;        // rows need `finish` or have samples outside
    bool stream = false;          // results bypass the caches
    bool stream_between = false;  // so does the volume between two passes
    bool turned = false;          // output rows run across those of the target: they are stored transposed
    bool shares_plane = false;    // chunks of rows share scratch.plane, made before them
    bool direct = false;          // an output row is combined straight from the source: no plane is kept
};

// A few long lines, each by itself. Strides along a line are `step`.
template <class C>
struct LineTask {
    LineSide source;
    LineSide target;
    LongLine<C> line;
    std::int64_t smooth_size = 0;  // of the antialiasing Gaussian; 0: none
    const C* smooth_weights = nullptr;
    Interpolator kernel;
    Boundary mode = Boundary::nearest;
    const double* coordinates = nullptr;
    double gain = 1.0;
    C offset = C{0};  // subtracted from the samples
    C cval = C{0};
    Finish<C> finish;
};

// Parts of one workspace; sizes are in resample_cpu.cpp.
template <class C>
struct Scratch {
    C* smoothed;   // line tile with halo, before antialiasing
    C* plane;      // (pad + n_in + pad) x width: coefficients along axis 1
    C* taps;       // source rows of one output row, widened
    C* rows;       // one cache line of output rows, before axis 2
    C* halo;       // transposed rows with halo, before antialiasing
    C* columns;    // transposed rows, coefficients along axis 2
    C* result;     // transposed results
    C* staging;    // results as rows
    C* converted;  // the same in the output's dtype, before streaming
};

template <class C>
struct Kernels {
    // Axis 0 of one tile: input -> coefficient volume.
    void (*first_axis)(const Task<C>&, const AxisPlan<C>&, const Lines&, const TilePosition&, const Scratch<C>&);
    // Output plane k before axes 1 and 2: samples [begin, end) of axis 1, then their filter in columns [begin, end).
    void (*combine_plane)(const Task<C>&, std::int64_t k, std::int64_t begin, std::int64_t end, const Scratch<C>&);
    void (*filter_plane)(const Task<C>&, std::int64_t begin, std::int64_t end, const Scratch<C>&);
    // Rows [begin, end) of output plane k: combined along axis 0, then axes 1 and 2. The same from cells, and the
    // same where each sample is one of the input's.
    void (*rows)(const Task<C>&, std::int64_t k, std::int64_t begin, std::int64_t end, const Scratch<C>&);
    void (*cells)(const Task<C>&, std::int64_t k, std::int64_t begin, std::int64_t end, const Scratch<C>&);
    void (*gather)(const Task<C>&, std::int64_t k, std::int64_t begin, std::int64_t end, const Scratch<C>&);
    // Samples [begin, end) of a line under the antialiasing Gaussian, coefficients [begin, end) of the padded line,
    // both by way of `buffer`, and output samples [begin, end): made of coefficients, or each one of the input's.
    void (*line_smoothed)(const LineTask<C>&, std::int64_t begin, std::int64_t end, C* buffer, C* smoothed);
    void (*line_segment)(const LineTask<C>&, std::int64_t begin, std::int64_t end, C* buffer, C* coefficients);
    void (*line_samples)(const LineTask<C>&, const C* coefficients, std::int64_t begin, std::int64_t end, C* buffer);
    void (*line_gather)(const LineTask<C>&, std::int64_t begin, std::int64_t end);
    // Smallest and largest number among the samples of one tile; NaNs are passed over.
    void (*range)(const Lines&, const TilePosition&, C* row, C* lowest, C* highest);
    std::int64_t pick_lanes;  // lanes of a vector this level can permute, else 0
};

struct Ops {
    Kernels<float> f32;
    Kernels<double> f64;
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::resample

// SPDX-License-Identifier: Apache-2.0
// What the baseline code hands to the code of an ISA level: plain data and function pointers.
#pragma once

#include "core/cpu.hpp"
#include "kernels/conv3d/conv3d.hpp"

namespace voxkern::conv3d {

inline constexpr std::int64_t kBlock = 12;  // output channels that are computed together, at most
inline constexpr std::int64_t kLine = 16;   // floats that rows of scratch are padded to: a vector of any level

// One row of every channel on its way to scratch, with the zeros around it. Along x the input is split into `phases`
// rows: sample l of phase f is in[first + phase[f] + stride * l].
struct CopyRows {
    const float* in = nullptr;    // sample 0 of channel 0; null where the row lies outside
    std::int64_t in_channel = 0;  // strides
    std::int64_t in_x = 1;
    std::int64_t width = 0;  // samples of the input's row
    std::int64_t channels = 0;
    std::int64_t first = 0;
    std::int64_t stride = 1;
    const std::int64_t* phase = nullptr;
    std::int64_t phases = 1;
    float* out = nullptr;
    std::int64_t out_channel = 0;
    std::int64_t out_phase = 0;
    std::int64_t length = 0;  // samples to write of each phase
    std::int64_t ahead = 0;   // what lies so far from a sample is wanted soon; 0 where nothing is
};

// sums[c][x] = sum over rows, channels, taps of weights[row][channel][tap][c] * rows[row][channel][x + offset[tap]],
// for the samples of `vectors` vectors, which lie where the tables say.
struct Products {
    const float* const* rows = nullptr;  // where channel 0 of each row begins
    std::int64_t row_count = 0;
    std::int64_t channels = 0;
    std::int64_t channel_step = 0;
    const std::int64_t* offsets = nullptr;
    std::int64_t taps = 0;
    const float* weights = nullptr;
    std::int64_t block = 0;  // output channels: 1, 2, 4, 8 or 12
    // Long sums go in chains: rounding errors grow with the root of a chain's length, not of the whole.
    std::int64_t chain_rows = 1;
    std::int64_t chain_channels = 1;
    float* sums = nullptr;
    std::int64_t sums_step = 0;  // from a channel to the next
    std::int64_t vectors = 0;
    const std::int64_t* in_at = nullptr;
    const std::int64_t* sums_at = nullptr;
};

// One channel in, one out, three taps along y: sums[y][x] = sum over planes, rows, taps of
// weights[plane][row][tap] * planes[plane][y + row][x + offset[tap]].
struct Depthwise {
    static constexpr std::int64_t kRows = 4;  // computed together: each sample is loaded once for three of them

    const float* const* planes = nullptr;
    std::int64_t plane_count = 0;
    std::int64_t row_step = 0;  // of samples and of sums
    const std::int64_t* offsets = nullptr;
    std::int64_t taps = 0;
    const float* weights = nullptr;
    float* sums = nullptr;
    std::int64_t rows = 0;    // readable and writable up to the next multiple of kRows
    std::int64_t length = 0;  // up to the next vector
};

// How an axis goes through Winograd's transform: samples in, products, results out.
enum class Kind : int { direct, plain, f23, f43, f25 };

// Sums over what a unit writes of one channel: of differences from a number near their mean, and of their squares. Lane
// by lane of a vector of any level.
struct Tally {
    double sums[kLine];
    double squares[kLine];
    double count;
    float centre;
};

// Sums of several rows on their way out: out = activation(sums + bias + residual). Steps lead from a row to the next.
struct Rows {
    const float* sums = nullptr;
    std::int64_t sums_step = 0;
    std::int64_t count = 0;
    std::int64_t length = 0;        // results of a row
    std::int64_t results = 1;       // rows of sums that are woven into one: result k of each before result k + 1
    std::int64_t results_step = 0;  // from one of those to the next
    float* woven = nullptr;         // room for such a row
    const float* bias = nullptr;
    std::int64_t bias_step = 0;
    const float* residual = nullptr;  // null where there is none
    std::int64_t residual_step = 0;
    std::int64_t residual_x = 1;
    float* out = nullptr;
    std::int64_t out_step = 0;
    std::int64_t out_x = 1;
    Activation activation = Activation::none;
    float slope = 0.0F;
    bool streaming = false;  // past the caches
    Tally* tally = nullptr;  // of the first row; null where none is kept
    std::int64_t tally_step = 0;
};

struct Ops {
    std::int64_t lanes;
    void (*copy_rows)(const CopyRows&);
    void (*multiply)(const Products&);
    void (*depthwise)(const Depthwise&);
    // One axis of Winograd's transform, for n samples of each row, as whole vectors: to[k * step + x] from in[.][x].
    void (*forward)(Kind kind, const float* const* in, std::int64_t count, float* to, std::int64_t step,
                    std::int64_t n);
    void (*inverse)(Kind kind, const float* const* in, std::int64_t count, float* to, std::int64_t step,
                    std::int64_t n);
    void (*finish)(const Rows&);
    void (*fence)();  // after stores past the caches
};

VOXKERN_DECLARE_LEVELS(Ops, ops)

}  // namespace voxkern::conv3d

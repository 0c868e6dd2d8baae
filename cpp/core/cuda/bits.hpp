// SPDX-License-Identifier: Apache-2.0
// Masks as bits: rows of an array as words of 32 or 64 samples. A warp takes a word; its lanes are the samples. Where
// samples of other rows lie nearer than those of a row, as in Fortran order, a thread takes a word, and the lanes of a
// warp are such rows: they read and write side by side either way.
#pragma once

#include <cuda_runtime.h>

#include <cstdlib>

#include "core/cuda/block.hpp"
#include "core/cuda/launch.hpp"
#include "core/cuda/positions.hpp"
#include "core/view.hpp"

namespace voxkern::cuda {

// The words of all rows. Positions count words; offsets are those of a word's first sample in an array, of something of
// the kernel's own, and of the sample in its row.
struct BitRows {
    bool across = false;  // a thread takes a word; words are not counted in their order then
    Positions<3> words;
    std::int64_t stride = 0;  // of the array along a row
    std::int64_t width = 0;   // samples of a row
};

// `axes` count the rows: strides of the array, and the kernel's own. `step` is its own from word to word.
inline BitRows bit_rows(const Axes<2>& axes, std::int64_t width, std::int64_t stride, int samples, std::int64_t step) {
    BitRows rows;
    rows.width = width;
    rows.stride = stride;
    Axes<3> words;
    for (int a = 0; a < axes.rank(); ++a) {
        words.push(axes[a].extent, {axes[a].strides[0], axes[a].strides[1], 0});
    }
    words.push(ceil_div(width, samples), {samples * stride, step, samples});
    for (int a = 0; a < axes.rank(); ++a) {
        const bool nearer = std::abs(axes[a].strides[0]) < std::abs(stride);
        rows.across = rows.across || (nearer && axes[a].extent > 1 && width > 1);
    }
    if (rows.across) words.slowest_first(0);
    words.merge();
    rows.words = positions_of(words);
    return rows;
}

inline cudaLaunchConfig_t config_for(const BitRows& rows, cudaStream_t stream) {
    return config_for(rows.words.size * (rows.across ? 1 : kWarp), stream);
}

// Calls visit(word, offsets) for the words of this warp, in all of its lanes.
template <class Visit>
__device__ __forceinline__ void for_words(const BitRows& rows, const Visit& visit) {
    const std::int64_t step = position_step() / kWarp;
    for (std::int64_t word = first_position() / kWarp; word < rows.words.size; word += step) {
        visit(word, rows.words.at(word));
    }
}

__device__ __forceinline__ int lane_of_row() {
    return static_cast<int>(threadIdx.x) % kWarp;
}

// Bits of samples whose bits `counted` are not all zero, or are; those behind a row are `behind`. Words go to the
// kernel's own offsets.
template <class T, class W>
__global__ void pack_bits(const T* in, T counted, BitRows rows, bool zeros, bool behind, W* out) {
    for_words(rows, [&](std::int64_t, const auto& at) {
        W bits = 0;
        for (int first = 0; first < 8 * static_cast<int>(sizeof(W)); first += kWarp) {
            const std::int64_t i = first + lane_of_row();
            bool set = behind;
            if (at.of[2] + i < rows.width) {
                set = (static_cast<T>(in[at.of[0] + i * rows.stride] & counted) == 0) == zeros;
            }
            bits |= static_cast<W>(__ballot_sync(kAllLanes, set ? 1 : 0)) << first;
        }
        if (lane_of_row() == 0) out[at.of[1]] = bits;
    });
}

// The same, where a thread takes a word.
template <class T, class W>
__global__ void pack_across(const T* in, T counted, BitRows rows, bool zeros, bool behind, W* out) {
    for (std::int64_t p = first_position(); p < rows.words.size; p += position_step()) {
        const auto at = rows.words.at(p);
        W bits = 0;
#pragma unroll 8
        for (int i = 0; i < 8 * static_cast<int>(sizeof(W)); ++i) {
            bool set = behind;
            if (at.of[2] + i < rows.width) {
                set = (static_cast<T>(in[at.of[0] + i * rows.stride] & counted) == 0) == zeros;
            }
            bits |= static_cast<W>(set ? 1 : 0) << i;
        }
        out[at.of[1]] = bits;
    }
}

// Calls run(counted) for samples as the unsigned integers that their bits are: a sample is not zero where one of the
// bits `counted` is set. NaN and subnormal numbers are not zero, -0.0 is.
template <class Run>
void with_counted_bits(DType dtype, const Run& run) {
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - 8 * size_of(dtype) + (is_float(dtype) ? 1 : 0));
    switch (size_of(dtype)) {
        case 1: run(static_cast<std::uint8_t>(all)); return;
        case 2: run(static_cast<std::uint16_t>(all)); return;
        case 4: run(static_cast<std::uint32_t>(all)); return;
        default: run(all); return;
    }
}

// What is not zero is set, or what is zero.
template <class W>
void pack(const ConstArrayView& in, const BitRows& rows, bool zeros, bool behind, W* words, cudaStream_t stream) {
    with_counted_bits(in.dtype, [&](auto counted) {
        using T = decltype(counted);
        launch("pack_bits", config_for(rows, stream), rows.across ? pack_across<T, W> : pack_bits<T, W>,
               static_cast<const T*>(in.data), counted, rows, zeros, behind, words);
    });
}

}  // namespace voxkern::cuda

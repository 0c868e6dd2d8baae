// SPDX-License-Identifier: Apache-2.0
// Components on the GPU: runs in words of bits, the words of all rows, and what the host knows of them.
#pragma once

#include "core/axes.hpp"
#include "core/cuda/bits.hpp"
#include "kernels/label/label_cuda_task.hpp"

namespace voxkern::label {
namespace {

constexpr int kSamples = 32;  // of a word

// --- runs in words ---

__device__ __forceinline__ std::uint32_t starts_in(std::uint32_t word, bool along) {
    return along ? word & ~(word << 1) : word;
}

// The first bit of the run of a bit.
__device__ __forceinline__ int first_of_run(std::uint32_t word, int bit, bool along) {
    const std::uint32_t gaps = ~word & ((std::uint32_t{1} << bit) - 1);
    return along ? kSamples - __clz(static_cast<int>(gaps)) : bit;
}

// The bits of the run that starts there.
__device__ __forceinline__ std::uint32_t run_from(std::uint32_t word, int start, bool along) {
    const std::uint32_t rest = word >> start;
    const std::uint32_t run = along ? rest & ~(rest + 1) : 1;
    return run << start;
}

__device__ __forceinline__ int pop_bit(std::uint32_t& bits) {
    const int bit = __ffs(static_cast<int>(bits)) - 1;
    bits &= bits - 1;
    return bit;
}

// --- words of all rows ---

struct Grid {
    int rank = 0;  // axes that count rows
    bool along = false;
    std::int64_t shape[kMaxRank] = {};
    std::int64_t rows = 1;
    std::int64_t width = 0;
    std::int64_t words = 0;  // of a row

    VOXKERN_HD std::int64_t size() const { return rows * words; }
};

struct Word {
    std::int64_t row;
    std::int64_t in_row;
    std::int64_t sample;  // the number of its first one
};

template <class I>
__device__ __forceinline__ Word word_at(const Grid& grid, std::int64_t position) {
    const I row = static_cast<I>(position) / static_cast<I>(grid.words);
    Word word;
    word.row = row;
    word.in_row = position - word.row * grid.words;
    word.sample = word.row * grid.width + word.in_row * kSamples;
    return word;
}

// The axes of whose ends a row is one, as bits.
struct Ends {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

template <class I>
__device__ Ends ends_of(const Grid& grid, std::int64_t row) {
    I rest = static_cast<I>(row);
    Ends ends;
    for (int a = grid.rank - 1; a >= 0; --a) {
        const I n = static_cast<I>(grid.shape[a]);
        const I i = rest % n;
        rest /= n;
        ends.first |= static_cast<std::uint32_t>(i == 0) << a;
        ends.last |= static_cast<std::uint32_t>(i == n - 1) << a;
    }
    return ends;
}

template <class I>
__device__ __forceinline__ I root_at(const I* parent, I start) {
    const I value = parent[start];
    return value < 0 ? start : value;
}

// --- host side ---

using Components = DeviceComponents;

inline Grid grid_of(const Components& components) {
    Grid grid;
    grid.rank = components.rank - 1;
    for (int a = 0; a < grid.rank; ++a) {
        grid.shape[a] = components.shape[a];
        grid.rows *= components.shape[a];
    }
    grid.width = components.shape[grid.rank];
    grid.words = cuda::ceil_div(grid.width, kSamples);
    grid.along = components.along;
    return grid;
}

// Words of an array of the components' shape; own offsets count `step` from word to word, `per_row` from row to row.
inline cuda::BitRows rows_of(const Components& components, const std::int64_t* strides, std::int64_t per_row,
                             std::int64_t step) {
    std::int64_t own[kMaxRank];
    for (int a = components.rank - 2; a >= 0; --a) {
        own[a] = per_row;
        per_row *= components.shape[a];
    }
    Axes<2> rows;
    for (int a = 0; a < components.rank - 1; ++a) rows.push(components.shape[a], {strides[a], own[a]});
    const int last = components.rank - 1;
    return cuda::bit_rows(rows, components.shape[last], strides[last], kSamples, step);
}

// Own offsets are numbers of samples.
inline cuda::BitRows sample_rows(const Components& components, const ArrayView& view) {
    return rows_of(components, view.strides, components.shape[components.rank - 1], kSamples);
}

// Calls run(parents) with the type of index that the components have.
template <class Run>
void with_parents(const Components& components, const Run& run) {
    if (components.narrow) {
        run(reinterpret_cast<int*>(components.parents.data()));
    } else {
        run(reinterpret_cast<long long*>(components.parents.data()));
    }
}

}  // namespace
}  // namespace voxkern::label

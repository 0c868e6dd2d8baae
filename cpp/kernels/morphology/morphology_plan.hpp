// SPDX-License-Identifier: Apache-2.0
// Where the bits of a mask lie, and which words are combined.
#pragma once

#include <vector>

#include "kernels/morphology/morphology.hpp"

namespace voxkern::morphology {

// Bits of rows with room for what lies outside: behind each row, and behind the last row, plane and so on, come as
// many words, rows, planes as the structure reaches. What is behind one row is before the next, so that a neighbour is
// the same number of words away from every sample.
struct Layout {
    int rank = 0;
    std::int64_t shape[kMaxRank] = {};
    std::int64_t strides[kMaxRank] = {};  // words from one step along each axis to the next, but for the last axis
    std::int64_t words = 0;               // of a row
    std::int64_t first = 0;               // word of the first row
    std::int64_t total = 0;

    std::int64_t width() const { return shape[rank - 1]; }
    // Words from one row of a strip, which holds the rows of the last axis but one, to the next.
    std::int64_t row_step() const { return rank > 1 ? strides[rank - 2] : words; }
    std::int64_t rows() const { return rank > 1 ? shape[rank - 2] : 1; }
    std::int64_t strips() const {
        std::int64_t n = 1;
        for (int a = 0; a < rank - 2; ++a) n *= shape[a];
        return n;
    }
    std::int64_t word_of_strip(std::int64_t strip) const;
};

enum class Buffer { before, after, runs };

// Bit i of it is bit i + shift of the words `offset` further in the buffer; shift is below 64.
struct Tap {
    Buffer from = Buffer::before;
    std::int64_t offset = 0;
    int shift = 0;
};

struct Pass {
    Buffer to = Buffer::after;
    std::vector<Tap> taps;  // those without a shift first
    std::int64_t unshifted = 0;
};

struct PlannedStep {
    bool any = false;
    bool border = false;
    bool outside_decides = false;  // a neighbour is outside for every sample, and that settles the result
    bool settles = false;          // samples count themselves: repeated, the result changes in one direction
    std::int64_t iterations = 1;
    std::vector<Pass> passes;
};

struct Plan {
    Layout layout;
    std::vector<PlannedStep> steps;
};

// The axes with more than one sample, those of small steps in the result last; one axis at least.
std::vector<int> order_of(const ArrayView& out);

// The bits have these axes of the array in this order; the other axes have one sample.
Plan plan_of(const std::int64_t* shape, const std::vector<int>& order, const std::vector<Step>& steps);

}  // namespace voxkern::morphology

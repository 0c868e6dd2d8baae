// SPDX-License-Identifier: Apache-2.0
// A selection network: which samples are compared with which, and in which rows they stand meanwhile.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/rank/rank_task.hpp"

namespace voxkern::rank {

// Steps and operands of a program. Operands are rows but for those of taps.
struct Code {
    std::vector<Step> steps;
    std::vector<std::int32_t> operands;
    std::int32_t rows = 0;  // that it works on

    // The same for rows of `width` elements, with the first rows moved: place(row) says where they are.
    template <class Place>
    std::pair<std::vector<Step>, std::vector<std::int32_t>> placed(std::int64_t width, const Place& place) const {
        std::vector<std::int32_t> moved = operands;
        for (const Step& step : steps) {
            const int taps = step.op == Op::sort ? step.p : 0;
            const int end = operands_of(step);
            for (int i = taps; i < end; ++i) {
                auto& operand = moved[static_cast<std::size_t>(step.first + i)];
                operand = static_cast<std::int32_t>(place(operand) * width);
            }
        }
        return {steps, std::move(moved)};
    }

    static int operands_of(const Step& step);
};

class Network {
  public:
    using Value = std::int32_t;
    using List = std::vector<Value>;  // smallest first

    // Values that stand in fixed rows before the program starts.
    List given(std::int32_t first_row, std::int32_t count);

    // Sorts samples of the staged rows.
    List sort(const std::vector<std::int32_t>& taps);

    List merge(const List& a, const List& b);
    List merge(std::vector<List> lists);  // the shortest first

    // The k-th smallest of the values of both lists.
    Value select(const List& a, const List& b, std::int64_t k);

    // The same of many samples.
    Value select(const std::vector<std::int32_t>& taps, std::int64_t k);

    // Which of the given rows the values need.
    std::vector<bool> needs(const List& values, std::int32_t rows) const;

    // The code that leaves each value in its row, without what no value needs. Scratch rows start at `free_row`.
    Code code(const std::vector<std::pair<Value, std::int32_t>>& results, std::int32_t free_row) const;

  private:
    struct Node {
        Op op;
        std::int32_t p;
        std::int32_t q;
        std::vector<std::int32_t> sources;  // taps of a sort, else values
        Value first;                        // of its results
        std::int32_t count;
    };

    Value add(Op op, std::int32_t p, std::int32_t q, std::vector<std::int32_t> sources, std::int32_t count);
    std::vector<bool> needed(const List& values) const;

    std::vector<Node> nodes_;
    std::vector<std::int32_t> given_row_;  // of each value; -1: a node makes it
};

}  // namespace voxkern::rank

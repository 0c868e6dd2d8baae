// SPDX-License-Identifier: Apache-2.0
#include "kernels/label/label_plan.hpp"

#include "core/axes.hpp"

namespace voxkern::label {

Plan plan_of(int rank, const std::int64_t* shape, const std::vector<bool>& structure) {
    const auto size = static_cast<std::int64_t>(structure.size());
    Plan plan;
    plan.along = structure[static_cast<std::size_t>(size / 2 + 1)];
    std::int64_t threes[kMaxRank];
    std::fill_n(threes, rank, 3);
    for (std::int64_t row = 0; 3 * row + 3 <= size / 2; ++row) {  // those before the centre's
        const auto at = static_cast<std::size_t>(3 * row);
        Neighbour neighbour;
        neighbour.before = structure[at];
        neighbour.beside = structure[at + 1];
        neighbour.behind = structure[at + 2];
        if (!neighbour.before && !neighbour.beside && !neighbour.behind) continue;
        std::int64_t index[kMaxRank];
        unravel(row, rank - 1, threes, index);
        for (int a = 0; a < rank - 1; ++a) {
            neighbour.steps.push_back(index[a] - 1);
            neighbour.rows = neighbour.rows * shape[a] + index[a] - 1;
        }
        plan.neighbours.push_back(neighbour);
    }
    return plan;
}

}  // namespace voxkern::label

// SPDX-License-Identifier: Apache-2.0
#include "kernels/edt/edt_plan.hpp"

namespace voxkern::edt {
namespace {

constexpr int kMostParts = 256;        // of the smallest step
constexpr double kRounding = 0x1p-50;  // of a ratio of two steps: that of decimals, and of the division

}  // namespace

double whole_steps(const ConstArrayView& in, const std::vector<double>& sampling, std::vector<double>& steps) {
    const double smallest = *std::min_element(sampling.begin(), sampling.end());
    for (int parts = 1; parts <= kMostParts; ++parts) {
        bool whole = true;
        double diagonal = 0.0;
        for (std::size_t a = 0; a < sampling.size(); ++a) {
            const double ratio = sampling[a] / smallest * parts;
            steps[a] = std::round(ratio);
            whole = whole && std::abs(ratio - steps[a]) <= kRounding * ratio;
            const double way = steps[a] * static_cast<double>(in.shape[a] + 1);
            diagonal += way * way;
        }
        if (diagonal >= static_cast<double>(kFar<std::int32_t>)) return 0.0;
        if (whole) return smallest / parts;
    }
    return 0.0;
}

}  // namespace voxkern::edt

// SPDX-License-Identifier: Apache-2.0
// What the voxels inside a mask have in common: moments, extremes, histograms, order statistics, their bounding box;
// see README.md in this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/moments.hpp"
#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::measure {

// Voxels that count: those where the mask is not zero, or all without one. A mask has the shape of the image.
struct Image {
    ConstArrayView voxels;
    std::optional<ConstArrayView> mask;
};

struct Extremes {
    std::int64_t count = 0;        // voxels that took part
    std::int64_t not_numbers = 0;  // NaN among them
    double minimum = 0.0;          // of the others; infinity and minus infinity where there are none
    double maximum = 0.0;
};

// Two neighbours in the order of the values, and how far from the first to the second a quantile lies.
struct Quantiles {
    std::int64_t count = 0;         // voxels that took part
    std::int64_t not_numbers = 0;   // NaN among them; the neighbours are then left as they were
    std::vector<double> fractions;  // one for each quantile, 0 <= fraction < 1
};

// Indices [first, last] along each axis. No voxel counts where first > last.
struct Box {
    std::int64_t first[kMaxRank];
    std::int64_t last[kMaxRank];
};

}  // namespace voxkern::measure

namespace voxkern::cpu {

// Sums are float64, of blocks that are joined in their order.
Moments measure(const measure::Image& image, const Exec& exec);

measure::Extremes measure_extremes(const measure::Image& image, const Exec& exec);

// Voxels in each of the bins between `edges`, which rise in equal steps but for their rounding: edges[i] <= x <
// edges[i + 1]; the last bin has its upper edge too. Voxels beyond all bins, and NaN, are not counted.
std::vector<std::int64_t> measure_histogram(const measure::Image& image, const std::vector<double>& edges,
                                            const Exec& exec);

// The values with the ranks floor(h) and floor(h) + 1 in increasing order, h = (count - 1) * q, for each q of
// `quantiles`, from 0 to 1. They go to `neighbours`: a row of two per quantile, side by side, of the image's dtype.
measure::Quantiles measure_quantiles(const measure::Image& image, const std::vector<double>& quantiles,
                                     const ArrayView& neighbours, const Exec& exec);

// The box around the voxels that are not zero, or that are above a threshold; compared in float64. Takes no mask.
measure::Box measure_box(const ConstArrayView& in, const std::optional<double>& threshold, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`. Their results are numbers on the host, so they wait for one
// small copy. `neighbours` is memory of the host.
Moments measure(const measure::Image& image, const Exec& exec);
measure::Extremes measure_extremes(const measure::Image& image, const Exec& exec);
std::vector<std::int64_t> measure_histogram(const measure::Image& image, const std::vector<double>& edges,
                                            const Exec& exec);
measure::Quantiles measure_quantiles(const measure::Image& image, const std::vector<double>& quantiles,
                                     const ArrayView& neighbours, const Exec& exec);
measure::Box measure_box(const ConstArrayView& in, const std::optional<double>& threshold, const Exec& exec);

// What normalise_by takes, left in device memory: nobody waits. `line` becomes mean and 1 / deviation, NaN where voxels
// do not differ, are not finite or none counts. `limits` become two quantiles, interpolated as NumPy does; NaN where a
// voxel is NaN, a limit lies next to an infinity or none counts.
void measure_line(const measure::Image& image, double* line, const Exec& exec);
void measure_limits(const measure::Image& image, double low, double high, double* limits, const Exec& exec);

}  // namespace voxkern::cuda

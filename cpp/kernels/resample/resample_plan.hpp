// SPDX-License-Identifier: Apache-2.0
// Where every output sample reads and with which weights, and in which order the axes are walked: decided once, for
// either back end.
#pragma once

#include "core/axes.hpp"
#include "kernels/resample/resample.hpp"
#include "kernels/resample/resample_task.hpp"

namespace voxkern::resample {

// An AxisPlan and the memory its pointers lead to. Moves, never copies.
template <class C>
class AxisTables {
  public:
    AxisTables() = default;
    AxisTables(AxisTables&&) = default;
    AxisTables& operator=(AxisTables&&) = default;

    // Samples 0, 1, ... n-1 of a line, as they are.
    static AxisTables identity(std::int64_t n);

    // The samples of `axis` on a line of n samples.
    AxisTables(std::int64_t n, const AxisSampling& axis, const Options& options);

    // Permutations in place of gathers, where the level has them and the taps lie near each other.
    void plan_picks(std::int64_t lanes);

    const AxisPlan<C>& plan() const { return plan_; }
    bool empty() const { return index_.empty(); }

  private:
    void smooth(double sigma, Boundary mode);

    AxisPlan<C> plan_;
    OwnedPrefilter<C> prefilter_;
    std::vector<std::int64_t> index_;
    std::vector<C> weights_;
    std::vector<unsigned char> outside_;
    std::vector<C> smooth_weights_;
    std::vector<std::int64_t> smooth_extension_;
    OwnedPicks<C> picks_;
};

// Axes whose samples are not simply the input's.
std::vector<int> changed_axes(const ConstArrayView& in, const std::vector<AxisSampling>& axes, const Options& options);

// The axes in the order they are walked: three to interpolate, slowest first, the rest looped over.
struct AxisOrder {
    std::vector<int> walked;
    Axes<2> batch;
};
AxisOrder order_axes(const ConstArrayView& in, const ArrayView& out, std::vector<int> changed, const Options& options);

bool computes_in_f32(DType in, DType out, const Options& options);

// One volume of three axes. Axes the array lacks have one sample and come first.
template <class C>
struct VolumePlan {
    // `chosen` lists the axes that are interpolated; others stay as they are.
    VolumePlan(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
               const Options& options, const std::vector<int>& walked, const std::vector<int>& chosen,
               std::int64_t pick_lanes);

    AxisTables<C> axis[3];
    // The slowest axis needs a pass of its own where it is filtered. The volume between the passes has as few planes
    // as it can: coefficients (then `coefficients` is set), or interpolated planes (then `interpolated` is).
    bool two_passes = false;
    AxisTables<C> coefficients;
    AxisTables<C> interpolated;
    Task<C> task;
};

}  // namespace voxkern::resample

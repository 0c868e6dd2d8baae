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
    AxisTables(std::int64_t n, const AxisSampling& axis, const Options& options, const Exec& exec);

    // Permutations in place of gathers, where the level has them and the taps lie near each other.
    void plan_picks(std::int64_t lanes);

    const AxisPlan<C>& plan() const { return plan_; }
    bool empty() const { return index_.empty(); }

  private:
    void smooth(double sigma, Boundary mode);
    void fill(const AxisSampling& axis, const Options& options, double gain, const Exec& exec);

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

// The same, in rounds that are interpolated one after another: three axes each, the fastest first, or two where the
// fastest axis is one that stays (channels). It then gives the rows, and no round reads every channel's samples apart.
// The axis of a few very long lines goes first and alone.
std::vector<std::vector<int>> rounds_of(const ConstArrayView& in, const ArrayView& out,
                                        const std::vector<AxisSampling>& axes, const Options& options);

// Shape of what a round makes of `from`, with the strides of the result.
ArrayView after_round(const ConstArrayView& from, const ArrayView& out, const std::vector<int>& chosen);

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
               std::int64_t pick_lanes, const Exec& exec = {});

    AxisTables<C> axis[3];
    // The slowest axis needs a pass of its own where it is filtered. The volume between the passes has as few planes
    // as it can: coefficients, or interpolated planes.
    bool two_passes = false;
    bool interpolates = false;
    AxisTables<C> between;
    Task<C> task;

  private:
    void plan_passes();
};

// The output takes its samples from the input as they are: order 0 from a dtype to itself.
bool gathers(DType in, DType out, const std::vector<AxisSampling>& axes, const Options& options);
bool gathers(DType in, DType out, const AxisSampling& axis, const Options& options);  // a list would copy it

// Some axis has cells.
bool has_cells(const std::vector<AxisSampling>& axes);

// Weights of the Gaussian that an axis is smoothed with.
template <class C>
std::vector<C> smoothing_weights(double sigma);

// cval is blended in: what is interpolated are the samples less cval, so that what lies outside is zero.
bool blends_cval(const Options& options, const AxisSampling& axis);

// The sample at c is cval whatever mode `constant` or `fov` interpolates there; other modes have no such samples.
bool is_outside(double c, std::int64_t n, const Options& options);

// Calls call(in, out, axes) once; with clip_axes once for each of their indices, of which the views then have one.
template <class Call>
void for_each_clipped(const ConstArrayView& in, const ArrayView& out, const std::vector<AxisSampling>& axes,
                      const Options& options, const Call& call) {
    if (!options.clip || options.clip_axes.empty()) {
        call(in, out, axes);
        return;
    }
    Axes<2> slices;
    ConstArrayView from = in;
    ArrayView to = out;
    std::vector<AxisSampling> samplings = axes;
    for (const int a : options.clip_axes) {
        slices.push(in.shape[a], {in.strides[a], out.strides[a]});
        from.shape[a] = to.shape[a] = 1;
        samplings[static_cast<std::size_t>(a)] = {{0.0}};
    }
    for (std::int64_t slice = 0; slice < slices.size(); ++slice) {
        const Axes<2>::Offsets at = slices.at(slice);
        from.data = in.at(at[0]);
        to.data = out.at(at[1]);
        call(from, to, samplings);
    }
}

}  // namespace voxkern::resample

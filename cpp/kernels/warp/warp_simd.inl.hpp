// SPDX-License-Identifier: Apache-2.0
// Runs of warp and push, compiled once per ISA level. A run is kRun grid points, the lanes of its loops. A shorter run
// goes on past its end, so that loops have a fixed length; only `count` results are stored.
//
//   step          file                       sets in RunState
//   coordinates   warp_coordinates.inl.hpp   at: where each lane looks the image up, per axis; place skips it for a
//                                            straight run inside
//   place         warp_place.inl.hpp         corner: its first tap; fraction: the rest, per axis; lanes: its state
//   weigh         warp_weigh.inl.hpp         weights: of its taps, per axis (padded copies alone)
//   take          warp_take.inl.hpp          result: the weighted sum of its neighbours
//   finish        this file                  result: of lanes that have a state; then limits and the store
//   push          warp_push.inl.hpp          (the adjoint of take, after coordinates, place and weigh)
//
// The state of a lane is a set of bits, collected over the axes. The highest bit decides. `place` sets them and moves
// a marked lane to coordinate 0, so that `take` reads existing samples; `finish` replaces its result.
//
//   bit           meaning                                                       result
//   none          every tap exists as it is                                     the sum of take
//   kGeneral      taps have to be folded, or lie beyond the copy's margin       sample_at
//   kOutside      the point is outside, whatever the other axes say             cval; of a slope: 0
//   kNotANumber   the coordinate is NaN where NaN beats an axis outside         sample_at
//
// Where the whole run lies inside the image, RunState::inside is set and `lanes` has no meaning. push knows kGeneral
// alone: a value so near an end that its taps may have to be folded.
//
// What `place` does with a coordinate outside [0, n - 1]:
//
//   mode            the image as it is (orders 0, 1)              a padded copy
//   constant        kOutside                                      kOutside
//   fov             clamped; half a voxel further out: kOutside   read as it is (2 taps: clamped); then kOutside
//   nearest         clamped                                       as grid_constant (2 taps: clamped)
//   grid_constant   kGeneral, with kOutside where no tap is       read as it is; beyond the margin: kGeneral
//                   inside, with kNotANumber for NaN
//   others          folded; still outside: kGeneral;              folded; NaN or beyond kFar: kOutside
//                   NaN or beyond kFar: kOutside
//   slopes, any     (always a padded copy)                        kGeneral, as a fold may change the sign
#include "core/simd/intrinsics.hpp"
#include "kernels/warp/warp_math.hpp"
#include "kernels/warp/warp_task.hpp"

namespace voxkern::warp {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"
//
#include "core/simd/convert.inl.hpp"
//
#include "kernels/warp/warp_run.inl.hpp"
//
#include "kernels/warp/warp_coordinates.inl.hpp"
#include "kernels/warp/warp_place.inl.hpp"
#include "kernels/warp/warp_take.inl.hpp"
#include "kernels/warp/warp_weigh.inl.hpp"
//
#include "kernels/warp/warp_push.inl.hpp"

// One sample by itself. What depends on the dtype is apart, as the rest is long.
double general_sample(const Source& source, double (*sum)(const Source&, const AxisTaps*), const double* c) {
    AxisTaps taps[kMaxAxes];
    double constant;
    return locate_sample(source, c, taps, &constant) ? sum(source, taps) : constant;
}

template <class T>
double sum_taps_of(const Source& source, const AxisTaps* taps) {
    return sum_taps(source, taps, Samples<T>{source.base});
}

template <class C>
void finish_general(const Task& task, const Run& run, RunState<C>& state) {
    std::int64_t any = 0;
    for (int l = 0; l < kRun; ++l) any |= state.lanes[l];
    if ((any & (kGeneral | kNotANumber)) == 0) return;
    double (*sum)(const Source&, const AxisTaps*) = nullptr;
    switch (task.source.dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: sum = sum_taps_of<T>; break;
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    for (std::int64_t l = 0; l < run.count; ++l) {
        if (state.lanes[l] != kGeneral && state.lanes[l] < kNotANumber) continue;
        double c[kMaxAxes];
        for (int a = 0; a < task.source.axes; ++a) c[a] = state.at[a][l];
        state.result[l] = static_cast<C>(general_sample(task.source, sum, c));
    }
}

// Sums become results: cval outside, and back where the padded copy holds the samples less cval.
template <class C>
void finish_cval(const Source& source, RunState<C>& state) {
    const C outside = static_cast<C>(value_outside(source));
    const C back = source.cval_subtracted && source.slope_axis < 0 ? static_cast<C>(source.cval) : C(0);
    if (!state.inside) {
        for (int l = 0; l < kRun; ++l) state.result[l] = (state.lanes[l] & kOutside) != 0 ? outside : state.result[l];
    }
    if (back != C(0)) {
        for (int l = 0; l < kRun; ++l) {
            state.result[l] += state.inside || (state.lanes[l] & kOutside) == 0 ? back : C(0);
        }
    }
}

template <class C>
void store_run(const Task& task, const Run& run, RunState<C>& state) {
    if (task.limits) {  // NaN stays
        const C lowest = static_cast<C>(task.lowest);
        const C highest = static_cast<C>(task.highest);
        for (int l = 0; l < kRun; ++l) {
            const C x = state.result[l];
            state.result[l] = x < lowest ? lowest : (x > highest ? highest : x);
        }
    }
    const auto store_line = store_row_of<RoundSaturate, C>(task.grid.dtype);
    store_line(state.result, grid_address(task, run), task.grid.strides[task.run_axis], run.count);
}

template <class C>
void warp_run(const Task& task, const Run& run) {
    const Source& source = task.source;
    RunState<C> state;
    if (!task.one_by_one) {
        place_run(task, run, state);
        if (state.taken) {
            // The hardware foresees straight lines through memory only.
            const char* const soon = source.base + task.prefetch * source.itemsize;
            for (int l = 0; l < kRun; l += 4) __builtin_prefetch(soon + state.corner[l] * source.itemsize);
            if (source.padded()) {
                weigh_run(source, state);
                take_padded(source, state);
            } else {
                take_direct(source, state);
            }
        }
        finish_cval(source, state);
    } else {
        find_coordinates(task.map, task.run_axis, run, state);
        state.inside = false;
        for (int l = 0; l < kRun; ++l) state.lanes[l] = kGeneral;
    }
    if (!state.inside) finish_general(task, run, state);
    store_run(task, run, state);
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {{warp_run<float>, reach_of_run<float>, push_run<float>},
                                  {warp_run<double>, reach_of_run<double>, push_run<double>}};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::warp

// SPDX-License-Identifier: Apache-2.0
// The state of a run, and how its loops are chosen. Included inside a level's namespace by warp_simd.inl.hpp.

// Bits of a lane's state. See the table in warp_simd.inl.hpp.
constexpr std::int64_t kGeneral = 1;
constexpr std::int64_t kOutside = 2;
constexpr std::int64_t kNotANumber = 4;

template <class C>
struct RunState {
    alignas(64) double at[kMaxAxes][kRun];    // coordinates as the map gives them
    double place[kRun];                       // of the first tap, in elements from the base; exact in double
    std::int64_t corner[kRun];                // the same as an integer
    std::int64_t lanes[kRun];                 // states; without meaning where the run is inside
    alignas(64) C fraction[kFastAxes][kRun];  // coordinates less the anchor of their taps
    alignas(64) C weights[kFastAxes][kMaxInterpolatorTaps][kRun];
    alignas(64) C result[kRun];
    bool inside;  // no lane has a state
    bool taken;   // some lane is inside: there is something to take
};

template <int N>
struct Constant {
    static constexpr int value = N;
};

template <class F>
void with_axes(int axes, F&& f) {
    switch (axes) {
        case 1: f(Constant<1>{}); break;
        case 2: f(Constant<2>{}); break;
        default: f(Constant<3>{}); break;
    }
}

template <class F>
void with_spline_taps(int taps, F&& f) {
    switch (taps) {
        case 1: f(Constant<1>{}); break;
        case 2: f(Constant<2>{}); break;
        case 3: f(Constant<3>{}); break;
        case 4: f(Constant<4>{}); break;
        case 5: f(Constant<5>{}); break;
        default: f(Constant<6>{}); break;
    }
}

// Where the values of a run lie in the array on the grid.
inline char* grid_address(const Task& task, const Run& run) {
    std::int64_t offset = 0;
    for (int j = 0; j < task.map.grid_axes; ++j) offset += run.at[j] * task.grid.strides[j];
    return task.grid.base + offset * task.grid.itemsize;
}

// SPDX-License-Identifier: Apache-2.0
// The adjoint: values of a run are added to the samples under their taps. Included inside a level's namespace by
// warp_simd.inl.hpp.

// How far from the ends no tap has to be folded.
inline double fold_margin(const Interpolator& kernel) {
    return kernel.taps() <= 2 ? 0.0 : static_cast<double>(kernel.order / 2 + 1);
}

// The planes that the taps of a run reach.
template <class C>
Planes reach_of_run(const Task& task, const Run& run) {
    const Source& source = task.source;
    RunState<C> state;
    find_coordinates(task.map, task.run_axis, run, state);
    const double* const c = state.at[0];
    const double margin = fold_margin(source.kernel);
    const double last = static_cast<double>(source.shape[0] - 1) - margin;
    const int taps = source.kernel.taps();
    Planes planes = {source.shape[0] + 2 * source.pad, 0};
    for (std::int64_t l = 0; l < run.count; ++l) {
        if (c[l] >= margin && c[l] < last) {
            const std::int64_t start = spline_start(c[l], source.kernel.order) + source.pad;
            planes.begin = start < planes.begin ? start : planes.begin;
            planes.end = start + taps > planes.end ? start + taps : planes.end;
        } else if (is_foldable(c[l])) {
            AxisTaps axis;
            if (!interpolator_taps(c[l], source.shape[0], source.pad, source.kernel, source.mode, axis.index,
                                   axis.weight)) {
                continue;
            }
            for (int t = 0; t < taps; ++t) {
                planes.begin = axis.index[t] < planes.begin ? axis.index[t] : planes.begin;
                planes.end = axis.index[t] + 1 > planes.end ? axis.index[t] + 1 : planes.end;
            }
        }
    }
    return planes;
}

// Marks lanes less than `margin` from an end.
template <class C>
void mark_ends(const Source& source, double margin, RunState<C>& state) {
    for (int l = 0; l < kRun; ++l) state.lanes[l] = 0;
    for (int a = 0; a < source.axes; ++a) {
        const double last = static_cast<double>(source.shape[a] - 1) - margin;
        const double* const c = state.at[a];
        for (int l = 0; l < kRun; ++l) state.lanes[l] |= ((c[l] >= margin) & (c[l] < last)) ? 0 : kGeneral;
    }
}

// Lanes without a state. K taps along every axis, 0: as many as the kernel has.
template <int K, class C>
void push_inside(const Source& source, const Run& run, const Planes& planes, const C* values, const RunState<C>& state,
                 C* sum) {
    const int taps = K > 0 ? K : source.kernel.taps();
    const int last = source.axes - 1;
    const int rows = last > 1 ? taps : 1;
    const std::int64_t sy = last > 1 ? source.strides[1] : 0;
    const auto& wx = state.weights[last];
    std::int64_t padding = 0;  // corner counts from sample 0, sum from the pad on
    for (int a = 0; a <= last; ++a) padding += source.pad * source.strides[a];
    for (std::int64_t l = 0; l < run.count; ++l) {
        if (state.lanes[l] != 0) continue;
        const std::int64_t first = spline_start(state.at[0][l], source.kernel.order) + source.pad;
        C* const corner = sum + padding + state.corner[l];
        const std::int64_t begin = planes.begin > first ? planes.begin - first : 0;
        const std::int64_t end = planes.end - first < taps ? planes.end - first : taps;
        for (std::int64_t z = begin; z < end; ++z) {
            const C plane = values[l] * state.weights[0][z][l];
            if (last == 0) {
                corner[z] += plane;
                continue;
            }
            for (int y = 0; y < rows; ++y) {
                const C row = rows > 1 ? plane * state.weights[1][y][l] : plane;
                C* const to = corner + z * source.strides[0] + y * sy;
                for (int x = 0; x < taps; ++x) to[x] += row * wx[x][l];
            }
        }
    }
}

// One value by itself, its taps folded.
template <class C>
void push_general(const Source& source, const double* c, const Planes& planes, double value, C* sum) {
    AxisTaps axis[kMaxAxes];
    for (int a = 0; a < source.axes; ++a) {
        if (!is_foldable(c[a]) || !interpolator_taps(c[a], source.shape[a], source.pad, source.kernel, source.mode,
                                                     axis[a].index, axis[a].weight)) {
            return;
        }
    }
    int tap[kMaxAxes] = {};
    do {
        const std::int64_t plane = axis[0].index[tap[0]];
        if (plane < planes.begin || plane >= planes.end) continue;
        double weight = value;
        std::int64_t place = 0;
        for (int a = 0; a < source.axes; ++a) {
            weight *= axis[a].weight[tap[a]];
            place += axis[a].index[tap[a]] * source.strides[a];
        }
        sum[place] += static_cast<C>(weight);
    } while (next_tap(source.axes, source.kernel.taps(), tap));
}

template <class C>
void push_run(const Task& task, const Run& run, const Planes& planes, C* sum) {
    const Source& source = task.source;
    RunState<C> state;
    find_coordinates(task.map, task.run_axis, run, state);
    C values[kRun];
    load_row_of<C>(task.grid.dtype)(grid_address(task, run), task.grid.strides[task.run_axis], values, run.count);
    if (source.axes <= kFastAxes) {
        mark_ends(source, fold_margin(source.kernel), state);
        place_inside(source, state);
        weigh_run(source, state);
        switch (source.kernel.taps()) {
            case 2: push_inside<2>(source, run, planes, values, state, sum); break;
            case 4: push_inside<4>(source, run, planes, values, state, sum); break;
            default: push_inside<0>(source, run, planes, values, state, sum); break;
        }
    } else {
        for (int l = 0; l < kRun; ++l) state.lanes[l] = kGeneral;
    }
    for (std::int64_t l = 0; l < run.count; ++l) {
        if (state.lanes[l] == 0) continue;
        double c[kMaxAxes];
        for (int a = 0; a < source.axes; ++a) c[a] = state.at[a][l];
        push_general(source, c, planes, static_cast<double>(values[l]), sum);
    }
}

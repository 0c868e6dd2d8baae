// SPDX-License-Identifier: Apache-2.0
// The first tap of every lane, the fraction beyond it, and the state of lanes that are not simply inside. Included
// inside a level's namespace by warp_simd.inl.hpp, whose table says what happens to which coordinate.

// A whole double of less than 2^51 as an integer, by way of its bits: vectors of 64-bit integers have no
// conversion of their own below AVX-512.
inline std::int64_t whole(double x) {
    constexpr double shift = 6755399441055744.0;  // 1.5 * 2^52
    const double moved = x + shift;
    std::int64_t bits;
    __builtin_memcpy(&bits, &moved, sizeof(bits));
    return bits - 0x4338000000000000;
}

// Samples from the anchor of a coordinate back to its first tap.
inline double taps_before(const Interpolator& kernel) {
    return static_cast<double>(kernel.radius > 0 ? kernel.radius - 1 : kernel.order / 2);
}

// Anchors are the sample below, or the nearest one where the number of taps is odd.
inline double anchor_shift(const Interpolator& kernel) {
    return kernel.radius > 0 || (kernel.order & 1) != 0 ? 0.0 : 0.5;
}

// --- coordinates outside [0, last] are brought inside, or their lanes are marked --------------------------------

inline void mark_general(double last, bool blends, double* VOXKERN_RESTRICT c, std::int64_t* VOXKERN_RESTRICT lanes) {
    for (int l = 0; l < kRun; ++l) {
        const bool in = (c[l] >= 0.0) & (c[l] <= last);
        const bool no_tap_inside = blends & ((c[l] <= -1.0) | (c[l] >= last + 1.0));
        lanes[l] |=
            (in ? 0 : kGeneral) | (no_tap_inside ? kOutside : 0) | ((blends & (c[l] != c[l])) ? kNotANumber : 0);
        c[l] = in ? c[l] : 0.0;
    }
}

// The padded copy holds some of the samples beyond the ends: place_padded looks at that.
inline void mark_far(double last, double* VOXKERN_RESTRICT c, std::int64_t* VOXKERN_RESTRICT lanes) {
    const double limit = last + 100.0;
    for (int l = 0; l < kRun; ++l) {
        const bool near = (c[l] >= -limit) & (c[l] <= 2.0 * limit);
        lanes[l] |= near ? 0 : kGeneral;
        c[l] = near ? c[l] : 0.0;
    }
}

// NaN stays.
inline void clamp_lanes(double last, double* VOXKERN_RESTRICT c) {
    for (int l = 0; l < kRun; ++l) {
        c[l] = c[l] < 0.0 ? 0.0 : c[l];
        c[l] = c[l] > last ? last : c[l];
    }
}

inline void mark_outside(const Source& source, double last, double* VOXKERN_RESTRICT c,
                         std::int64_t* VOXKERN_RESTRICT lanes) {
    const bool fov = source.mode == Boundary::fov;  // ITK's interval is half open
    const double low = fov ? -0.5 : 0.0;
    const double high = fov ? last + 0.5 : last;
    const bool clamps = source.kernel.taps() <= 2;
    for (int l = 0; l < kRun; ++l) {
        const bool in = (c[l] >= low) & (fov ? c[l] < high : c[l] <= high);
        lanes[l] |= in ? 0 : kOutside;
        const double from_below = c[l] < 0.0 ? 0.0 : c[l];
        const double clamped = from_below > last ? last : from_below;
        c[l] = in ? (clamps ? clamped : c[l]) : 0.0;
    }
}

inline void fold_lanes(const Source& source, int a, double* VOXKERN_RESTRICT c, std::int64_t* VOXKERN_RESTRICT lanes) {
    const double last = static_cast<double>(source.shape[a] - 1);
    for (int l = 0; l < kRun; ++l) {
        if (c[l] >= 0.0 && c[l] <= last) continue;
        std::int64_t state = kOutside;
        if (is_foldable(c[l])) {
            c[l] = fold_coordinate(c[l], source.shape[a], source.mode).value;
            state = source.padded() || (c[l] >= 0.0 && c[l] <= last) ? 0 : kGeneral;
        }
        lanes[l] |= state;
        if (state != 0) c[l] = 0.0;
    }
}

inline void bring_inside(const Source& source, int a, double* c, std::int64_t* lanes) {
    const double last = static_cast<double>(source.shape[a] - 1);
    std::int64_t beyond = 0;
    for (int l = 0; l < kRun; ++l) beyond |= ((c[l] >= 0.0) & (c[l] <= last)) ? 0 : 1;
    if (beyond == 0) return;
    const bool blends = source.mode == Boundary::grid_constant;
    if (source.slope_axis >= 0 || (blends && !source.padded())) {
        mark_general(last, blends && !source.padded(), c, lanes);
    } else if (blends || (source.mode == Boundary::nearest && source.kernel.taps() > 2)) {
        mark_far(last, c, lanes);
    } else if (source.mode == Boundary::nearest) {
        clamp_lanes(last, c);
    } else if (source.mode == Boundary::constant || source.mode == Boundary::fov) {
        mark_outside(source, last, c, lanes);
    } else {
        fold_lanes(source, a, c, lanes);
    }
}

// --- one axis adds to the place of the first tap, and leaves the fraction that weights depend on -----------------

template <class C>
void place_padded(const Source& source, int a, const double* VOXKERN_RESTRICT c, RunState<C>& state) {
    const double stride = static_cast<double>(source.strides[a]);
    const double shift = anchor_shift(source.kernel);
    const double before = taps_before(source.kernel);
    const double first = -static_cast<double>(source.margin);
    const double end = static_cast<double>(source.shape[a] + source.margin - source.kernel.taps());
    C* VOXKERN_RESTRICT const fraction = state.fraction[a];
    double* VOXKERN_RESTRICT const place = state.place;
    std::int64_t* VOXKERN_RESTRICT const lanes = state.lanes;
    for (int l = 0; l < kRun; ++l) {
        const double anchor = __builtin_floor(c[l] + shift);
        const double start = anchor - before;
        const bool held = (start >= first) & (start <= end);
        lanes[l] |= held ? 0 : kGeneral;
        fraction[l] = static_cast<C>(c[l] - anchor);
        place[l] += (held ? start : 0.0) * stride;
    }
}

inline void place_nearest(double last, double stride, const double* VOXKERN_RESTRICT c,
                          double* VOXKERN_RESTRICT place) {
    for (int l = 0; l < kRun; ++l) {
        const double start = __builtin_floor(c[l] + 0.5);
        place[l] += (start >= 0.0 ? (start > last ? last : start) : 0.0) * stride;
    }
}

template <class C>
void place_linear(double last, double stride, const double* VOXKERN_RESTRICT c, C* VOXKERN_RESTRICT fraction,
                  double* VOXKERN_RESTRICT place) {
    for (int l = 0; l < kRun; ++l) {
        double start = __builtin_floor(c[l]);
        start = start > last - 1.0 ? last - 1.0 : start;  // the last sample is the second tap there
        start = start >= 0.0 ? start : 0.0;
        fraction[l] = static_cast<C>(c[l] - start);
        place[l] += start * stride;
    }
}

template <class C>
void place_axis(const Source& source, int a, RunState<C>& state) {
    const double last = static_cast<double>(source.shape[a] - 1);
    const double stride = static_cast<double>(source.strides[a]);
    alignas(64) double c[kRun];
    for (int l = 0; l < kRun; ++l) c[l] = state.at[a][l];
    bring_inside(source, a, c, state.lanes);
    if (source.padded()) {
        place_padded(source, a, c, state);
    } else if (source.kernel.taps() == 1) {
        place_nearest(last, stride, c, state.place);
    } else {
        place_linear(last, stride, c, state.fraction[a], state.place);
    }
}

// --- a whole run ---------------------------------------------------------------------------------------------

// For runs inside the image, where nothing is folded or clamped; false: this one is not.
template <int D, class C>
bool place_inside(const Source& source, RunState<C>& state) {
    const double shift = anchor_shift(source.kernel);
    double strides[D];
    double last[D];
    double first = 0.0;
    std::int64_t beyond = 0;
    for (int a = 0; a < D; ++a) {
        last[a] = static_cast<double>(source.shape[a] - 1);
        strides[a] = static_cast<double>(source.strides[a]);
        first -= taps_before(source.kernel) * strides[a];
    }
    for (int l = 0; l < kRun; ++l) {
        double place = first;
        for (int a = 0; a < D; ++a) {
            const double c = state.at[a][l];
            beyond |= ((c >= 0.0) & (c < last[a])) ? 0 : 1;
            const double anchor = __builtin_floor(c + shift);
            state.fraction[a][l] = static_cast<C>(c - anchor);
            place += anchor * strides[a];
        }
        state.corner[l] = whole(place);
    }
    return beyond == 0;
}

template <class C>
bool place_inside(const Source& source, RunState<C>& state) {
    bool inside = false;
    with_axes(source.axes, [&](auto axes) { inside = place_inside<axes.value>(source, state); });
    return inside;
}

// --- straight runs, those of an affine map --------------------------------------------------------------------

// Coordinates along an axis of the image: they rise or fall from one end of a run to the other, roundings included.
struct Line {
    double lead;
    double step;
    double last;  // sample of the axis

    double at(double number) const { return lead + step * number; }
};

// The lane numbers of a run from `first` on.
struct Span {
    double first;
    std::int64_t begin;  // lanes that are inside
    std::int64_t end;

    double number(std::int64_t lane) const { return first + static_cast<double>(lane); }
};

inline bool is_below(const Source& source, double c) {
    return c < (source.mode == Boundary::fov ? -0.5 : 0.0);
}
inline bool is_above(const Source& source, double c, double last) {
    return source.mode == Boundary::fov ? c >= last + 0.5 : c > last;
}

// The first lane that is on the other side of `bound` than lane 0; the last lane is.
inline std::int64_t first_beyond(const Line& line, const Span& span, std::int64_t last, double bound) {
    const bool above = line.at(span.number(0)) >= bound;
    const auto beyond = [&](std::int64_t lane) { return (line.at(span.number(lane)) >= bound) != above; };
    const double guess = (bound - line.lead) / line.step - span.first;
    std::int64_t lane = guess > 1.0 ? (guess < static_cast<double>(last) ? static_cast<std::int64_t>(guess) : last) : 1;
    while (lane > 1 && beyond(lane - 1)) --lane;
    while (!beyond(lane)) ++lane;
    return lane;
}

// Finds the lanes that are inside, where no tap is folded. False: another lane is not simply outside.
inline bool find_span(const Source& source, const Line* lines, std::int64_t count, Span& span) {
    const bool cuts = source.mode == Boundary::constant || source.mode == Boundary::fov;
    span.begin = 0;
    span.end = count;
    for (int a = 0; a < source.axes; ++a) {
        const Line& line = lines[a];
        const double left = line.at(span.number(0));
        const double right = line.at(span.number(count - 1));
        if ((left >= 0.0) & (left < line.last) & (right >= 0.0) & (right < line.last)) continue;
        if (!cuts) return false;
        if ((is_below(source, left) && is_below(source, right)) ||
            (is_above(source, left, line.last) && is_above(source, right, line.last))) {
            span.end = 0;
            return true;
        }
        for (int side = 0; side < 2; ++side) {
            const bool lower = side == 0;
            const double bound = lower ? 0.0 : line.last;
            const bool starts = (left >= bound) == lower;
            const bool ends = (right >= bound) == lower;
            if (!starts && !ends) return false;
            if (starts && ends) continue;
            const std::int64_t lane = first_beyond(line, span, count - 1, bound);
            if (starts && lane < span.end) span.end = lane;
            if (ends && lane > span.begin) span.begin = lane;
        }
    }
    const auto outside = [&](std::int64_t lane) {
        bool found = false;
        for (int a = 0; a < source.axes; ++a) {
            const double c = lines[a].at(span.number(lane));
            found = found || is_below(source, c) || is_above(source, c, lines[a].last);
        }
        return found;
    };
    return span.begin < span.end && (span.begin == 0 || outside(span.begin - 1)) &&
           (span.end == count || outside(span.end));
}

// Lanes beyond the span are placed at its ends.
template <int D, class C>
void place_straight(const Source& source, const Line* lines, const Span& span, RunState<C>& state) {
    const double shift = anchor_shift(source.kernel);
    const double begin = span.number(span.begin);
    const double end = span.number(span.end - 1);
    double strides[D];
    double first = 0.0;
    for (int a = 0; a < D; ++a) {
        strides[a] = static_cast<double>(source.strides[a]);
        first -= taps_before(source.kernel) * strides[a];
    }
    for (int l = 0; l < kRun; ++l) {
        double number = span.first + kRamp.number[l];
        number = number < begin ? begin : number;
        number = number > end ? end : number;
        double place = first;
        for (int a = 0; a < D; ++a) {
            const double c = lines[a].lead + lines[a].step * number;
            const double anchor = __builtin_floor(c + shift);
            state.fraction[a][l] = static_cast<C>(c - anchor);
            place += anchor * strides[a];
        }
        state.corner[l] = whole(place);
    }
}

// False: the run is not straight, or has lanes that are neither inside nor outside.
template <class C>
bool place_straight(const Task& task, const Run& run, RunState<C>& state) {
    const Source& source = task.source;
    if (task.map.components > 0 || task.run_axis + 1 != task.map.grid_axes) return false;
    Line lines[kFastAxes];
    for (int a = 0; a < source.axes; ++a) {
        lines[a] = {leading_sum(task.map, a, task.run_axis, run), task.map.matrix[a][task.run_axis],
                    static_cast<double>(source.shape[a] - 1)};
    }
    Span span = {static_cast<double>(run.at[task.run_axis]), 0, 0};
    if (!find_span(source, lines, run.count, span)) return false;
    state.inside = span.begin == 0 && span.end == run.count;
    if (!state.inside) {
        for (int l = 0; l < kRun; ++l) state.lanes[l] = ((l >= span.begin) & (l < span.end)) ? 0 : kOutside;
    }
    state.taken = span.begin < span.end;
    if (!state.taken) return true;
    with_axes(source.axes, [&](auto axes) { place_straight<axes.value>(source, lines, span, state); });
    return true;
}

// Lane by lane.
template <class C>
void place_lanes(const Source& source, RunState<C>& state) {
    for (int l = 0; l < kRun; ++l) {
        state.place[l] = 0.0;
        state.lanes[l] = 0;
    }
    for (int a = 0; a < source.axes; ++a) place_axis(source, a, state);
    std::int64_t outside = kOutside;
    for (int l = 0; l < kRun; ++l) {
        state.corner[l] = whole(state.place[l]);
        outside &= state.lanes[l];
    }
    state.taken = outside == 0;
}

// Finds and places a run.
template <class C>
void place_run(const Task& task, const Run& run, RunState<C>& state) {
    if (place_straight(task, run, state)) return;
    find_coordinates(task.map, task.run_axis, run, state);
    state.inside = state.taken = place_inside(task.source, state);
    if (!state.inside) place_lanes(task.source, state);
}

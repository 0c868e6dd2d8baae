// SPDX-License-Identifier: Apache-2.0
// Where the points of a run look the image up: coordinates, first taps, weights. Included inside a level's
// namespace by warp_simd.inl.hpp, after convert.inl.hpp.

// Taps along the last axis are read as one vector of 4, 8 or 16.
constexpr int padded_taps(int taps) {
    return taps <= 4 ? 4 : (taps <= 8 ? 8 : 16);
}

constexpr int kFastAxes = 3;
constexpr std::int64_t kSpoils = 2;  // a coordinate that is not a number, where weights are summed even outside

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
void with_taps(int taps, F&& f) {
    switch (taps) {
        case 1: f(Constant<1>{}); break;
        case 2: f(Constant<2>{}); break;
        case 3: f(Constant<3>{}); break;
        case 4: f(Constant<4>{}); break;
        case 5: f(Constant<5>{}); break;
        case 6: f(Constant<6>{}); break;
        case 8: f(Constant<8>{}); break;
        default: f(Constant<10>{}); break;
    }
}

template <class C>
struct RunState {
    alignas(64) double at[kMaxWarpAxes][kRun];  // coordinates as the map gives them
    double place[kRun];                         // of the first tap, in elements from the base; exact in double
    std::int64_t corner[kRun];                  // the same as an integer
    std::int64_t outside[kRun];                 // 1: the sample is cval
    std::int64_t slow[kRun];                    // 1: the sample needs taps folded; kSpoils: even where outside
    alignas(64) C fraction[kFastAxes][kRun];    // coordinates less the anchor of their taps
    alignas(64) C weights[kFastAxes][kMaxInterpolatorTaps][kRun];
    alignas(64) C result[kRun];
    bool inside;  // nothing of the run is outside or slow
};

// 0, 1, 2, ...
struct Ramp {
    alignas(64) double number[kRun];
    constexpr Ramp() : number() {
        for (int l = 0; l < kRun; ++l) number[l] = l;
    }
};
constexpr Ramp kRamp;

// Three components that lie side by side, as in ITK and NIfTI, in one pass.
template <class T>
inline void load_interleaved(const T* VOXKERN_RESTRICT from, std::int64_t n, T (*VOXKERN_RESTRICT field)[kRun]) {
    for (std::int64_t l = 0; l < n; ++l) {
        field[0][l] = from[3 * l];
        field[1][l] = from[3 * l + 1];
        field[2][l] = from[3 * l + 2];
    }
}

template <class T>
void load_field(const WarpTask& task, const char* from, std::int64_t n, T (*field)[kRun]) {
    const std::int64_t stride = task.field_strides[task.run_axis];
    if (task.field_dtype == DTypeOf<T>::value && task.components == 3 && task.component_stride == 1 && stride == 3) {
        const T* const vectors = reinterpret_cast<const T*>(from);
        if (n == kRun) return load_interleaved(vectors, kRun, field);
        return load_interleaved(vectors, n, field);
    }
    const LoadRow<T> load_line = load_row_of<T>(task.field_dtype);
    for (int v = 0; v < task.components; ++v) {
        load_line(from + v * task.component_stride * task.field_itemsize, stride, field[v], n);
    }
}

template <class T, class C>
void add_field(const WarpTask& task, const WarpRun& run, RunState<C>& state) {
    const std::int64_t n = run.count;
    T field[kMaxWarpAxes][kRun];
    std::int64_t offset = 0;
    for (int j = 0; j < task.grid_axes; ++j) offset += run.at[j] * task.field_strides[j];
    const char* const from = task.field + offset * task.field_itemsize;
    load_field(task, from, n, field);
    for (int v = 0; v < task.components; ++v) {
        for (std::int64_t l = n; l < kRun; ++l) field[v][l] = field[v][n - 1];
    }
    for (int a = 0; a < task.axes; ++a) {
        double* VOXKERN_RESTRICT const c = state.at[a];
        if (task.field_matrix == nullptr) {
            const T* const u = field[task.component_of[a]];
            for (int l = 0; l < kRun; ++l) c[l] += static_cast<double>(u[l]);
            continue;
        }
        for (int v = 0; v < task.components; ++v) {
            const double factor = task.field_matrix[a * task.components + v];
            const T* const u = field[v];
            for (int l = 0; l < kRun; ++l) c[l] += factor * static_cast<double>(u[l]);
        }
    }
}

// Loops are of fixed length: a shorter run goes on past its end, and only as much as it has is stored.
template <class C>
void find_coordinates(const WarpTask& task, const WarpRun& run, RunState<C>& state) {
    const int r = task.run_axis;
    const double first = static_cast<double>(run.at[r]);
    for (int a = 0; a < task.axes; ++a) {
        double* VOXKERN_RESTRICT const c = state.at[a];
        const double lead = run.lead[a];
        const double step = task.matrix != nullptr ? task.matrix[a * task.grid_axes + r] : 0.0;
        for (int l = 0; l < kRun; ++l) c[l] = lead + step * (first + kRamp.number[l]);
        for (int j = r + 1; j < task.grid_axes && task.matrix != nullptr; ++j) {
            const double term = task.matrix[a * task.grid_axes + j] * static_cast<double>(run.at[j]);
            for (int l = 0; l < kRun; ++l) c[l] += term;
        }
    }
    if (task.components > 0 && task.field_dtype == DType::f32) {
        add_field<float>(task, run, state);
    } else if (task.components > 0) {
        add_field<double>(task, run, state);
    }
}

// Brings coordinates into the line where that takes no more than a comparison; marks the others.
template <class C>
void fold_run(const WarpTask& task, int a, double* VOXKERN_RESTRICT c, RunState<C>& state) {
    const double last = static_cast<double>(task.source.shape[a] - 1);
    const int taps = task.kernel.taps();
    std::int64_t beyond = 0;
    for (int l = 0; l < kRun; ++l) beyond |= (c[l] >= 0.0) & (c[l] <= last) ? 0 : 1;
    if (beyond == 0) return;
    std::int64_t* VOXKERN_RESTRICT const outside = state.outside;
    std::int64_t* VOXKERN_RESTRICT const slow = state.slow;
    const bool as_given = task.mode == Boundary::grid_constant || (task.mode == Boundary::nearest && taps > 2);
    if (task.slope_axis >= 0 || (as_given && !task.source.rimmed)) {
        const bool blends = task.mode == Boundary::grid_constant && !task.source.rimmed;
        for (int l = 0; l < kRun; ++l) {
            const bool in = (c[l] >= 0.0) & (c[l] <= last);
            const bool far = blends & ((c[l] <= -1.0) | (c[l] >= last + 1.0));  // no tap is inside
            outside[l] |= far ? 1 : 0;
            slow[l] |= in ? 0 : (blends & (c[l] != c[l]) ? kSpoils : 1);
            c[l] = in ? c[l] : 0.0;
        }
    } else if (as_given) {  // the rim holds some of what lies beyond: place_run looks at that
        const double limit = last + 100.0;
        for (int l = 0; l < kRun; ++l) {
            const bool in = (c[l] >= -limit) & (c[l] <= 2.0 * limit);
            slow[l] |= in ? 0 : 1;
            c[l] = in ? c[l] : 0.0;
        }
    } else if (task.mode == Boundary::nearest) {  // NaN stays
        for (int l = 0; l < kRun; ++l) {
            c[l] = c[l] < 0.0 ? 0.0 : c[l];
            c[l] = c[l] > last ? last : c[l];
        }
    } else if (task.mode == Boundary::constant || task.mode == Boundary::fov) {
        const double low = task.mode == Boundary::fov ? -0.5 : 0.0;
        const double high = task.mode == Boundary::fov ? last + 0.5 : last;
        const bool open = task.mode == Boundary::fov;  // ITK's interval is half open
        const bool clamps = taps <= 2;
        for (int l = 0; l < kRun; ++l) {
            const bool in = (c[l] >= low) & (open ? c[l] < high : c[l] <= high);
            outside[l] |= in ? 0 : 1;
            const double from_below = c[l] < 0.0 ? 0.0 : c[l];
            const double clamped = from_below > last ? last : from_below;
            c[l] = in ? (clamps ? clamped : c[l]) : 0.0;
        }
    } else {
        for (int l = 0; l < kRun; ++l) {
            if (c[l] >= 0.0 && c[l] <= last) continue;
            if (!(c[l] > -1e15 && c[l] < 1e15)) {
                outside[l] = 1;
                c[l] = 0.0;
                continue;
            }
            c[l] = fold_coordinate(c[l], task.source.shape[a], task.mode).value;
            if (!task.source.rimmed && !(c[l] >= 0.0 && c[l] <= last)) {
                slow[l] = 1;
                c[l] = 0.0;
            }
        }
    }
}

// Adds what one axis contributes to the place of the first tap; leaves what its weights depend on.
template <class C>
void place_run(const WarpTask& task, int a, const double* VOXKERN_RESTRICT c, C* VOXKERN_RESTRICT fraction,
               RunState<C>& state) {
    const double last = static_cast<double>(task.source.shape[a] - 1);
    const double stride = static_cast<double>(task.source.strides[a]);
    double* VOXKERN_RESTRICT const place = state.place;
    if (task.source.rimmed) {
        const bool sinc = task.kernel.radius > 0;
        const int order = task.kernel.order;
        const double half = sinc || (order & 1) != 0 ? 0.0 : 0.5;
        const double back = static_cast<double>(sinc ? task.kernel.radius - 1 : order / 2);
        const double reach = static_cast<double>(task.source.pad + task.source.rim);
        const double end = last + reach + 1.0 - static_cast<double>(task.kernel.taps());
        std::int64_t* VOXKERN_RESTRICT const slow = state.slow;
        for (int l = 0; l < kRun; ++l) {
            const double anchor = __builtin_floor(c[l] + half);
            const double start = anchor - back;
            const bool held = (start >= -reach) & (start <= end);
            slow[l] |= held ? 0 : 1;
            fraction[l] = static_cast<C>(c[l] - anchor);
            place[l] += (held ? start : 0.0) * stride;
        }
    } else if (task.kernel.taps() == 1) {
        for (int l = 0; l < kRun; ++l) {
            const double start = __builtin_floor(c[l] + 0.5);
            place[l] += (start >= 0.0 ? (start > last ? last : start) : 0.0) * stride;
        }
    } else {
        for (int l = 0; l < kRun; ++l) {
            double start = __builtin_floor(c[l]);
            start = start > last - 1.0 ? last - 1.0 : start;  // the last sample is the second tap there
            start = start >= 0.0 ? start : 0.0;
            fraction[l] = static_cast<C>(c[l] - start);
            place[l] += start * stride;
        }
    }
}

// A whole double of less than 2^51 as an integer, by way of its bits: vectors of 64-bit integers have no
// conversion of their own below AVX-512.
inline std::int64_t whole(double x) {
    constexpr double shift = 6755399441055744.0;  // 1.5 * 2^52
    const double moved = x + shift;
    std::int64_t bits;
    __builtin_memcpy(&bits, &moved, sizeof(bits));
    return bits - 0x4338000000000000;
}

// Places of runs that lie within the image, so that nothing is to be folded or clamped; false: this one does not.
template <int D, bool Halved, class C>
bool place_inside(const WarpTask& task, RunState<C>& state) {
    const double back = static_cast<double>(task.kernel.radius > 0 ? task.kernel.radius - 1 : task.kernel.order / 2);
    double strides[D];
    double last[D];
    double start = 0.0;
    std::int64_t beyond = 0;
    for (int a = 0; a < D; ++a) {
        last[a] = static_cast<double>(task.source.shape[a] - 1);
        strides[a] = static_cast<double>(task.source.strides[a]);
        start -= back * strides[a];
    }
    for (int l = 0; l < kRun; ++l) {
        double place = start;
        for (int a = 0; a < D; ++a) {
            const double c = state.at[a][l];
            beyond |= (c >= 0.0) & (c < last[a]) ? 0 : 1;
            const double anchor = __builtin_floor(Halved ? c + 0.5 : c);
            state.fraction[a][l] = static_cast<C>(c - anchor);
            place += anchor * strides[a];
        }
        state.corner[l] = whole(place);
    }
    return beyond == 0;
}

template <class C>
bool place_inside(const WarpTask& task, RunState<C>& state) {
    const bool halved = task.kernel.radius == 0 && (task.kernel.order & 1) == 0;
    bool inside = false;
    with_axes(task.axes, [&](auto axes) {
        inside = halved ? place_inside<axes.value, true>(task, state) : place_inside<axes.value, false>(task, state);
    });
    return inside;
}

template <int Order, bool Slopes, class C>
void weigh_run(const C* VOXKERN_RESTRICT fraction, C (*VOXKERN_RESTRICT weights)[kRun]) {
    for (int l = 0; l < kRun; ++l) {
        C w[kMaxTaps];
        if constexpr (Slopes) {
            spline_slopes_at<C>(fraction[l], Order, w);
        } else {
            spline_weights_at<C>(fraction[l], Order, w);
        }
        for (int k = 0; k <= Order; ++k) weights[k][l] = w[k];
    }
}

template <int Order, class C>
void weigh_run(bool slopes, const C* fraction, C (*weights)[kRun]) {
    if (slopes) {
        weigh_run<Order, true>(fraction, weights);
    } else {
        weigh_run<Order, false>(fraction, weights);
    }
}

template <class C>
void weigh_axis(const WarpTask& task, int a, const C* fraction, C (*weights)[kRun]) {
    if (task.kernel.radius > 0) {
        for (int l = 0; l < kRun; ++l) {
            double w[kMaxInterpolatorTaps];
            sinc_weights(static_cast<double>(fraction[l]), task.kernel, w);
            for (int k = 0; k < task.kernel.taps(); ++k) weights[k][l] = static_cast<C>(w[k]);
        }
        return;
    }
    const bool slopes = a == task.slope_axis;
    switch (task.kernel.order) {
        case 1: weigh_run<1>(slopes, fraction, weights); break;
        case 2: weigh_run<2>(slopes, fraction, weights); break;
        case 3: weigh_run<3>(slopes, fraction, weights); break;
        case 4: weigh_run<4>(slopes, fraction, weights); break;
        default: weigh_run<5>(slopes, fraction, weights); break;
    }
}

// a * b + c: fused where the level has the instruction, else two roundings.
inline float fused(float a, float b, float c) {
#if defined(__FMA__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}
inline double fused(double a, double b, double c) {
#if defined(__FMA__)
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}

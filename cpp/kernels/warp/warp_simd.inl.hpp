// SPDX-License-Identifier: Apache-2.0
// Runs of warp, compiled once per ISA level inside that level's namespace. A run goes through four loops:
// coordinates, where each lies (first sample and weights per axis; both in warp_locate.inl.hpp), neighbours and
// their sum, store.
#include "core/simd/intrinsics.hpp"
#include "kernels/warp/warp_math.hpp"
#include "kernels/warp/warp_task.hpp"

namespace voxkern {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"
//
#include "core/simd/convert.inl.hpp"
//
#include "kernels/warp/warp_locate.inl.hpp"

// --- orders 0 and 1, straight from an image of any dtype and strides ------------------------------------

template <class C, class T>
void take_nearest(const WarpTask& task, RunState<C>& state) {
    const T* const base = reinterpret_cast<const T*>(task.source.base);
    for (int l = 0; l < kRun; ++l) state.result[l] = static_cast<C>(base[state.corner[l]]);
}

// The pairs of neighbours along the last axis are copied as they are, then widened and weighed in vectors:
// a gather without the instruction of that name, which is slower than plain loads on many processors.
template <int D, class C, class T>
void take_linear(const WarpTask& task, RunState<C>& state) {
    constexpr int R = 1 << (D - 1);
    alignas(64) T pairs[R][2 * kRun];
    std::int64_t rows[R];
    for (int r = 0; r < R; ++r) {
        rows[r] = 0;
        for (int d = 0; d < D - 1; ++d) rows[r] += (r >> (D - 2 - d) & 1) * task.source.strides[d];
    }
    const T* const base = reinterpret_cast<const T*>(task.source.base);
    const std::int64_t next = task.source.strides[D - 1];
    for (int l = 0; l < kRun; ++l) {
        const T* const corner = base + state.corner[l];
        for (int r = 0; r < R; ++r) {
            if (next == 1) {
                __builtin_memcpy(&pairs[r][2 * l], corner + rows[r], 2 * sizeof(T));
            } else {
                pairs[r][2 * l] = corner[rows[r]];
                pairs[r][2 * l + 1] = corner[rows[r] + next];
            }
        }
    }
    const C* VOXKERN_RESTRICT const fx = state.fraction[D - 1];
    const C* VOXKERN_RESTRICT const fy = state.fraction[D > 1 ? D - 2 : 0];
    const C* VOXKERN_RESTRICT const fz = state.fraction[D > 2 ? D - 3 : 0];
    C* VOXKERN_RESTRICT const result = state.result;
    for (int l = 0; l < kRun; ++l) {
        C row[R];
        for (int r = 0; r < R; ++r) {
            const C left = static_cast<C>(pairs[r][2 * l]) * (C(1) - fx[l]);
            row[r] = fused(static_cast<C>(pairs[r][2 * l + 1]), fx[l], left);
        }
        if constexpr (D == 1) {
            result[l] = row[0];
        } else if constexpr (D == 2) {
            result[l] = fused(row[1], fy[l], row[0] * (C(1) - fy[l]));
        } else {
            const C low = fused(row[1], fy[l], row[0] * (C(1) - fy[l]));
            const C high = fused(row[3], fy[l], row[2] * (C(1) - fy[l]));
            result[l] = fused(high, fz[l], low * (C(1) - fz[l]));
        }
    }
}

template <class C, class T>
void take_direct(const WarpTask& task, RunState<C>& state) {
    if (task.kernel.taps() == 1) {
        take_nearest<C, T>(task, state);
    } else {
        with_axes(task.axes, [&](auto axes) { take_linear<axes.value, C, T>(task, state); });
    }
}

// --- more taps, from a copy in the compute type that has a rim ---------------------------------------------

// sum += a * b: fused where the level has the instruction. By reference: some are wider than its registers.
template <class C, class Row>
inline void row_madd(const Row& a, const Row& b, Row& sum) {
#if defined(__FMA__)
    if constexpr (kSame<C, float> && sizeof(Row) == 16) {
        sum = (Row)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)sum);
        return;
    } else if constexpr (kSame<C, float> && sizeof(Row) == 32) {
        sum = (Row)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
        return;
    } else if constexpr (kSame<C, double> && sizeof(Row) == 32) {
        sum = (Row)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)sum);
        return;
    }
#endif
    sum += a * b;
}

template <int D, int K, class C>
void take_rows(const WarpTask& task, RunState<C>& state) {
    constexpr int P = padded_taps(K);
    typedef C Row __attribute__((vector_size(P * sizeof(C))));
    const C* const base = reinterpret_cast<const C*>(task.source.base);
    const std::int64_t sy = D > 1 ? task.source.strides[D > 1 ? D - 2 : 0] : 0;
    const std::int64_t sz = D > 2 ? task.source.strides[D > 2 ? D - 3 : 0] : 0;
    const auto& wy = state.weights[D > 1 ? D - 2 : 0];
    const auto& wz = state.weights[D > 2 ? D - 3 : 0];
    alignas(64) C sums[kRun][P];  // over all axes but the last
    for (int l = 0; l < kRun; ++l) {
        const C* const corner = base + state.corner[l];
        Row sum = {};
        for (int z = 0; z < (D > 2 ? K : 1); ++z) {
            Row plane = {};
            for (int y = 0; y < (D > 1 ? K : 1); ++y) {
                Row row;
                __builtin_memcpy(&row, corner + z * sz + y * sy, sizeof(row));
                if constexpr (D > 1) {
                    row_madd<C>(row, Row{} + wy[y][l], plane);
                } else {
                    plane = row;
                }
            }
            if constexpr (D > 2) {
                row_madd<C>(plane, Row{} + wz[z][l], sum);
            } else {
                sum = plane;
            }
        }
        __builtin_memcpy(sums[l], &sum, sizeof(sum));
    }
    const auto& wx = state.weights[D - 1];
    for (int l = 0; l < kRun; ++l) {
        C total = sums[l][0] * wx[0][l];
        for (int k = 1; k < K; ++k) total = fused(sums[l][k], wx[k][l], total);
        state.result[l] = total;
    }
}

// --- what differs with the image's dtype ------------------------------------------------------------------

template <class C>
struct PerDType {
    void (*take)(const WarpTask&, RunState<C>&);
    double (*sample)(const WarpTask&, const double*);
};

template <class T>
double sample_of(const WarpTask& task, const double* c) {
    return sample_at<T>(task, c);
}

template <class C>
PerDType<C> per_dtype(DType dtype) {
    switch (dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return {take_direct<C, T>, sample_of<T>};
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
    return {nullptr, nullptr};
}

// False: too many axes, every sample has to be taken by itself.
template <class C>
bool take_fast(const WarpTask& task, RunState<C>& state, const PerDType<C>& type) {
    if (task.axes > kFastAxes) return false;
    state.inside = place_inside(task, state);
    std::int64_t all_outside = state.inside ? 0 : 1;
    if (!state.inside) {
        for (int l = 0; l < kRun; ++l) {
            state.place[l] = 0.0;
            state.outside[l] = state.slow[l] = 0;
        }
        for (int a = 0; a < task.axes; ++a) {
            alignas(64) double c[kRun];
            for (int l = 0; l < kRun; ++l) c[l] = state.at[a][l];
            fold_run(task, a, c, state);
            place_run(task, a, c, state.fraction[a], state);
        }
        for (int l = 0; l < kRun; ++l) {
            state.corner[l] = whole(state.place[l]);
            all_outside &= state.outside[l];
        }
    }
    if (all_outside == 0) {
        // The hardware foresees straight lines through memory only.
        const char* const soon = task.source.base + task.ahead * task.source.itemsize;
        for (int l = 0; l < kRun; l += 4) __builtin_prefetch(soon + state.corner[l] * task.source.itemsize);
        for (int a = 0; a < task.axes && task.source.rimmed; ++a) {
            weigh_axis(task, a, state.fraction[a], state.weights[a]);
        }
        if (!task.source.rimmed) {
            type.take(task, state);
        } else {
            with_axes(task.axes, [&](auto axes) {
                with_taps(task.kernel.taps(), [&](auto taps) { take_rows<axes.value, taps.value>(task, state); });
            });
        }
    }
    const C outside = task.slope_axis < 0 ? static_cast<C>(task.cval) : C(0);
    const C back = task.less_cval && task.slope_axis < 0 ? static_cast<C>(task.cval) : C(0);
    if (!state.inside) {
        for (int l = 0; l < kRun; ++l) state.result[l] = state.outside[l] != 0 ? outside : state.result[l];
    }
    if (back != C(0)) {
        for (int l = 0; l < kRun; ++l) state.result[l] += state.inside || state.outside[l] == 0 ? back : C(0);
    }
    return true;
}

template <class C>
void warp_run(const WarpTask& task, const WarpRun& run) {
    RunState<C> state;
    find_coordinates(task, run, state);
    const PerDType<C> type = per_dtype<C>(task.source.dtype);
    const bool fast = take_fast(task, state, type);
    std::int64_t any_slow = fast ? 0 : 1;
    for (int l = 0; l < kRun && fast && !state.inside; ++l) any_slow |= state.slow[l];
    for (std::int64_t l = 0; l < run.count && any_slow != 0; ++l) {
        if (fast && (state.slow[l] == 0 || (state.outside[l] != 0 && (state.slow[l] & kSpoils) == 0))) continue;
        double c[kMaxWarpAxes];
        for (int a = 0; a < task.axes; ++a) c[a] = state.at[a][l];
        state.result[l] = static_cast<C>(type.sample(task, c));
    }
    std::int64_t offset = 0;
    for (int j = 0; j < task.grid_axes; ++j) offset += run.at[j] * task.target_strides[j];
    store_row_of<RoundSaturate, C>(task.target_dtype)(state.result, task.target + offset * task.target_itemsize,
                                                      task.target_strides[task.run_axis], run.count);
}

// --- the adjoint ------------------------------------------------------------------------------------------

// How far from the ends no tap has to be folded.
double tap_margin(const WarpTask& task) {
    return task.kernel.taps() <= 2 ? 0.0 : static_cast<double>(task.kernel.order / 2 + 1);
}

bool is_number(double c) {
    return c > -1e15 && c < 1e15;
}

template <class C>
Planes reach_of_run(const WarpTask& task, const WarpRun& run) {
    RunState<C> state;
    find_coordinates(task, run, state);
    const double* const c = state.at[0];
    const double margin = tap_margin(task);
    const double last = static_cast<double>(task.source.shape[0] - 1) - margin;
    const int taps = task.kernel.taps();
    Planes planes = {task.source.shape[0] + 2 * task.source.pad, 0};
    for (std::int64_t l = 0; l < run.count; ++l) {
        if (c[l] >= margin && c[l] < last) {
            const std::int64_t start = spline_start(c[l], task.kernel.order) + task.source.pad;
            planes.begin = start < planes.begin ? start : planes.begin;
            planes.end = start + taps > planes.end ? start + taps : planes.end;
        } else if (is_number(c[l])) {
            AxisTaps axis;
            if (!interpolator_taps(c[l], task.source.shape[0], task.source.pad, task.kernel, task.mode, axis.index,
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

// Marks as slow what lies less than `margin` from the ends: its taps may have to be folded.
template <class C>
void mark_slow(const WarpTask& task, double margin, RunState<C>& state) {
    for (int l = 0; l < kRun; ++l) state.slow[l] = 0;
    for (int a = 0; a < task.axes; ++a) {
        const double last = static_cast<double>(task.source.shape[a] - 1) - margin;
        const double* const c = state.at[a];
        for (int l = 0; l < kRun; ++l) state.slow[l] |= (c[l] >= margin) & (c[l] < last) ? 0 : 1;
    }
}

template <int D, int K, class C>
void push_inside(const WarpTask& task, const WarpRun& run, const Planes& planes, const C* values,
                 const RunState<C>& state, C* sum) {
    const std::int64_t sy = D > 1 ? task.source.strides[D > 1 ? D - 2 : 0] : 0;
    const std::int64_t* const strides = task.source.strides;
    for (std::int64_t l = 0; l < run.count; ++l) {
        if (state.slow[l] != 0) continue;
        const std::int64_t first = spline_start(state.at[0][l], task.kernel.order) + task.source.pad;
        std::int64_t padding = 0;  // corner counts from sample 0, sum from the pad on
        for (int a = 0; a < D; ++a) padding += task.source.pad * strides[a];
        C* const corner = sum + padding + state.corner[l];
        const std::int64_t z0 = planes.begin > first ? planes.begin - first : 0;
        const std::int64_t z1 = planes.end - first < K ? planes.end - first : K;
        for (std::int64_t z = z0; z < z1; ++z) {
            const C plane = values[l] * state.weights[0][z][l];
            if constexpr (D == 1) {
                corner[z] += plane;
            } else {
                for (int y = 0; y < (D > 2 ? K : 1); ++y) {
                    const C row = D > 2 ? plane * state.weights[1][y][l] : plane;
                    C* const to = corner + z * strides[0] + (D > 2 ? y * sy : 0);
                    for (int x = 0; x < K; ++x) to[x] += row * state.weights[D - 1][x][l];
                }
            }
        }
    }
}

template <class C>
void push_folded(const WarpTask& task, const double* c, const Planes& planes, double value, C* sum) {
    AxisTaps axis[kMaxWarpAxes];
    for (int a = 0; a < task.axes; ++a) {
        if (!is_number(c[a]) || !interpolator_taps(c[a], task.source.shape[a], task.source.pad, task.kernel, task.mode,
                                                   axis[a].index, axis[a].weight)) {
            return;
        }
    }
    int tap[kMaxWarpAxes] = {};
    do {
        const std::int64_t plane = axis[0].index[tap[0]];
        if (plane < planes.begin || plane >= planes.end) continue;
        double weight = value;
        std::int64_t place = 0;
        for (int a = 0; a < task.axes; ++a) {
            weight *= axis[a].weight[tap[a]];
            place += axis[a].index[tap[a]] * task.source.strides[a];
        }
        sum[place] += static_cast<C>(weight);
    } while (next_tap(task.axes, task.kernel.taps(), tap));
}

template <class C>
void push_run(const WarpTask& task, const WarpRun& run, const Planes& planes, C* sum) {
    RunState<C> state;
    find_coordinates(task, run, state);
    C values[kRun];
    std::int64_t offset = 0;
    for (int j = 0; j < task.grid_axes; ++j) offset += run.at[j] * task.target_strides[j];
    load_row_of<C>(task.target_dtype)(task.target + offset * task.target_itemsize, task.target_strides[task.run_axis],
                                      values, run.count);
    const bool fast = task.axes <= kFastAxes;
    if (fast) {
        mark_slow(task, tap_margin(task), state);
        for (int a = 0; a < task.axes; ++a) {
            if (task.kernel.order == 0) {
                for (int l = 0; l < kRun; ++l) state.weights[a][0][l] = C(1);
            }
        }
        place_inside(task, state);
        for (int a = 0; a < task.axes && task.kernel.order > 0; ++a) {
            weigh_axis(task, a, state.fraction[a], state.weights[a]);
        }
        with_axes(task.axes, [&](auto axes) {
            with_taps(task.kernel.taps(),
                      [&](auto taps) { push_inside<axes.value, taps.value>(task, run, planes, values, state, sum); });
        });
    }
    for (std::int64_t l = 0; l < run.count; ++l) {
        if (fast && state.slow[l] == 0) continue;
        double c[kMaxWarpAxes];
        for (int a = 0; a < task.axes; ++a) c[a] = state.at[a][l];
        push_folded(task, c, planes, static_cast<double>(values[l]), sum);
    }
}

}  // namespace

const WarpOps& warp_ops() {
    static constexpr WarpOps ops = {{warp_run<float>, reach_of_run<float>, push_run<float>},
                                    {warp_run<double>, reach_of_run<double>, push_run<double>}};
    return ops;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern

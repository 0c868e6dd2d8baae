// SPDX-License-Identifier: Apache-2.0
// Row loops of pool3d, compiled once per ISA level inside that level's namespace. The rows of a window are joined into
// one, and its samples along x after that: each sum has the same order wherever it stands in a vector.
#include "core/simd/intrinsics.hpp"
#include "kernels/pool3d/pool3d_task.hpp"

namespace voxkern::pool3d {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"

constexpr std::int64_t kLanes = kVec<float>;

// The later sample wins where it is larger or NaN: torch's rule.
struct Max {
    static constexpr float kOfNothing = -__builtin_inff();
    template <class V>
    static inline V join(V a, V b) {
        const V larger = b > a ? b : a;
        return b != b ? b : larger;
    }
};

struct Sum {
    static constexpr float kOfNothing = 0.0F;
    template <class V>
    static inline V join(V a, V b) {
        return a + b;
    }
};

template <class V>
inline V read(const float* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}

// The rows that a window holds. Steps count elements.
struct Rows {
    const float* start;
    std::int64_t n_z;
    std::int64_t n_y;
    std::int64_t step_z;
    std::int64_t step_y;
    std::int64_t step_x;
};

// Some neighbouring columns of the rows: joined along y, then along z.
template <class Op, class V, int kWide>
inline void join_columns(const Rows& rows, std::int64_t at, float* to) {
    constexpr std::int64_t width = static_cast<std::int64_t>(sizeof(V) / sizeof(float));
    V total[kWide] = {};
    for (std::int64_t z = 0; z < rows.n_z; ++z) {
        const float* p = rows.start + z * rows.step_z + at;
        V part[kWide];
        for (int k = 0; k < kWide; ++k) part[k] = read<V>(p + k * width);
        for (std::int64_t y = 1; y < rows.n_y; ++y) {
            p += rows.step_y;
            for (int k = 0; k < kWide; ++k) part[k] = Op::join(part[k], read<V>(p + k * width));
        }
        for (int k = 0; k < kWide; ++k) total[k] = z == 0 ? part[k] : Op::join(total[k], part[k]);
    }
    __builtin_memcpy(to, total, sizeof(total));
}

template <class Op>
void join_rows(const Rows& rows, std::int64_t n, float* to) {
    std::int64_t i = 0;
    if (rows.n_z * rows.n_y == 0) {
        for (; i < n; ++i) to[i] = Op::kOfNothing;
        return;
    }
    if (rows.step_x == 1) {
        for (; i + 4 * kLanes <= n; i += 4 * kLanes) join_columns<Op, Vec<float>, 4>(rows, i, to + i);
        for (; i + kLanes <= n; i += kLanes) join_columns<Op, Vec<float>, 1>(rows, i, to + i);
    }
    for (; i < n; ++i) join_columns<Op, float, 1>(rows, i * rows.step_x, to + i);
}

// Every second sample from p on; reads one more than it needs.
inline Vec<float> every_second(const float* p) {
#if defined(__AVX512F__)
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_ps(load(p), even, load(p + kLanes));
#elif defined(__AVX2__)
    const __m256 halves = _mm256_shuffle_ps(load(p), load(p + kLanes), 0x88);  // each of 128 bits for itself
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(halves), 0xD8));
#elif defined(__SSE2__)
    return _mm_shuffle_ps(load(p), load(p + kLanes), 0x88);
#elif defined(__aarch64__)
    return vuzp1q_f32(load(p), load(p + kLanes));
#else
    Vec<float> v;
    for (std::int64_t i = 0; i < kLanes; ++i) v[i] = p[2 * i];
    return v;
#endif
}

// One sample per window from p on. kStride 0: any other stride.
template <int kStride>
inline Vec<float> every(const float* p, std::int64_t stride) {
    if constexpr (kStride == 1) {
        return load(p);
    } else if constexpr (kStride == 2) {
        return every_second(p);
    } else {
        float v[kLanes];
        for (std::int64_t i = 0; i < kLanes; ++i) v[i] = p[i * stride];
        return load(v);
    }
}

template <class Op>
inline float join_window(const AxisTask& x, const float* row, std::int64_t o) {
    float value = Op::kOfNothing;
    for (std::int64_t t = 0; t < x.count[o]; ++t) {
        const float sample = row[x.first[o] + t * x.step];
        value = t == 0 ? sample : Op::join(value, sample);
    }
    return value;
}

// The windows along x that lie inside; the last vector may overlap the one before.
template <class Op, int kStride>
void join_whole_windows(const Task& task, const float* row, float* to) {
    const float* const start = row + task.x.first[task.begin];
    for (std::int64_t next = task.begin; next < task.end; next += kLanes) {
        const std::int64_t o = next + kLanes <= task.end ? next : task.end - kLanes;
        const float* const p = start + (o - task.begin) * task.stride;
        Vec<float> value = every<kStride>(p, task.stride);
        for (std::int64_t t = 1; t < task.kernel; ++t) {
            value = Op::join(value, every<kStride>(p + t * task.x.step, task.stride));
        }
        store(to + o, value);
    }
}

template <class Op>
void join_along_x(const Task& task, const float* row, float* to) {
    const bool vectors = task.end - task.begin >= kLanes;
    const std::int64_t begin = vectors ? task.begin : task.x.n_out;
    for (std::int64_t o = 0; o < begin; ++o) to[o] = join_window<Op>(task.x, row, o);
    if (!vectors) return;
    if (task.stride == 1) {
        join_whole_windows<Op, 1>(task, row, to);
    } else if (task.stride == 2) {
        join_whole_windows<Op, 2>(task, row, to);
    } else {
        join_whole_windows<Op, 0>(task, row, to);
    }
    for (std::int64_t o = task.end; o < task.x.n_out; ++o) to[o] = join_window<Op>(task.x, row, o);
}

// Sums to means. `size` is that of the window along z and y.
void divide(const Task& task, float size, float* to) {
    const std::int64_t n = task.x.n_out;
    if (task.divisor != 0.0F) {
        for (std::int64_t o = 0; o < n; ++o) to[o] /= task.divisor;
    } else {
        for (std::int64_t o = 0; o < n; ++o) to[o] /= size * task.x.size[o];
    }
}

template <class Op>
void pool_row(const Task& task, const Rows& rows, float size, float* out, float* row, float* result) {
    const std::int64_t stride = task.x.out_stride;
    float* const to = stride == 1 ? out : result;
    join_rows<Op>(rows, task.x.n_in, row);
    join_along_x<Op>(task, row, to);
    if constexpr (kSame<Op, Sum>) divide(task, size, to);
    if (stride == 1) return;
    for (std::int64_t o = 0; o < task.x.n_out; ++o) out[o * stride] = to[o];
}

// --- the largest sample and its place ---

typedef std::int32_t Integers __attribute__((vector_size(VOXKERN_VEC_BYTES)));

// The largest sample of a column of the rows and the number of its row: the first of equals, the last NaN.
template <class V, class I>
inline void largest_of_column(const Rows& rows, std::int64_t at, float* to, std::int32_t* place_to) {
    V best = read<V>(rows.start + at);
    I place = {};
    std::int32_t number = 0;
    for (std::int64_t z = 0; z < rows.n_z; ++z) {
        const float* p = rows.start + z * rows.step_z + at;
        for (std::int64_t y = 0; y < rows.n_y; ++y, p += rows.step_y, ++number) {
            const V sample = read<V>(p);
            const auto wins = (sample > best) | (sample != sample);
            best = wins ? sample : best;
            place = wins ? I{} + number : place;
        }
    }
    __builtin_memcpy(to, &best, sizeof(best));
    __builtin_memcpy(place_to, &place, sizeof(place));
}

// Among the columns of a window; equals and NaN in the order of rows, then of columns.
void largest_along_x(const Task& task, const Rows& rows, const float* row, const std::int32_t* places, float* to,
                     std::int64_t start, std::int64_t* index) {
    const std::int64_t height = task.y.n_in * task.x.n_in;
    const std::int64_t n_y = rows.n_y > 0 ? rows.n_y : 1;  // a window beside the image has no row
    for (std::int64_t o = 0; o < task.x.n_out; ++o) {
        const std::int64_t first = task.x.first[o];
        std::int64_t at = first;
        float best = row[at];
        std::int32_t place = places[at];
        for (std::int64_t t = 1; t < task.x.count[o]; ++t) {
            const std::int64_t next = first + t * task.x.step;
            const float sample = row[next];
            const std::int32_t other = places[next];
            const bool nan = sample != sample && (best == best || other >= place);
            if (!(sample > best || (sample == best && other < place) || nan)) continue;
            best = sample;
            place = other;
            at = next;
        }
        const bool empty = task.x.count[o] * rows.n_z * rows.n_y == 0;
        to[o * task.x.out_stride] = empty ? Max::kOfNothing : best;
        index[o * task.places_strides[4]] =
            start + place / n_y * task.z.step * height + place % n_y * task.y.step * task.x.n_in + at;
    }
}

void max_and_places(const Task& task, const Rows& rows, std::int64_t start, float* out, std::int64_t* index,
                    float* row) {
    auto* const places = reinterpret_cast<std::int32_t*>(row + task.x.n_in + kSlack);
    std::int64_t i = 0;
    if (rows.step_x == 1) {
        for (; i + kLanes <= task.x.n_in; i += kLanes) {
            largest_of_column<Vec<float>, Integers>(rows, i, row + i, places + i);
        }
    }
    for (; i < task.x.n_in; ++i) {
        largest_of_column<float, std::int32_t>(rows, i * rows.step_x, row + i, places + i);
    }
    largest_along_x(task, rows, row, places, out, start, index);
}

// kPlaces: the largest samples with their places.
template <class Op, bool kPlaces = false>
void pool_rows(const Task& task, std::int64_t first, std::int64_t last, float* row, float* result) {
    const AxisTask& z = task.z;
    const AxisTask& y = task.y;
    for (std::int64_t r = first; r < last;) {
        const std::int64_t plane = r / y.n_out;
        const std::int64_t oz = plane % z.n_out;
        const std::int64_t image = plane / z.n_out;
        const std::int64_t n = image / task.channels;
        const std::int64_t c = image % task.channels;
        const float* const in = task.in + n * task.in_strides[0] + c * task.in_strides[1] + z.first[oz] * z.in_stride;
        float* const out = task.out + n * task.out_strides[0] + c * task.out_strides[1] + oz * z.out_stride;
        for (std::int64_t oy = r % y.n_out; oy < y.n_out && r < last; ++oy, ++r) {
            const Rows rows = {in + y.first[oy] * y.in_stride, z.count[oz],          y.count[oy],
                               z.step * z.in_stride,           y.step * y.in_stride, task.x.in_stride};
            if constexpr (kPlaces) {
                const std::int64_t* const s = task.places_strides;
                const std::int64_t start = (z.first[oz] * y.n_in + y.first[oy]) * task.x.n_in;
                max_and_places(task, rows, start, out + oy * y.out_stride,
                               task.places + n * s[0] + c * s[1] + oz * s[2] + oy * s[3], row);
            } else {
                pool_row<Op>(task, rows, z.size[oz] * y.size[oy], out + oy * y.out_stride, row, result);
            }
        }
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {pool_rows<Max>, pool_rows<Sum>, pool_rows<Max, true>};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::pool3d

// SPDX-License-Identifier: Apache-2.0
// Where the lanes of a run look the image up. Included inside a level's namespace by warp_simd.inl.hpp.

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
void load_field(const Map& map, const char* from, std::int64_t stride, std::int64_t n, T (*field)[kRun]) {
    if (map.field_dtype == DTypeOf<T>::value && map.components == 3 && map.component_stride == 1 && stride == 3) {
        const T* const vectors = reinterpret_cast<const T*>(from);
        if (n == kRun) return load_interleaved(vectors, kRun, field);
        return load_interleaved(vectors, n, field);
    }
    const LoadRow<T> load_line = load_row_of<T>(map.field_dtype);
    for (int v = 0; v < map.components; ++v) {
        load_line(from + v * map.component_stride * map.field_itemsize, stride, field[v], n);
    }
}

template <class T, class C>
void add_field(const Map& map, int run_axis, const Run& run, RunState<C>& state) {
    const std::int64_t n = run.count;
    T field[kMaxAxes][kRun];
    std::int64_t offset = 0;
    for (int j = 0; j < map.grid_axes; ++j) offset += run.at[j] * map.field_strides[j];
    load_field(map, map.field + offset * map.field_itemsize, map.field_strides[run_axis], n, field);
    for (int v = 0; v < map.components; ++v) {
        for (std::int64_t l = n; l < kRun; ++l) field[v][l] = field[v][n - 1];
    }
    for (int a = 0; a < map.axes; ++a) {
        double* VOXKERN_RESTRICT const c = state.at[a];
        if (!map.has_field_matrix) {
            const T* const u = field[map.component_of[a]];
            for (int l = 0; l < kRun; ++l) c[l] += static_cast<double>(u[l]);
            continue;
        }
        for (int v = 0; v < map.components; ++v) {
            const double factor = map.field_matrix[a][v];
            const T* const u = field[v];
            for (int l = 0; l < kRun; ++l) c[l] += factor * static_cast<double>(u[l]);
        }
    }
}

// What the grid axes before that of the run add to a coordinate.
inline double leading_sum(const Map& map, int a, int run_axis, const Run& run) {
    double lead = map.offset[a];
    for (int j = 0; j < run_axis; ++j) lead += map.matrix[a][j] * static_cast<double>(run.at[j]);
    return lead;
}

template <class C>
void find_coordinates(const Map& map, int run_axis, const Run& run, RunState<C>& state) {
    const double first = static_cast<double>(run.at[run_axis]);
    for (int a = 0; a < map.axes; ++a) {
        double* VOXKERN_RESTRICT const c = state.at[a];
        const double* const row = map.matrix[a];
        const double lead = leading_sum(map, a, run_axis, run);
        const double step = row[run_axis];
        for (int l = 0; l < kRun; ++l) c[l] = lead + step * (first + kRamp.number[l]);
        for (int j = run_axis + 1; j < map.grid_axes && map.has_matrix; ++j) {
            const double term = row[j] * static_cast<double>(run.at[j]);
            for (int l = 0; l < kRun; ++l) c[l] += term;
        }
    }
    if (map.components > 0 && map.field_dtype == DType::f32) {
        add_field<float>(map, run_axis, run, state);
    } else if (map.components > 0) {
        add_field<double>(map, run_axis, run, state);
    }
}

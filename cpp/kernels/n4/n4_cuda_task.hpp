// SPDX-License-Identifier: Apache-2.0
// What the kernels of n4 on the GPU hand to each other: plain data and device pointers. Axes are called planes, rows
// and columns, as on the CPU. n4_cuda.cu puts the launches in order.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/bspline.hpp"
#include "core/cuda/block.hpp"
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/n4/n4.hpp"
#include "kernels/n4/n4_plan.hpp"
#include "kernels/n4/n4_sharpen.hpp"
#include "kernels/n4/n4_task.hpp"

namespace voxkern::n4::gpu {

// A block holds a column per thread and marches along rows.
inline constexpr std::int64_t kTileColumns = 128;
inline constexpr std::int64_t kMostBlocks = 1024;
inline constexpr int kSoloThreads = 256;  // of kernels of one block

// Plane, row and column of a voxel, and how many there are.
struct Index {
    std::int64_t of[3];
};
struct Extents {
    std::int64_t of[3];

    VOXKERN_HD std::int64_t size() const { return of[0] * of[1] * of[2]; }
    __device__ Index index(std::int64_t position) const {
        return {{position / of[2] / of[1], position / of[2] % of[1], position % of[2]}};
    }
};

// An array of any dtype by plane, row and column.
struct ByAxis {
    void* data = nullptr;  // nullptr: none
    DType dtype = DType::f32;
    std::int64_t stride[3] = {};

    __device__ std::int64_t offset(const Index& i) const {
        return i.of[0] * stride[0] + i.of[1] * stride[1] + i.of[2] * stride[2];
    }
    template <class C>
    __device__ C at(const Index& index) const {
        return cuda::load_sample<C>(data, dtype, offset(index));
    }
};

template <class AnyView>
ByAxis by_axis(const AnyView* view, const MemoryOrder& order) {
    ByAxis array;
    if (view == nullptr) return array;
    array.data = const_cast<void*>(static_cast<const void*>(view->data));
    array.dtype = view->dtype;
    const int axis[3] = {order.plane, order.row, order.column};
    for (int m = 0; m < 3; ++m) array.stride[m] = axis[m] < 0 ? 0 : view->strides[axis[m]];
    return array;
}

template <class AnyView>
Extents extents_of(const AnyView& view, const MemoryOrder& order) {
    return {{length_along(view, order.plane), length_along(view, order.row), length_along(view, order.column)}};
}

// Voxels of a mask: those with its label, else all that are not zero.
struct Region {
    ByAxis mask;
    bool labelled;
    double label;

    __device__ bool inside(const Index& index) const {
        if (!labelled) return cuda::is_inside(mask.data, mask.dtype, mask.offset(index));
        return mask.data == nullptr || mask.at<double>(index) == label;
    }
};

inline Region region_of(const ConstArrayView* mask, const std::optional<double>& label, const MemoryOrder& order) {
    return {by_axis(mask, order), label.has_value(), label.value_or(0.0)};
}

// The samples, in a box of the image. Those that take no part are NaN, and so is all that is computed of them.
struct Box {
    std::int64_t planes = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t plane_pitch = 0;
    std::int64_t row_pitch = 0;
    const float* log_image = nullptr;
    const float* weights = nullptr;  // laid out as log_image; nullptr: all 1
    std::int64_t first = -1;         // where the sample lies that cannot be the minimum: ITK's rule

    VOXKERN_HD std::int64_t at(std::int64_t plane, std::int64_t row, std::int64_t column) const {
        return plane * plane_pitch + row * row_pitch + column;
    }
};

// Basis functions of an axis at its samples: [sample][tap].
struct AxisTable {
    std::int64_t samples = 0;
    std::int64_t controls = 1;
    std::int64_t taps = 1;
    const std::int32_t* cell = nullptr;        // first control point under a sample
    const std::int32_t* span_begin = nullptr;  // first sample of each span, and the end
    const float* value = nullptr;
    const float* square = nullptr;  // B^2
    const float* cube = nullptr;    // B^3 / sum of B^2

    VOXKERN_HD const float* raised(int power) const { return power == 3 ? cube : square; }
    // Samples on which control point i bears.
    VOXKERN_HD std::int64_t support_begin(std::int64_t i) const { return span_begin[i < taps ? 0 : i - taps + 1]; }
    VOXKERN_HD std::int64_t support_end(std::int64_t i) const {
        const std::int64_t spans = controls - taps + 1;
        return span_begin[i + 1 < spans ? i + 1 : spans];
    }
};

// Neighbouring rows within one span of the lattice to fit, and so within one of the field's.
struct Strip {
    std::int32_t begin;
    std::int32_t end;
    std::int32_t cell;
};

// How far the last step went in a tile: sums of exp(-step) - 1 and its square, and the largest square.
struct TileMoments {
    double first;
    double second;
    double largest;
};

// One level: tables, lattices and what is summed per tile. Its first iteration reads the lines of the level before.
struct Stage {
    AxisTable plane;
    AxisTable row;
    AxisTable column;
    std::int64_t strips = 0;
    std::int64_t across = 1;  // tiles of kTileColumns
    const Strip* strip = nullptr;
    const std::int32_t* strip_begin = nullptr;  // per control point of the rows axis: the strips it bears on
    const std::int32_t* strip_end = nullptr;
    float* field = nullptr;  // coefficients, [plane][row][column]
    float* step = nullptr;
    double* denominator = nullptr;
    float* field_lines = nullptr;  // [plane][control point of rows][column]: the field but for its last axis
    float* step_lines = nullptr;
    float* sums = nullptr;        // [plane][strip][tap][column]
    double* line_sums = nullptr;  // [plane][strip][tap][control point of columns]
    float* tile_low = nullptr;    // bounds of log image - field, as they would have been at drift 0
    float* tile_high = nullptr;
    TileMoments* moments = nullptr;
    TileMoments* plane_moments = nullptr;

    VOXKERN_HD std::int64_t tiles() const { return plane.samples * strips * across; }
    VOXKERN_HD std::int64_t size() const { return plane.controls * row.controls * column.controls; }
    VOXKERN_HD std::int64_t lines() const { return plane.samples * strips * row.taps; }
    std::int64_t line_floats() const { return plane.samples * row.controls * column.samples; }
};

// The column of a tile that a thread marches along.
struct Place {
    std::int64_t plane;
    std::int64_t strip;
    std::int64_t column;

    __device__ Place(const Stage& stage, std::int64_t tile)
        : plane(tile / stage.across / stage.strips),
          strip(tile / stage.across % stage.strips),
          column(tile % stage.across * kTileColumns + threadIdx.x) {}
};

// What an iteration leaves to the next. Only kernels of one block write it, but for what atomics change.
struct State {
    float low;  // range of log image - field
    float high;
    float drift;  // sum of all reaches: how far a sample can have moved
    float inverse_slope;
    int found_low;  // of the last step, as keys
    int found_high;
    int largest_step;  // bits of the largest magnitudes in the lattices
    int largest_field;
    int done;  // nothing is left to do in this level
    int level;
    int iteration;  // made in this level
    int steps;      // made in all
    double convergence;
};

// How far the last step can have moved a sample, and which tiles may hold the extremes now; see Bounds.
struct Reach {
    float step;
    Bounds bounds;

    __device__ explicit Reach(const State& state) {
        const float field = __int_as_float(state.largest_field);
        const float range = std::fabs(state.low) > std::fabs(state.high) ? std::fabs(state.low) : std::fabs(state.high);
        const float largest = field > range ? field : range;
        step = __int_as_float(state.largest_step);
        const float reach = step + kRounding * largest;
        bounds = {state.drift + reach, {state.low + reach, state.high - reach}};
    }
};

struct Rules {
    std::int32_t bins = 0;
    std::int32_t fraction_bits = 0;
    bool itk = true;
    bool measured = true;  // whether anybody looks at the convergence measure
    bool watched = true;   // even where it does not matter
    double threshold = 0.0;
    double fwhm = 0.0;
    double noise = 0.0;
    std::int64_t voxels = 0;
};

// Integers: every order of additions gives the same sums.
struct Histogram {
    unsigned long long* count = nullptr;     // per bin
    unsigned long long* fraction = nullptr;  // distances to the lower edges
};

// The residual of a sample between two edges of bins: base + slope * distance.
struct alignas(8) ResidualEntry {
    float base;
    float slope;
};

// Numbers as integers of the same order, for atomicMin and atomicMax.
__device__ __forceinline__ int key_of(float x) {
    const int bits = __float_as_int(x);
    return bits >= 0 ? bits : bits ^ 0x7fffffff;
}
__device__ __forceinline__ float value_of(int key) {
    return __int_as_float(key >= 0 ? key : key ^ 0x7fffffff);
}

// Taps across rows are a template argument for cubic splines, the default. Taps = 0: as many as the tables have, one to
// kMaxTaps.
template <int Taps>
constexpr int kRoom = Taps > 0 ? Taps : kMaxTaps;

template <int Taps>
struct alignas(Taps % 4 == 0   ? 16
               : Taps % 2 == 0 ? 8
                               : 4) RowWeights {
    float of[Taps];
};

// The weights of rows, those of a row loaded at once.
template <int Taps>
struct RowTable {
    const float* values;
    int taps;

    __device__ RowTable(const float* from, const AxisTable& row) : values(from), taps(static_cast<int>(row.taps)) {}
    __device__ __forceinline__ bool has(int k) const { return Taps > 0 || k < taps; }
    __device__ __forceinline__ RowWeights<kRoom<Taps>> operator[](std::int64_t y) const {
        if constexpr (Taps > 0) {
            return reinterpret_cast<const RowWeights<Taps>*>(values)[y];
        } else {
            RowWeights<kMaxTaps> row;
#pragma unroll
            for (int k = 0; k < kMaxTaps; ++k) row.of[k] = k < taps ? values[y * taps + k] : 0.0F;
            return row;
        }
    }
};

// A spline in one column, along the rows of a strip. The bits are the CPU's.
template <int Taps>
struct Column {
    float line[kRoom<Taps>];
    RowTable<Taps> weights;

    __device__ Column(const float* lines, const AxisTable& row, std::int64_t columns, const Place& at, std::int64_t y)
        : weights(row.value, row) {
        const float* const first = lines + (at.plane * row.controls + row.cell[y]) * columns + at.column;
#pragma unroll
        for (int k = 0; k < kRoom<Taps>; ++k) line[k] = weights.has(k) ? first[k * columns] : 0.0F;
    }
    __device__ float at(std::int64_t y) const {
        const RowWeights<kRoom<Taps>> w = weights[y];
        float value = line[0] * w.of[0];
#pragma unroll
        for (int k = 1; k < kRoom<Taps>; ++k) value = weights.has(k) ? std::fma(line[k], w.of[k], value) : value;
        return value;
    }
};

template <class F>
void by_taps(std::int64_t taps, const F& f) {
    if (taps == 4) return f(std::integral_constant<int, 4>());
    f(std::integral_constant<int, 0>());
}

// A block per tile, up to kMostBlocks, or a warp per `items`.
inline cudaLaunchConfig_t config_of_tiles(const Box& box, const Stage& stage, std::size_t shared, cudaStream_t stream) {
    const std::int64_t columns = box.columns < kTileColumns ? box.columns : kTileColumns;
    const auto threads = static_cast<unsigned>(cuda::ceil_div(columns, cuda::kWarp) * cuda::kWarp);
    return cuda::config(cuda::grid_x(stage.tiles(), kMostBlocks), threads, shared, stream);
}
inline cudaLaunchConfig_t config_of_warps(std::int64_t items, cudaStream_t stream) {
    constexpr unsigned kThreads = 128;
    return cuda::config(cuda::grid_x(cuda::ceil_div(items, kThreads / cuda::kWarp)), kThreads, 0, stream);
}

// What the device notes for the host.
struct Log {
    double* mean = nullptr;   // of the log field
    double* trace = nullptr;  // convergence of every step; nullptr: nobody asks
    int* made = nullptr;      // iterations of every level
};

// Of the memory that Log points into, and the lattice behind it.
struct Result {
    std::int64_t steps = 0;
    std::int64_t levels = 0;
    std::int64_t points = 0;

    std::int64_t bytes() const { return 8 * (1 + steps) + 4 * (levels + points); }
};

struct SharpenTables {
    std::int64_t size = 0;
    const double* cos = nullptr;
    const double* sin = nullptr;
    double* memory = nullptr;  // where shared memory does not hold it
};

// --- memory, n4_stages_cuda.cu ---------------------------------------------------------------------------------------

// All levels. What no level leaves to the next is that of the largest.
struct Levels {
    Levels(const Box& box, const std::int64_t (&origin)[3], const MemoryOrder& order, const Options& options,
           const Rules& rules, const cuda::Exec& exec);
    Levels(const Levels&) = delete;
    Levels& operator=(const Levels&) = delete;

    std::vector<Controls> controls;
    std::vector<Stage> stage;
    std::int64_t iterations = 0;  // in all, at most
    SharpenTables sharpen;
    Histogram histogram;
    ResidualEntry* residuals = nullptr;
    double* refinement = nullptr;
    double* totals = nullptr;  // per tile
    Log log;
    Result result;
    std::vector<cuda::Scratch<char>> memory;
};

// The image that is divided: planes, rows, columns, and the lines of the field.
struct WholeImage {
    WholeImage(const MemoryOrder& order, const Extents& extents, const Controls& controls, const Options& options,
               const cuda::Exec& exec);
    WholeImage(const WholeImage&) = delete;
    WholeImage& operator=(const WholeImage&) = delete;

    AxisTable axis[3];
    float* lines = nullptr;
    std::vector<cuda::Scratch<char>> memory;
};

// --- launches, by file ----------------------------------------------------------------------------------------------

// n4_grid_cuda.cu: what the host must know of the samples before anything else.
struct Report {
    unsigned long long inside = 0;  // of mask and weights
    unsigned long long voxels = 0;
    unsigned long long not_positive = 0;
    unsigned long long not_finite = 0;
    unsigned long long bad_weights = 0;
    unsigned long long first = ~0ull;  // the first sample of all, which ITK never takes for the minimum
    int begin[3] = {2147483647, 2147483647, 2147483647};  // the box around mask and weights
    int end[3] = {0, 0, 0};
    int low = 2147483647;  // keys
    int high = -2147483647 - 1;
};

// Writes logarithms and weights, laid out as [plane][row][column] of the whole image, and waits for the report.
Report read_samples(const Samples& samples, const Options& options, float* log_image, float* weights,
                    const cuda::Exec& exec);

// n4_sharpen_cuda.cu: the residual table of the histogram, which is emptied.
void sharpen(const Rules& rules, const SharpenTables& tables, const Histogram& histogram, ResidualEntry* residuals,
             State* state, cudaStream_t stream);

// n4_fit_cuda.cu
void fit_weights(const Box& box, const Stage& stage, cudaStream_t stream);  // the denominator of a level
void fit_residuals(const Box& box, const Stage& from, const Stage& to, const Rules& rules,
                   const ResidualEntry* residuals, State* state, cudaStream_t stream);  // takes the step
void expand(const Stage& stage, const State* state, cudaStream_t stream);               // field and step into lines
// The same for the whole image, whose axes may lie otherwise in memory: strides of the lattice per axis.
void expand_to(const AxisTable (&axes)[3], const float* lattice, const std::int64_t (&strides)[3], float* lines,
               cudaStream_t stream);
void refine(const Stage& from, const Stage& to, int spline_order, double* scratch, cudaStream_t stream);

// n4_measure_cuda.cu
void begin_level(const Stage& stage, int level, State* state, cudaStream_t stream);
void find_extremes(const Box& box, const Stage& stage, State* state, cudaStream_t stream);
void measure(const Box& box, const Stage& stage, const Rules& rules, const Histogram& histogram, bool stepped,
             State* state, cudaStream_t stream);
void mean_of(const Box& box, const Stage& stage, std::int64_t voxels, double* totals, double* mean,
             cudaStream_t stream);  // `totals`: of each tile
void subtract_mean(const Stage& stage, const double* mean, cudaStream_t stream);

// n4_convergence_cuda.cu: ends the iteration, and the level where the threshold is reached.
void decide(const Box& box, const Stage& stage, const Rules& rules, State* state, const Log& log, cudaStream_t stream);

// n4_divide_cuda.cu: `order` of the target's axes, `lines` of its rows and columns.
void divide(const Target& target, const MemoryOrder& order, const AxisTable& row, const float* lines,
            cudaStream_t stream);

}  // namespace voxkern::n4::gpu

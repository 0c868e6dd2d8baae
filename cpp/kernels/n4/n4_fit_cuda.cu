// SPDX-License-Identifier: Apache-2.0
// The fit on the GPU: residuals, contracted along rows by the threads that read them, then along columns, then along
// planes, each in a fixed order. And the way back, from control points to lines.
#include "kernels/n4/n4_cuda_task.hpp"
#include "kernels/n4/n4_math.hpp"

namespace voxkern::n4::gpu {
namespace {

// 1 where a sample takes part: the fit of these is the denominator.
struct Ones {
    struct OfTile {
        __device__ float operator()(float log_value, std::int64_t) const {
            return log_value == log_value ? 1.0F : 0.0F;
        }
    };
    __device__ OfTile on(const Box&, const Place&, std::int64_t) const { return {}; }
};

// log image - field less its expectation, by way of the bin.
template <int Taps>
struct Residuals {
    const float* lines;
    AxisTable row;
    const ResidualEntry* table;
    const State* state;
    float top;

    struct OfTile {
        Column<Taps> field;
        const ResidualEntry* table;
        float low;
        float inverse_slope;
        float top;

        __device__ float operator()(float log_value, std::int64_t y) const {
            const float c = (log_value - field.at(y) - low) * inverse_slope;
            const float cut = c < top ? c : top;  // of NaN the top: a place within the table
            const bool below = cut < 0.0F;        // ITK maps it to the last bin
            const int edge = below ? 0 : static_cast<int>(cut);
            const ResidualEntry entry = table[below ? static_cast<int>(top) + 1 : edge];
            const float residual = entry.slope * (cut - static_cast<float>(edge)) + entry.base;
            return log_value == log_value ? residual : 0.0F;
        }
    };
    __device__ OfTile on(const Box& box, const Place& at, std::int64_t y) const {
        return {Column<Taps>(lines, row, box.columns, at, y), table, state->low, state->inverse_slope, top};
    }
};

template <int Taps, class Value>
__global__ void fit_tiles(Box box, Stage stage, Value value, int power, const State* state) {
    if (state != nullptr && state->done != 0) return;
    const RowTable<Taps> raised(stage.row.raised(power), stage.row);
    for (std::int64_t tile = blockIdx.x; tile < stage.tiles(); tile += gridDim.x) {
        const Place at(stage, tile);
        if (at.column >= box.columns) continue;
        const Strip strip = stage.strip[at.strip];
        const auto value_at = value.on(box, at, strip.begin);
        float sum[kRoom<Taps>] = {};
        for (std::int64_t y = strip.begin; y < strip.end; ++y) {
            const std::int64_t i = box.at(at.plane, y, at.column);
            float r = value_at(box.log_image[i], y);
            if (box.weights != nullptr) r *= box.weights[i];
            const RowWeights<kRoom<Taps>> w = raised[y];
#pragma unroll
            for (int k = 0; k < kRoom<Taps>; ++k) sum[k] = std::fma(w.of[k], r, sum[k]);
        }
        float* const out = stage.sums + (at.plane * stage.strips + at.strip) * stage.row.taps * box.columns + at.column;
#pragma unroll
        for (int k = 0; k < kRoom<Taps>; ++k) {
            if (raised.has(k)) out[k * box.columns] = sum[k];
        }
    }
}

// A line of `sums` contracted to the control points of the columns, by a warp.
__global__ void contract_lines(Stage stage, int power, const State* state) {
    if (state != nullptr && state->done != 0) return;
    const AxisTable& column = stage.column;
    const float* const raised = column.raised(power);
    const std::int64_t lane = threadIdx.x % cuda::kWarp;
    for (std::int64_t line = cuda::first_position() / cuda::kWarp; line < stage.lines();
         line += cuda::position_step() / cuda::kWarp) {
        const float* const from = stage.sums + line * column.samples;
        for (std::int64_t j = 0; j < column.controls; ++j) {
            float sum = 0.0F;
            for (std::int64_t x = column.support_begin(j) + lane; x < column.support_end(j); x += cuda::kWarp) {
                sum = std::fma(from[x], raised[x * column.taps + j - column.cell[x]], sum);
            }
            const double total = cuda::warp_sum(static_cast<double>(sum));
            if (lane == 0) stage.line_sums[line * column.controls + j] = total;
        }
    }
}

// A control point from all lines it bears on, by a warp: the denominator where there is no state, else the step.
__global__ void gather_points(Stage stage, int power, State* state) {
    if (state != nullptr && state->done != 0) return;
    const AxisTable& plane = stage.plane;
    const float* const raised = plane.raised(power);
    const std::int64_t lane = threadIdx.x % cuda::kWarp;
    for (std::int64_t point = cuda::first_position() / cuda::kWarp; point < stage.size();
         point += cuda::position_step() / cuda::kWarp) {
        const std::int64_t j = point % stage.column.controls;
        const std::int64_t r = point / stage.column.controls % stage.row.controls;
        const std::int64_t i = point / stage.column.controls / stage.row.controls;
        double sum = 0.0;
        for (std::int64_t p = plane.support_begin(i) + lane; p < plane.support_end(i); p += cuda::kWarp) {
            double of_plane = 0.0;
            for (std::int64_t s = stage.strip_begin[r]; s < stage.strip_end[r]; ++s) {
                const std::int64_t line = (p * stage.strips + s) * stage.row.taps + r - stage.strip[s].cell;
                of_plane += stage.line_sums[line * stage.column.controls + j];
            }
            sum += static_cast<double>(raised[p * plane.taps + i - plane.cell[p]]) * of_plane;
        }
        sum = cuda::warp_sum(sum);
        if (lane != 0) continue;
        if (state == nullptr) {
            stage.denominator[point] = sum;
            continue;
        }
        const double weight = stage.denominator[point];
        const double value = sum / weight;
        const float step = weight > kLeastWeight && std::isfinite(value) ? static_cast<float>(value) : 0.0F;
        const float field = stage.field[point] + step;
        stage.step[point] = step;
        stage.field[point] = field;
        atomicMax(&state->largest_step, __float_as_int(std::fabs(step)));
        atomicMax(&state->largest_field, __float_as_int(std::fabs(field)));
    }
}

// A lattice, strides per axis, and the lines it becomes.
struct Expansion {
    const float* lattice = nullptr;
    std::int64_t stride[3] = {};
    float* lines = nullptr;
};

__global__ void expand_lines(AxisTable plane, AxisTable row, AxisTable column, Expansion first, Expansion second,
                             const State* state) {
    if (state != nullptr && state->done != 0) return;
    const Expansion one = blockIdx.y == 0 ? first : second;
    const std::int64_t size = plane.samples * row.controls * column.samples;
    for (std::int64_t p = cuda::first_position(); p < size; p += cuda::position_step()) {
        const std::int64_t x = p % column.samples;
        const std::int64_t r = p / column.samples % row.controls;
        const std::int64_t z = p / column.samples / row.controls;
        const float* const from =
            one.lattice + plane.cell[z] * one.stride[0] + r * one.stride[1] + column.cell[x] * one.stride[2];
        float line = 0.0F;
        for (std::int64_t k = 0; k < column.taps; ++k) {
            float control = 0.0F;
            for (std::int64_t q = 0; q < plane.taps; ++q) {
                control += plane.value[z * plane.taps + q] * from[q * one.stride[0] + k * one.stride[2]];
            }
            line = std::fma(column.value[x * column.taps + k], control, line);
        }
        one.lines[p] = line;
    }
}

// A lattice with twice the spans along an axis of `count` points; an axis of one stays.
template <class From, class To>
__global__ void refine_axis(const From* from, To* to, std::int64_t outer, std::int64_t count, std::int64_t inner,
                            int order) {
    const std::int64_t finer = count == 1 ? 1 : 2 * count - order;
    for (std::int64_t p = cuda::first_position(); p < outer * finer * inner; p += cuda::position_step()) {
        const std::int64_t x = p % inner;
        const std::int64_t i = p / inner % finer;
        const From* const line = from + p / inner / finer * count * inner + x;
        const auto old = [&](std::int64_t j) { return static_cast<double>(line[j * inner]); };
        to[p] = static_cast<To>(count == 1 ? old(0) : refined_point(old, i, count, order));
    }
}

template <int Taps, class Value>
void launch_fit(const Box& box, const Stage& stage, const Value& value, int power, State* state, cudaStream_t stream) {
    const auto config = config_of_tiles(box, stage, 0, stream);
    cuda::launch("n4 fit_tiles", config, fit_tiles<Taps, Value>, box, stage, value, power,
                 static_cast<const State*>(state));
    cuda::launch("n4 contract_lines", config_of_warps(stage.lines(), stream), contract_lines, stage, power,
                 static_cast<const State*>(state));
    cuda::launch("n4 gather_points", config_of_warps(stage.size(), stream), gather_points, stage, power, state);
}

}  // namespace

void fit_weights(const Box& box, const Stage& stage, cudaStream_t stream) {
    by_taps(stage.row.taps, [&](auto taps) { launch_fit<taps()>(box, stage, Ones{}, 2, nullptr, stream); });
}

void fit_residuals(const Box& box, const Stage& from, const Stage& to, const Rules& rules,
                   const ResidualEntry* residuals, State* state, cudaStream_t stream) {
    by_taps(to.row.taps, [&](auto taps) {
        const Residuals<taps()> value = {from.field_lines, from.row, residuals, state,
                                         static_cast<float>(rules.bins - 1)};
        launch_fit<taps()>(box, to, value, 3, state, stream);
    });
}

void expand(const Stage& stage, const State* state, cudaStream_t stream) {
    const std::int64_t plane = stage.row.controls * stage.column.controls;
    const Expansion field = {stage.field, {plane, stage.column.controls, 1}, stage.field_lines};
    Expansion step = field;
    step.lattice = stage.step;
    step.lines = stage.step_lines;
    auto config = cuda::config_for(stage.plane.samples * stage.row.controls * stage.column.samples, stream);
    config.gridDim.y = stage.step_lines != nullptr ? 2 : 1;
    cuda::launch("n4 expand_lines", config, expand_lines, stage.plane, stage.row, stage.column, field, step, state);
}

void expand_to(const AxisTable (&axes)[3], const float* lattice, const std::int64_t (&strides)[3], float* lines,
               cudaStream_t stream) {
    const Expansion field = {lattice, {strides[0], strides[1], strides[2]}, lines};
    cuda::launch("n4 expand_lines", cuda::config_for(axes[0].samples * axes[1].controls * axes[2].samples, stream),
                 expand_lines, axes[0], axes[1], axes[2], field, field, static_cast<const State*>(nullptr));
}

void refine(const Stage& from, const Stage& to, int spline_order, double* scratch, cudaStream_t stream) {
    const std::int64_t n[3] = {from.plane.controls, from.row.controls, from.column.controls};
    const std::int64_t m[3] = {to.plane.controls, to.row.controls, to.column.controls};
    double* const first = scratch;
    double* const second = scratch + to.size();
    cuda::launch("n4 refine_axis", cuda::config_for(m[0] * n[1] * n[2], stream), refine_axis<float, double>,
                 static_cast<const float*>(from.field), first, std::int64_t{1}, n[0], n[1] * n[2], spline_order);
    cuda::launch("n4 refine_axis", cuda::config_for(m[0] * m[1] * n[2], stream), refine_axis<double, double>,
                 static_cast<const double*>(first), second, m[0], n[1], n[2], spline_order);
    cuda::launch("n4 refine_axis", cuda::config_for(to.size(), stream), refine_axis<double, float>,
                 static_cast<const double*>(second), to.field, m[0] * m[1], n[2], std::int64_t{1}, spline_order);
}

}  // namespace voxkern::n4::gpu

// SPDX-License-Identifier: Apache-2.0
// Sweeps of N4 over one plane, compiled once per ISA level inside that level's namespace.
//
// A spline on a grid separates, and so does N4's fit to it (README.md). The axis across rows comes
// last: per plane the control points become `controls` rows of columns once (expand), and then a
// voxel is `taps` multiply-adds of those rows with weights that are constants of its row. The fit is
// the transpose: `taps` multiply-adds into such rows, contracted along the columns once per plane.
#include "core/simd/intrinsics.hpp"
#include "kernels/n4/n4_task.hpp"

namespace voxkern::n4 {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"
//
#include "core/simd/convert.inl.hpp"

#include "kernels/n4/n4_band.inl.hpp"

// Extremes of log image - field in one row.
template <int Taps>
Extremes row_extremes(const Grid& grid, const Spline& spline, std::int64_t plane, std::int64_t y,
                      const Scratch& scratch) {
    const ImageRows<1> image(grid, plane, y);
    const Band<Taps, 1> field(spline, scratch.field, y);
    F low = splat(kHuge);
    F high = splat(-kHuge);
    for (std::int64_t b = image.begin; b < image.end; ++b) {
        for (std::int64_t j = 0; j < kBlock; j += kLanes) {
            const std::int64_t x = b * kBlock + j;
            F value[1];
            field.at(x, value);
            const F u = load(image.values[0] + x) - value[0];
            I inside = lanes_of(image.lanes[0][b], j);
            high = larger(high, inside != 0 ? u : splat(-kHuge));
            if (image.index == grid.first_row) {  // its first sample cannot be the minimum
                for (std::int64_t l = 0; l < kLanes; ++l) inside[l] &= x + l == grid.first_column ? 0 : -1;
            }
            low = smaller(low, inside != 0 ? u : splat(kHuge));
        }
    }
    Extremes extremes = {low[0], high[0]};
    for (std::int64_t l = 1; l < kLanes; ++l) {
        extremes.low = low[l] < extremes.low ? low[l] : extremes.low;
        extremes.high = high[l] > extremes.high ? high[l] : extremes.high;
    }
    return extremes;
}

template <int Taps>
Extremes extremes_of(const Grid& grid, const Spline& spline, std::int64_t plane, Bounds bounds,
                     const Scratch& scratch) {
    Extremes all = {kHuge, -kHuge};
    bool expanded = false;
    for (std::int64_t y = 0; y < grid.rows; ++y) {
        const std::int64_t row = plane * grid.rows + y;
        const bool low = grid.row_low[row] - bounds.drift <= bounds.within.low;
        const bool high = grid.row_high[row] + bounds.drift >= bounds.within.high;
        if (!(low || high) || grid.end_block[row] == 0) continue;
        if (!expanded) expand(spline, plane, scratch.controls, scratch.field);
        expanded = true;
        const Extremes here = row_extremes<Taps>(grid, spline, plane, y, scratch);
        grid.row_low[row] = here.low + bounds.drift;
        grid.row_high[row] = here.high - bounds.drift;
        all.low = here.low < all.low ? here.low : all.low;
        all.high = here.high > all.high ? here.high : all.high;
    }
    return all;
}

void flush(const Measure& task, std::uint64_t* histogram) {
    const std::int64_t bins = task.last_bin + 1;
    for (std::int64_t copy = 0; copy < kCopies; ++copy) {
        std::uint64_t* const words = histogram + copy * (bins + 1);
        for (std::int64_t k = 0; k < bins; ++k) {
            task.count[k] += static_cast<std::int64_t>(words[k] >> kCountBit);
            task.fraction[k] += static_cast<std::int64_t>(words[k] & ((std::uint64_t{1} << kCountBit) - 1));
        }
        for (std::int64_t k = 0; k <= bins; ++k) words[k] = 0;
    }
}

// Apart from the vector loops, which need the registers.
__attribute__((noinline)) void add_words(const std::int32_t* VOXKERN_RESTRICT word,
                                         const std::uint64_t* VOXKERN_RESTRICT increment, std::int64_t n,
                                         std::uint64_t* VOXKERN_RESTRICT histogram) {
    for (std::int64_t i = 0; i < n; i += 4) {
        for (std::int64_t l = i; l < i + 4; ++l) histogram[word[l]] += increment[l];
    }
}

// Sums of a plane, lane by lane.
struct LaneMoments {
    double first[kBlock] = {};
    double second[kBlock] = {};
    F largest = {};
};

// Histogram words of the samples of a band, and what to add to them.
template <int Taps, int Rows>
void bin_band(const Grid& grid, const Measure& task, const ImageRows<Rows>& image, std::int64_t y,
              const Scratch& scratch) {
    const Band<Taps, Rows> field(*task.field, scratch.field, y);
    const F low = splat(task.low);
    const F high = splat(task.high);
    const F scale = splat(task.scale);
    const I high_bin = I{} + task.high_bin;
    const I last = I{} + (task.last_bin << task.fraction_bits);
    const I none = I{} + (task.last_bin + 1);
    const std::int32_t below_edge = (std::int32_t{1} << task.fraction_bits) - 1;
    I copy = {};
    for (std::int64_t l = 0; l < kLanes; ++l) copy[l] = static_cast<std::int32_t>(l % kCopies) * (task.last_bin + 2);
    std::int32_t* word = scratch.bins;
    std::uint64_t* increment = scratch.increments;
    for (std::int64_t b = image.begin; b < image.end; ++b) {
        for (std::int64_t j = 0; j < kBlock; j += kLanes) {
            const std::int64_t x = b * kBlock + j;
            F value[Rows];
            field.at(x, value);
            for (int r = 0; r < Rows; ++r) {
                __builtin_prefetch(image.values[r] + Rows * grid.pitch + x);
                const F u = load(image.values[r] + x) - value[r];
                const I fixed = u == high ? high_bin : to_int((u - low) * scale);
                const I counted = lanes_of(image.lanes[r][b], j) & (fixed >= 0) & (fixed <= last);
                const I where = (counted != 0 ? fixed >> task.fraction_bits : none) + copy;
                const Wide add = __builtin_convertvector(fixed & below_edge, Wide) + (std::int64_t{1} << kCountBit);
                __builtin_memcpy(word, &where, sizeof(where));
                __builtin_memcpy(increment, &add, sizeof(add));
                word += kLanes;
                increment += kLanes;
            }
        }
    }
}

// How far the last step went in a band.
template <int Taps, int Rows>
void add_moments(const Measure& task, const ImageRows<Rows>& image, std::int64_t y, const Scratch& scratch,
                 LaneMoments& moments) {
    const Band<Taps, Rows> step(*task.step, scratch.step, y);
    F sum = {};
    F squares = {};
    for (std::int64_t b = image.begin; b < image.end; ++b) {
        for (std::int64_t j = 0; j < kBlock; j += kLanes) {
            F e[Rows];
            step.at(b * kBlock + j, e);
            for (int r = 0; r < Rows; ++r) {
                F d = task.reach <= kShort ? ratio_less_one(e[r]) : exponential(-e[r]) - splat(1.0F);
                d = lanes_of(image.lanes[r][b], j) != 0 ? d : F{};
                const F square = d * d;
                sum += d;
                squares += square;
                moments.largest = larger(moments.largest, square);
            }
        }
    }
    add_lanes(moments.first, sum);
    add_lanes(moments.second, squares);
}

template <int Taps>
struct MeasureBands {
    const Grid& grid;
    const Measure& task;
    const Scratch& scratch;
    std::int64_t plane;
    LaneMoments moments;
    std::int64_t pending = 0;  // additions to one copy of the histogram since it was emptied

    template <int Rows>
    void band(std::int64_t y) {
        const ImageRows<Rows> image(grid, plane, y);
        if (image.empty()) return;
        bin_band<Taps, Rows>(grid, task, image, y, scratch);
        const std::int64_t samples = (image.end - image.begin) * kBlock * Rows;
        for (std::int64_t i = 0; i < samples; i += kCopies * kFlushEvery) {  // a long row has more than a word holds
            const std::int64_t rest = samples - i;
            const std::int64_t n = rest < kCopies * kFlushEvery ? rest : kCopies * kFlushEvery;
            if (pending + n / kCopies > kFlushEvery) {
                flush(task, scratch.histogram);
                pending = 0;
            }
            pending += n / kCopies;
            add_words(scratch.bins + i, scratch.increments + i, n, scratch.histogram);
        }
        if (task.step != nullptr) add_moments<Taps, Rows>(task, image, y, scratch, moments);
    }
    void four(std::int64_t y) { band<kBandRows>(y); }
    void one(std::int64_t y) { band<1>(y); }
};

template <int Taps>
Moments measure_plane(const Grid& grid, const Measure& task, std::int64_t plane, const Scratch& scratch) {
    for (std::int64_t i = 0; i < kCopies * (task.last_bin + 2); ++i) scratch.histogram[i] = 0;
    expand(*task.field, plane, scratch.controls, scratch.field);
    if (task.step != nullptr) expand(*task.step, plane, scratch.controls, scratch.step);
    MeasureBands<Taps> bands = {grid, task, scratch, plane, {}};
    for_bands(grid, task.field->row, task.field->row, bands);
    flush(task, scratch.histogram);
    LaneMoments& moments = bands.moments;
    float largest = 0.0F;
    for (std::int64_t l = 0; l < kLanes; ++l) largest = moments.largest[l] > largest ? moments.largest[l] : largest;
    return {sum_of_lanes(moments.first), sum_of_lanes(moments.second), static_cast<double>(largest)};
}

// The rows of columns contracted to control points: each a product with its basis function.
void contract_columns(const Residual& task, const float* rows, double* sums) {
    const std::int64_t controls = task.columns.controls;
    for (std::int64_t r = 0; r < task.rows.controls; ++r) {
        for (std::int64_t j = 0; j < controls; ++j) {
            const float* const line = rows + r * task.columns.stride + task.tables.band_begin[j];
            const float* const band = task.tables.column_band + j * task.tables.band_stride;
            F sum = {};
            for (std::int64_t x = 0; x < task.tables.band_stride; x += kLanes) {
                sum = madd(load(line + x), load(band + x), sum);
            }
            double lanes[kBlock] = {};
            add_lanes(lanes, sum);
            sums[r * controls + j] = sum_of_lanes(lanes);
        }
    }
}

// Residuals of log image - field in a band, by way of the bin coordinate of each sample.
template <int Taps, int Rows>
void residuals_of(const Grid& grid, const Residual& task, const ImageRows<Rows>& image, std::int64_t y,
                  const Scratch& scratch) {
    const Band<Taps, Rows> field(*task.field, scratch.field, y);
    const F low = splat(task.low);
    const F inverse = splat(task.inverse_slope);
    const F top = splat(static_cast<float>(task.last_bin));
    const I beneath = I{} + (task.last_bin + kEntryBelow);
    const I outside = I{} + (task.last_bin + kEntryOutside);
    std::int32_t* bin = scratch.bins;
    float* distance = scratch.distances;
    for (std::int64_t b = image.begin; b < image.end; ++b) {
        for (std::int64_t j = 0; j < kBlock; j += kLanes) {
            const std::int64_t x = b * kBlock + j;
            F value[Rows];
            field.at(x, value);
            for (int r = 0; r < Rows; ++r) {
                __builtin_prefetch(image.values[r] + Rows * grid.pitch + x);
                const I inside = lanes_of(image.lanes[r][b], j);
                const F u = load(image.values[r] + x) - value[r];
                const F c = inside != 0 ? smaller((u - low) * inverse, top) : F{};
                const I below = c < F{};
                const I edge = below != 0 ? I{} : to_int(c);
                I k = below != 0 ? beneath : edge;
                k = inside != 0 ? k : outside;
                const F f = c - to_float(edge);
                __builtin_memcpy(bin, &k, sizeof(k));
                store(distance, f);
                bin += kLanes;
                distance += kLanes;
            }
        }
    }
    interpolate(task.table, scratch.bins, scratch.distances, scratch.residuals,
                (image.end - image.begin) * kBlock * Rows);
}

// 1 where a sample takes part: the fit of these is the denominator.
template <int Rows>
void ones_of(const ImageRows<Rows>& image, float* residual) {
    for (std::int64_t b = image.begin; b < image.end; ++b) {
        for (std::int64_t j = 0; j < kBlock; j += kLanes) {
            for (int r = 0; r < Rows; ++r, residual += kLanes) {
                store(residual, lanes_of(image.lanes[r][b], j) != 0 ? splat(1.0F) : F{});
            }
        }
    }
}

template <int Taps>
struct FitBands {
    const Grid& grid;
    const Residual& task;
    const Scratch& scratch;
    std::int64_t plane;

    template <int Rows>
    void band(std::int64_t y) {
        const ImageRows<Rows> image(grid, plane, y);
        if (image.empty()) return;
        if (task.table != nullptr) {
            residuals_of<Taps, Rows>(grid, task, image, y, scratch);
        } else {
            ones_of(image, scratch.residuals);
        }
        F factor[Rows][Taps];
        for (int r = 0; r < Rows; ++r) {
            for (int k = 0; k < Taps; ++k) factor[r][k] = splat(task.tables.row[k * task.rows.stride + y + r]);
        }
        const std::int64_t stride = task.columns.stride;
        float* const lines = scratch.sums + task.rows.cell[y] * stride;
        const float* const weights = grid.weights == nullptr ? nullptr : grid.weights + image.index * grid.pitch;
        const float* residual = scratch.residuals;
        for (std::int64_t b = image.begin; b < image.end; ++b) {
            for (std::int64_t j = 0; j < kBlock; j += kLanes) {
                const std::int64_t x = b * kBlock + j;
                F value[Rows];
                for (int r = 0; r < Rows; ++r) {
                    value[r] = load(residual + r * kLanes);
                    if (weights != nullptr) {
                        value[r] *= load(weights + r * grid.pitch + x);
                        value[r] = lanes_of(image.lanes[r][b], j) != 0 ? value[r] : F{};
                    }
                }
                residual += Rows * kLanes;
                for (int k = 0; k < Taps; ++k) {
                    F sum = load(lines + k * stride + x);
                    for (int r = 0; r < Rows; ++r) sum = madd(factor[r][k], value[r], sum);
                    store(lines + k * stride + x, sum);
                }
            }
        }
    }
    void four(std::int64_t y) { band<kBandRows>(y); }
    void one(std::int64_t y) { band<1>(y); }
};

template <int Taps>
void fit_plane(const Grid& grid, const Residual& task, std::int64_t plane, const Scratch& scratch, double* sums) {
    const std::int64_t size = task.rows.controls * task.columns.stride;
    for (std::int64_t i = 0; i < size; ++i) scratch.sums[i] = 0.0F;
    if (task.table != nullptr) expand(*task.field, plane, scratch.controls, scratch.field);
    FitBands<Taps> bands = {grid, task, scratch, plane};
    for_bands(grid, task.field->row, task.rows, bands);
    contract_columns(task, scratch.sums, sums);
}

template <int Taps>
Deviation ratios_of(const Grid& grid, const Spline& spline, std::int64_t plane, std::int64_t y, float reach, float mean,
                    const Scratch& scratch, float* out) {
    const ImageRows<1> image(grid, plane, y);
    const Band<Taps, 1> step(spline, scratch.step, y);
    Deviation deviation = {0, 0.0F, 0.0};
    F farthest = {};
    F squares = {};
    for (std::int64_t b = image.begin; b < image.end; ++b) {
        for (std::int64_t j = 0; j < kBlock; j += kLanes) {
            F e[1];
            step.at(b * kBlock + j, e);
            const F ratio = reach <= kShort ? ratio_less_one(e[0]) + splat(1.0F) : exponential(-e[0]);
            store(out + b * kBlock + j, ratio);
            F d = ratio - splat(mean);
            d = lanes_of(image.lanes[0][b], j) != 0 ? d : F{};
            farthest = larger(farthest, larger(d, -d));
            squares = madd(d, d, squares);
        }
        deviation.count += __builtin_popcount(image.lanes[0][b]);
    }
    double sums[kBlock] = {};
    add_lanes(sums, squares);
    deviation.squares = sum_of_lanes(sums);
    for (std::int64_t l = 0; l < kLanes; ++l) {
        deviation.farthest = farthest[l] > deviation.farthest ? farthest[l] : deviation.farthest;
    }
    return deviation;
}

template <int Taps>
double total_of(const Grid& grid, const Spline& spline, std::int64_t plane, const Scratch& scratch) {
    expand(spline, plane, scratch.controls, scratch.field);
    double sums[kBlock] = {};
    for (std::int64_t y = 0; y < grid.rows; ++y) {
        const ImageRows<1> image(grid, plane, y);
        const Band<Taps, 1> field(spline, scratch.field, y);
        F sum = {};
        for (std::int64_t b = image.begin; b < image.end; ++b) {
            for (std::int64_t j = 0; j < kBlock; j += kLanes) {
                F value[1];
                field.at(b * kBlock + j, value);
                sum += lanes_of(image.lanes[0][b], j) != 0 ? value[0] : F{};
            }
        }
        add_lanes(sums, sum);
    }
    return sum_of_lanes(sums);
}

template <int Taps, class C>
void divide_row_as(const Division& task, std::int64_t y, const Scratch& scratch) {
    const std::int64_t n = task.field->column.samples;
    const Band<Taps, 1> spline(*task.field, scratch.field, y);
    float* const field = scratch.distances;
    for (std::int64_t x = 0; x < n; x += kLanes) {
        F log_field[1];
        spline.at(x, log_field);
        store(field + x, exponential(log_field[0]));
    }
    if (task.field_out != nullptr) store_row<RoundSaturate, float>(field, task.field_out, task.field_stride, n);
    C* const row = reinterpret_cast<C*>(scratch.residuals);
    load_row_of<C>(task.in_dtype)(task.in, task.in_stride, row, n);
    for (std::int64_t x = 0; x < n; ++x) row[x] /= static_cast<C>(field[x]);
    store_row<RoundSaturate, C>(row, task.out, task.out_stride, n);
}

template <int Taps>
void divide_row_taps(const Division& task, std::int64_t y, const Scratch& scratch) {
    if (task.out_dtype == DType::f64) {
        divide_row_as<Taps, double>(task, y, scratch);
    } else {
        divide_row_as<Taps, float>(task, y, scratch);
    }
}

// Taps across rows: one for images of two axes, order + 1 otherwise.
#define VOXKERN_BY_TAPS(taps, call) \
    switch (taps) {                 \
        case 1: return call(1);     \
        case 2: return call(2);     \
        case 3: return call(3);     \
        case 4: return call(4);     \
        case 5: return call(5);     \
        default: return call(6);    \
    }

Extremes extremes(const Grid& grid, const Spline& spline, std::int64_t plane, Bounds bounds, const Scratch& scratch){
#define CALL(n) extremes_of<n>(grid, spline, plane, bounds, scratch)
    VOXKERN_BY_TAPS(spline.row.taps, CALL)
#undef CALL
}

Moments measure(const Grid& grid, const Measure& task, std::int64_t plane, const Scratch& scratch) {
#define CALL(n) measure_plane<n>(grid, task, plane, scratch)
    VOXKERN_BY_TAPS(task.field->row.taps, CALL)
#undef CALL
}

void fit(const Grid& grid, const Residual& task, std::int64_t plane, const Scratch& scratch, double* sums){
#define CALL(n) fit_plane<n>(grid, task, plane, scratch, sums)
    VOXKERN_BY_TAPS(task.rows.taps, CALL)
#undef CALL
}

Deviation ratios(const Grid& grid, const Spline& step, std::int64_t plane, std::int64_t row, float reach, float mean,
                 const Scratch& scratch, float* out) {
#define CALL(n) ratios_of<n>(grid, step, plane, row, reach, mean, scratch, out)
    VOXKERN_BY_TAPS(step.row.taps, CALL)
#undef CALL
}

double total(const Grid& grid, const Spline& spline, std::int64_t plane, const Scratch& scratch) {
#define CALL(n) total_of<n>(grid, spline, plane, scratch)
    VOXKERN_BY_TAPS(spline.row.taps, CALL)
#undef CALL
}

void divide_row(const Division& task, std::int64_t row, const Scratch& scratch) {
#define CALL(n) divide_row_taps<n>(task, row, scratch)
    VOXKERN_BY_TAPS(task.field->row.taps, CALL)
#undef CALL
}
#undef VOXKERN_BY_TAPS

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {extremes, measure, fit, ratios, total, expand, divide_row};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::n4

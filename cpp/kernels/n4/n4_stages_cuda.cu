// SPDX-License-Identifier: Apache-2.0
// Tables and memory of the levels on the GPU: one upload, one allocation.
#include "core/cuda/tables.hpp"
#include "core/fft.hpp"
#include "core/workspace.hpp"
#include "kernels/n4/n4_cuda_task.hpp"

namespace voxkern::n4::gpu {
namespace {

// Strips are shorter where the grid has few columns for the threads.
constexpr std::int64_t kLongestStrip = 64;
constexpr std::int64_t kShortestStrip = 8;
constexpr std::int64_t kWantedThreads = std::int64_t{1} << 17;

// Parts of device memory, in the order of WorkspaceSize.
struct DeviceParts {
    char* at;

    template <class T>
    T* take(std::int64_t count) {
        T* const part = reinterpret_cast<T*>(at);
        at += Workspace::padded(count * static_cast<std::int64_t>(sizeof(T)));
        return part;
    }
};

std::int64_t longest_strip(const Box& box) {
    std::int64_t rows = kLongestStrip;
    while (rows > kShortestStrip && box.planes * (box.rows / rows) * box.columns < kWantedThreads) rows /= 2;
    return rows;
}

void add_strips(cuda::Tables& tables, Stage& stage, const Basis& row, std::int64_t longest) {
    std::vector<Strip> strips;
    for (std::int64_t y = 0; y < row.samples; y = strips.back().end) {
        std::int64_t end = y;
        while (end < row.samples && end < y + longest && row.cell[end] == row.cell[y]) ++end;
        strips.push_back({static_cast<std::int32_t>(y), static_cast<std::int32_t>(end), row.cell[y]});
    }
    const auto until = [&](const auto& condition) {  // the strips for which it holds come first
        std::int32_t count = 0;
        for (const Strip& strip : strips) count += condition(strip) ? 1 : 0;
        return count;
    };
    std::vector<std::int32_t> begin;
    std::vector<std::int32_t> end;
    for (std::int64_t r = 0; r < row.controls; ++r) {
        begin.push_back(until([&](const Strip& strip) { return strip.cell + row.taps <= r; }));
        end.push_back(until([&](const Strip& strip) { return strip.cell <= r; }));
    }
    stage.strips = static_cast<std::int64_t>(strips.size());
    tables.add(stage.strip, strips);
    tables.add(stage.strip_begin, begin);
    tables.add(stage.strip_end, end);
}

void add_axis(cuda::Tables& tables, AxisTable& table, const AxisTables& axis) {
    const Basis basis = axis.basis();
    table.samples = basis.samples;
    table.controls = basis.controls;
    table.taps = basis.taps;
    tables.add(table.cell, basis.cell, static_cast<std::size_t>(basis.samples));
    tables.add(table.span_begin, basis.span_begin, static_cast<std::size_t>(basis.controls - basis.taps + 2));
    const auto by_sample = [&](int power) {
        std::vector<float> weights;
        for (std::int64_t i = 0; i < basis.samples; ++i) {
            for (std::int64_t k = 0; k < basis.taps; ++k) {
                weights.push_back(axis.raised(power)[static_cast<std::size_t>(k * basis.stride + i)]);
            }
        }
        return weights;
    };
    tables.add(table.value, by_sample(1));
    tables.add(table.square, by_sample(2));
    tables.add(table.cube, by_sample(3));
}

// All but the tables. Memory is WorkspaceSize or DeviceParts.
template <class Memory>
void take(Memory& memory, Levels& levels, const Options& options, const Rules& rules) {
    std::int64_t points = 0;
    std::int64_t lines = 0;
    std::int64_t sums = 0;
    std::int64_t line_sums = 0;
    std::int64_t tiles = 0;
    for (const Stage& s : levels.stage) {
        points = std::max(points, s.size());
        lines = std::max(lines, s.line_floats());
        sums = std::max(sums, s.lines() * s.column.samples);
        line_sums = std::max(line_sums, s.lines() * s.column.controls);
        tiles = std::max(tiles, s.tiles());
    }
    // What is read at the end lies side by side.
    const auto last = static_cast<std::int64_t>(levels.stage.size()) - 1;
    levels.result.steps = rules.watched ? levels.iterations : 0;
    levels.result.levels = last + 1;
    levels.result.points = levels.stage.back().size();
    levels.log.mean = memory.template take<double>(cuda::ceil_div(levels.result.bytes(), sizeof(double)));
    if (rules.watched) levels.log.trace = levels.log.mean + 1;
    levels.log.made = reinterpret_cast<int*>(levels.log.mean + 1 + levels.result.steps);
    Stage shared;
    shared.step = memory.template take<float>(points);
    shared.denominator = memory.template take<double>(points);
    if (rules.measured) {
        shared.step_lines = memory.template take<float>(lines);
        shared.moments = memory.template take<TileMoments>(tiles);
        shared.plane_moments = memory.template take<TileMoments>(levels.stage.front().plane.samples);
    }
    shared.sums = memory.template take<float>(sums);
    shared.line_sums = memory.template take<double>(line_sums);
    shared.tile_low = memory.template take<float>(tiles);
    shared.tile_high = memory.template take<float>(tiles);
    shared.field_lines = memory.template take<float>(lines);
    for (std::int64_t l = 0; l <= last; ++l) {
        Stage& s = levels.stage[static_cast<std::size_t>(l)];
        s.field = l < last ? memory.template take<float>(s.size())
                           : reinterpret_cast<float*>(levels.log.made + levels.result.levels);
        s.step = shared.step;
        s.denominator = shared.denominator;
        s.step_lines = shared.step_lines;
        s.moments = shared.moments;
        s.plane_moments = shared.plane_moments;
        s.sums = shared.sums;
        s.line_sums = shared.line_sums;
        s.tile_low = shared.tile_low;
        s.tile_high = shared.tile_high;
        s.field_lines = shared.field_lines;
    }
    levels.refinement = memory.template take<double>(2 * points);
    levels.totals = memory.template take<double>(tiles);
    levels.residuals = memory.template take<ResidualEntry>(options.bins + 1);
    levels.histogram.count = memory.template take<unsigned long long>(2 * options.bins);
    levels.histogram.fraction = levels.histogram.count + options.bins;
    levels.sharpen.memory = memory.template take<double>(Sharpening::room(levels.sharpen.size));
}

}  // namespace

Levels::Levels(const Box& box, const std::int64_t (&origin)[3], const MemoryOrder& order, const Options& options,
               const Rules& rules, const cuda::Exec& exec)
    : controls(controls_of_levels(options, order)), stage(controls.size()) {
    cuda::Tables tables;
    const std::int64_t longest = longest_strip(box);
    for (std::size_t l = 0; l < stage.size(); ++l) {
        const Level level = make_level(order, origin, {box.planes, box.rows, box.columns}, controls[l],
                                       options.spline_order, options.axes);
        add_axis(tables, stage[l].plane, level.plane);
        add_axis(tables, stage[l].row, level.row);
        add_axis(tables, stage[l].column, level.column);
        add_strips(tables, stage[l], level.row.basis(), longest);
        stage[l].across = cuda::ceil_div(box.columns, kTileColumns);
        iterations += options.iterations[l];
    }
    const Fft fft(padded_size(options.bins));
    sharpen.size = fft.size();
    tables.add(sharpen.cos, fft.cosines());
    tables.add(sharpen.sin, fft.sines());
    memory.push_back(tables.upload(exec));
    WorkspaceSize size;
    take(size, *this, options, rules);
    memory.emplace_back(static_cast<std::size_t>(size.bytes()), exec);
    DeviceParts parts = {memory.back().data()};
    take(parts, *this, options, rules);
}

WholeImage::WholeImage(const MemoryOrder& order, const Extents& extents, const Controls& controls,
                       const Options& options, const cuda::Exec& exec) {
    cuda::Tables tables;
    const std::int64_t origin[3] = {0, 0, 0};
    const Level level = make_level(order, origin, {extents.of[0], extents.of[1], extents.of[2]}, controls,
                                   options.spline_order, options.voxel_axes);
    add_axis(tables, axis[0], level.plane);
    add_axis(tables, axis[1], level.row);
    add_axis(tables, axis[2], level.column);
    memory.push_back(tables.upload(exec));
    memory.emplace_back(static_cast<std::size_t>(extents.of[0] * axis[1].controls * extents.of[2]) * sizeof(float),
                        exec);
    lines = reinterpret_cast<float*>(memory.back().data());
}

}  // namespace voxkern::n4::gpu

// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3d/conv3d_plan.hpp"

#include <algorithm>
#include <numeric>

namespace voxkern::conv3d {
namespace {

constexpr std::int64_t kSlabBytes = 384 << 10;  // of scratch that is read again and again: well within L2
constexpr std::int64_t kPointBytes = 24 << 10;  // 1 x 1 x 1: read once per block, from L1
constexpr std::int64_t kPointColumns = 128;     // or so many results at once
constexpr std::int64_t kWidest = 256;           // columns of a unit
constexpr std::int64_t kLeastWork = 1 << 20;    // products of an item, at least
constexpr std::int64_t kMostWork = 48 << 20;    // and at most, about: a millisecond
constexpr std::int64_t kItems = 32;             // wanted of a call with enough work
constexpr std::int64_t kTiles = 512 << 10;      // bytes of transformed samples

std::int64_t divided_up(std::int64_t n, std::int64_t by) {
    return (n + by - 1) / by;
}

std::int64_t remainder(std::int64_t n, std::int64_t by) {
    return ((n % by) + by) % by;
}

// As many as fit `most` evenly.
std::int64_t even_run(std::int64_t n, std::int64_t most) {
    return n == 0 ? 1 : divided_up(n, divided_up(n, std::max<std::int64_t>(most, 1)));
}

// Splits a convolution of stride s whose taps lie `dilation` apart into ones whose taps are neighbours on a line of
// every dilation-th sample. `first` is the sample that tap 0 of result 0 meets.
void split_dilation(const Axis& whole, std::int64_t first, std::int64_t stride, std::int64_t dilation, std::int64_t in,
                    std::vector<Axis>& parts) {
    const std::int64_t common = std::gcd(stride, dilation);
    const std::int64_t phases = dilation / common;
    for (std::int64_t p = 0; p < phases && p < whole.out_count; ++p) {
        const std::int64_t start = stride * p + first;
        Axis part = whole;
        part.in_first = remainder(start, dilation);
        part.in_step = dilation;
        part.in_count = part.in_first < in ? divided_up(in - part.in_first, dilation) : 0;
        part.stride = stride / common;
        part.before = -(start - part.in_first) / dilation;
        part.out_first = whole.out_first + whole.out_step * p;
        part.out_step = whole.out_step * phases;
        part.out_count = divided_up(whole.out_count - p, phases);
        parts.push_back(part);
    }
}

// Runs, units and items, once the size of a unit is chosen along y and x. `plane_work`: products of a unit for each
// result along z. A unit copies `halo` planes more than it has results.
void divide(const Geometry& g, std::int64_t z_results, std::int64_t y_results, std::int64_t halo,
            std::int64_t plane_work, Cut& cut) {
    const std::int64_t blocks = g.blocks.count();
    cut.y_runs = divided_up(y_results, cut.y_run);
    cut.x_runs = divided_up(g.columns, cut.x_run);
    const std::int64_t parts = static_cast<std::int64_t>(g.z.size() * g.y.size());
    const std::int64_t others = g.batch * g.groups * parts * cut.y_runs * cut.x_runs;
    cut.work = plane_work * z_results * others;
    const std::int64_t wanted = std::clamp(cut.work / kItems, kLeastWork, kMostWork);
    const std::int64_t least = plane_work * 2 * halo > 4 * kMostWork ? halo : 2 * halo;
    cut.z_run = std::clamp<std::int64_t>(wanted / std::max<std::int64_t>(plane_work, 1),
                                         std::clamp<std::int64_t>(least, 1, z_results), z_results);
    cut.z_run = even_run(z_results, cut.z_run);
    cut.z_runs = divided_up(z_results, cut.z_run);
    const std::int64_t units = others * cut.z_runs;
    const std::int64_t work = plane_work * cut.z_run;
    cut.block_run = blocks;
    if (units < kItems / 2 && work > 2 * kLeastWork) {
        cut.block_run = divided_up(blocks, std::min(divided_up(kItems / 2, units), work / kLeastWork));
    }
    cut.block_runs = divided_up(blocks, std::max<std::int64_t>(cut.block_run, 1));
    cut.units = units * cut.block_runs;
    cut.units_per_item = std::clamp<std::int64_t>(wanted * cut.block_runs / std::max<std::int64_t>(work, 1), 1, 256);
}

}  // namespace

std::vector<std::vector<std::int64_t>> tap_sets(const Options& options, std::int64_t size, int axis) {
    const auto a = static_cast<std::size_t>(axis);
    std::vector<std::vector<std::int64_t>> sets(1);
    if (!options.transposed) {
        sets[0].resize(static_cast<std::size_t>(size));
        std::iota(sets[0].begin(), sets[0].end(), 0);
        return sets;
    }
    sets.resize(static_cast<std::size_t>(options.stride[a]));
    for (std::int64_t k = size - 1; k >= 0; --k) {
        sets[static_cast<std::size_t>(remainder(options.dilation[a] * k - options.padding[a], options.stride[a]))]
            .push_back(k);
    }
    return sets;
}

std::vector<Axis> axes_of(const Options& options, std::int64_t size, int axis, std::int64_t in, std::int64_t out) {
    const auto a = static_cast<std::size_t>(axis);
    const std::int64_t stride = options.stride[a];
    const std::int64_t padding = options.padding[a];
    const std::int64_t dilation = options.dilation[a];
    const auto sets = tap_sets(options, size, axis);
    std::vector<Axis> parts;
    for (std::size_t s = 0; s < sets.size(); ++s) {
        const auto phase = static_cast<std::int64_t>(s);
        Axis whole;
        whole.filter = phase;
        whole.taps = static_cast<std::int64_t>(sets[s].size());
        if (!options.transposed) {
            whole.out_count = out;
            split_dilation(whole, -padding, stride, whole.taps > 1 ? dilation : 1, in, parts);
            continue;
        }
        whole.out_first = phase;
        whole.out_step = stride;
        whole.out_count = phase < out ? divided_up(out - phase, stride) : 0;
        // Result stride * m + phase meets sample m + (phase + padding - dilation * k) / stride by tap k.
        const std::int64_t first = sets[s].empty() ? 0 : (phase + padding - dilation * sets[s][0]) / stride;
        split_dilation(whole, first, 1, whole.taps > 1 ? dilation / std::gcd(stride, dilation) : 1, in, parts);
    }
    return parts;
}

Columns columns_of(const Options& options, std::int64_t size) {
    const std::int64_t stride = options.stride[2];
    const std::int64_t padding = options.padding[2];
    const std::int64_t dilation = options.dilation[2];
    Columns x;
    if (!options.transposed) {
        x.stride = stride;
        x.before = padding;
        for (std::int64_t k = 0; k < size; ++k) {
            const std::int64_t phase = dilation * k % stride;
            const auto known = std::find(x.phase.begin(), x.phase.end(), phase);
            x.tap_phase.push_back(known - x.phase.begin());
            if (known == x.phase.end()) x.phase.push_back(phase);
            x.tap_shift.push_back(dilation * k / stride);
            x.tap.push_back(k);
        }
        x.reach = x.tap_shift.back();
        return x;
    }
    // The samples that any neighbour meets, each once.
    x.results = stride;
    x.phase = {0};
    std::vector<std::int64_t> samples;
    for (std::int64_t k = 0; k < size; ++k) {
        const std::int64_t result = remainder(dilation * k - padding, stride);
        samples.push_back((result + padding - dilation * k) / stride);
    }
    std::sort(samples.begin(), samples.end());
    samples.erase(std::unique(samples.begin(), samples.end()), samples.end());
    x.before = -samples.front();
    x.reach = samples.back() - samples.front();
    x.tap_phase.assign(samples.size(), 0);
    for (const std::int64_t sample : samples) x.tap_shift.push_back(sample - samples.front());
    for (std::int64_t r = 0; r < stride; ++r) {
        for (const std::int64_t sample : samples) {
            const std::int64_t reached = r + padding - stride * sample;
            const bool met = reached >= 0 && reached % dilation == 0 && reached / dilation < size;
            x.tap.push_back(met ? reached / dilation : -1);
        }
    }
    return x;
}

std::int64_t Blocks::used(std::int64_t block) const {
    return std::min(kBlock, channels - block * kBlock);
}

std::int64_t Blocks::width(std::int64_t block) const {
    const std::int64_t n = used(block);
    return n > 8 ? kBlock : n > 4 ? 8 : n > 2 ? 4 : n;
}

std::int64_t Geometry::most_taps(const std::vector<Axis>& axes) const {
    std::int64_t most = 0;
    for (const Axis& axis : axes) most = std::max(most, axis.taps);
    return most;
}

std::int64_t Geometry::most_results(const std::vector<Axis>& axes) const {
    std::int64_t most = 0;
    for (const Axis& axis : axes) most = std::max(most, axis.out_count);
    return most;
}

Geometry geometry_of(const Filter& filter, const Options& options, const View<const float, 5>& in,
                     const View<float, 5>& out, std::int64_t lanes) {
    Geometry g;
    g.z = axes_of(options, filter.size()[0], 0, in.shape[2], out.shape[2]);
    g.y = axes_of(options, filter.size()[1], 1, in.shape[3], out.shape[3]);
    g.x = columns_of(options, filter.size()[2]);
    g.batch = out.shape[0];
    g.groups = options.groups;
    g.channels = filter.in_channels() / options.groups;
    g.blocks = {filter.out_channels() / options.groups * g.x.results};
    g.columns = divided_up(out.shape[4], g.x.results);
    g.lanes = lanes;
    return g;
}

std::pair<Kind, Kind> scheme_of(const Filter& filter, const Geometry& g) {
    const Options& options = filter.options();
    const std::pair<Kind, Kind> direct = {Kind::direct, Kind::direct};
    const std::int64_t in = g.channels;
    const std::int64_t out = g.blocks.channels;
    const bool strided = options.stride != std::array<std::int64_t, 3>{1, 1, 1};
    const bool large = std::max(filter.size()[0], filter.size()[1]) > kMostProducts;
    const bool few = in < 4 || out < 8 || in * out < 3 * (in + out);  // the transforms would cost more than they save
    if (options.algorithm == Algorithm::direct || strided || large || few) return direct;
    // Products for each result, as a part of those of a plain axis.
    const auto cost = [](Kind kind, std::int64_t taps, std::int64_t results) {
        const std::int64_t tiles = divided_up(results, results_of(kind));
        return static_cast<double>(products_of(kind, taps) * tiles) / static_cast<double>(taps * results);
    };
    const bool fast = options.algorithm == Algorithm::fast;
    double total = 1.0;
    const auto best = [&](std::int64_t taps, std::int64_t results) {
        std::vector<Kind> kinds = {Kind::plain};
        if (taps == 3) kinds.push_back(Kind::f23);
        if (taps == 3 && fast) kinds.push_back(Kind::f43);
        if (taps == 5) kinds.push_back(Kind::f25);
        const auto cheaper = [&](Kind a, Kind b) { return cost(a, taps, results) < cost(b, taps, results); };
        const Kind chosen = *std::min_element(kinds.begin(), kinds.end(), cheaper);
        total *= cost(chosen, taps, results);
        return chosen;
    };
    const Kind z = best(filter.size()[0], std::max<std::int64_t>(g.most_results(g.z), 1));
    const Kind y = best(filter.size()[1], std::max<std::int64_t>(g.most_results(g.y), 1));
    return total > 0.7 ? direct : std::pair<Kind, Kind>{z, y};
}

Cut cut_direct(const Geometry& g) {
    const std::int64_t z_taps = g.most_taps(g.z);
    const std::int64_t y_taps = g.most_taps(g.y);
    const std::int64_t rows = std::max<std::int64_t>(g.most_results(g.y), 1);
    const bool point = z_taps <= 1 && y_taps <= 1 && g.x.reach == 0;
    const auto phases = static_cast<std::int64_t>(g.x.phase.size());
    std::int64_t stride = 1;
    for (const Axis& axis : g.y) stride = std::max(stride, axis.stride);
    Cut cut;
    cut.x_run = g.columns <= kWidest ? std::max<std::int64_t>(g.columns, 1)
                                     : rounded_up(even_run(g.columns, kWidest), 2 * kLine);
    const std::int64_t budget = point ? std::max(kPointBytes, kPointColumns * g.channels * 4) : kSlabBytes;
    const auto fits = [&](std::int64_t y_run) {
        const std::int64_t slab = std::max<std::int64_t>(z_taps, 1) * (stride * (y_run - 1) + y_taps) * g.channels *
                                  phases * rounded_up(cut.x_run + g.x.reach, kLine) * 4;
        return slab <= budget;
    };
    while (cut.x_run > 4 * kLine && !fits(std::min<std::int64_t>(rows, 4)))
        cut.x_run = rounded_up(divided_up(cut.x_run, 2), 2 * kLine);
    std::int64_t y_run = std::min<std::int64_t>(rows, 32);
    const std::int64_t least = divided_up(4 * kLine, cut.x_run);  // rows for whole tiles of registers
    while (y_run > least && !fits(y_run)) --y_run;
    cut.y_run = even_run(rows, y_run);
    cut.x_runs = divided_up(g.columns, cut.x_run);
    const std::int64_t tight = cut.x_run + g.x.reach;
    const std::int64_t flat = divided_up((cut.y_run - 1) * tight + cut.x_run, g.lanes);
    const std::int64_t plain = cut.y_run * divided_up(cut.x_run, g.lanes);
    cut.depthwise = stride == 1 && cut.x_runs == 1 && g.channels == 1 && g.blocks.channels == 1 &&
                    std::all_of(g.y.begin(), g.y.end(), [](const Axis& axis) { return axis.taps == 3; });
    cut.flat = cut.depthwise || (cut.x_runs == 1 && 21 * flat < 20 * plain);
    cut.pitch = cut.flat && !cut.depthwise ? tight : rounded_up(rounded_up(cut.x_run, g.lanes) + g.x.reach, kLine);
    // Enough vectors for whole tiles of registers.
    cut.rows = cut.flat ? cut.y_run : std::clamp<std::int64_t>(8 * g.lanes / cut.x_run, 1, cut.y_run);
    const std::int64_t plane_work =
        cut.y_run * cut.x_run * g.blocks.padded() * g.channels * z_taps * y_taps * g.x.taps();
    divide(g, std::max<std::int64_t>(g.most_results(g.z), 1), rows, std::max<std::int64_t>(z_taps - 1, 0),
           std::max(plane_work, cut.y_run * cut.x_run * g.blocks.padded()), cut);
    return cut;
}

Cut cut_winograd(const Geometry& g, Kind z, Kind y) {
    const std::int64_t products = products_of(z, g.most_taps(g.z)) * products_of(y, g.most_taps(g.y));
    const std::int64_t z_tiles = divided_up(std::max<std::int64_t>(g.most_results(g.z), 1), results_of(z));
    const std::int64_t y_tiles = divided_up(std::max<std::int64_t>(g.most_results(g.y), 1), results_of(y));
    Cut cut;
    cut.x_run = g.columns <= kWidest ? std::max<std::int64_t>(g.columns, 1)
                                     : rounded_up(even_run(g.columns, kWidest), 2 * kLine);
    const std::int64_t tight = cut.x_run + g.x.reach;
    const std::int64_t per_row = divided_up(cut.x_run, g.lanes);
    const std::int64_t tile_bytes = products * (g.channels + g.blocks.padded()) * tight * 4;
    const std::int64_t least = divided_up(4, per_row);  // tiles for whole tiles of registers
    cut.y_run = even_run(y_tiles, std::clamp<std::int64_t>(kTiles / tile_bytes, least, 16));
    const std::int64_t flat = divided_up((cut.y_run - 1) * tight + cut.x_run, g.lanes);
    cut.flat = 21 * flat < 20 * cut.y_run * per_row;
    cut.pitch = cut.flat || per_row == 1 ? tight : rounded_up(per_row * g.lanes + g.x.reach, kLine);
    divide(g, z_tiles, y_tiles, 0, cut.y_run * cut.x_run * g.blocks.padded() * g.channels * products * g.x.taps(), cut);
    return cut;
}

Unit unit_at(const Geometry& g, const Cut& cut, std::int64_t number) {
    const auto next = [&](std::int64_t extent) {
        const std::int64_t at = number % extent;
        number /= extent;
        return at;
    };
    Unit unit;
    unit.part_y = next(static_cast<std::int64_t>(g.y.size()));
    unit.part_z = next(static_cast<std::int64_t>(g.z.size()));
    unit.blocks = next(cut.block_runs);
    unit.x = next(cut.x_runs);
    unit.y = next(cut.y_runs);
    unit.z = next(cut.z_runs);
    unit.group = next(g.groups);
    unit.image = number;
    return unit;
}

}  // namespace voxkern::conv3d

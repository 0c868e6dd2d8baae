// SPDX-License-Identifier: Apache-2.0
// Footprints: extrema of runs along x are made once per row and kept for the planes and rows whose windows hold them.
// Where samples are raised by a structure's heights, the runs are single samples.
#include <algorithm>
#include <cmath>

#include "core/cast.hpp"
#include "kernels/extrema1d/extrema1d_run.hpp"

namespace voxkern::extrema1d {
namespace {

constexpr std::int64_t kTableBytes = std::int64_t{768} << 10;
constexpr std::int64_t kSmallestTile = std::int64_t{1} << 16;  // elements: enough to share out
constexpr std::int64_t kLargestTile = std::int64_t{1} << 19;
constexpr std::int64_t kMostSteps = std::int64_t{1} << 29;  // samples compared: soon done, calls can be stopped

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

class Footprints {
  public:
    Footprints(const ConstArrayView& in, const ArrayView& out, const FootprintPlan& plan, const Compute& compute,
               const Residues& residues);
    void run(const Exec& exec) const;

  private:
    struct Scratch;
    struct Tile {
        std::int64_t in_offset, out_offset, z, depth, y, rows, x, columns;
        const std::int64_t* far;  // index along the far axes
    };

    void take_heights(DType dtype);
    void choose_tiling();
    template <class Memory>
    Scratch take(Memory& memory) const;
    void run_chunk(std::int64_t chunk, Scratch& scratch) const;
    void run_tile(const Tile& tile, Scratch& scratch) const;
    void fetch_ahead(const Tile& tile, const char* row) const;
    bool table_plane(const Tile& tile, std::int64_t z, bool nan, Scratch& scratch) const;
    bool table_row(const Tile& tile, const char* from, char* tables, bool nan, Scratch& scratch) const;
    void make_plane(const Tile& tile, std::int64_t z, bool nan, Scratch& scratch) const;
    void make_row(char* target, std::int64_t count, bool nan, Scratch& scratch) const;
    char* tables_of(const Scratch& scratch, std::int64_t z, std::size_t slab, std::int64_t y) const;

    const FootprintPlan& p_;
    const Compute& c_;
    const Residues& residues_;
    const char* in_;
    char* out_;
    DType in_dtype_;
    std::int64_t in_item_, out_item_;
    bool raised_;
    bool careful_ = false;  // sums may be NaN where no sample is
    bool writes_directly_;
    std::vector<char> added_;  // heights of all runs but the last, in the rows' type
    std::int64_t pitch_ = 0;
    std::int64_t depth_ = 1, rows_ = 1, columns_ = 1;  // of a tile
    std::int64_t depths_ = 1, heights_ = 1, widths_ = 1, far_ = 1, tiles_ = 1;
};

struct Footprints::Scratch {
    char* tables;  // [z, as a ring][slab][y][length] rows
    char* row;     // a result on its way to another dtype or stride
    double* sums;  // such a result of raised samples
    const void** from;
};

Footprints::Footprints(const ConstArrayView& in, const ArrayView& out, const FootprintPlan& plan,
                       const Compute& compute, const Residues& residues)
    : p_(plan),
      c_(compute),
      residues_(residues),
      in_(static_cast<const char*>(in.data)),
      out_(static_cast<char*>(out.data)),
      in_dtype_(in.dtype),
      in_item_(size_of(in.dtype)),
      out_item_(size_of(out.dtype)),
      raised_(!plan.heights.empty()),
      writes_directly_(!compute.converts && (plan.x.out_stride == 1 || plan.row() == 1)) {
    if (raised_) take_heights(in.dtype);
    choose_tiling();
    pitch_ = padded_row((columns_ + p_.x.size - 1) * p_.width, c_.itemsize);
    depths_ = ceil_div(p_.z.n, depth_);
    heights_ = ceil_div(p_.y.n, rows_);
    widths_ = ceil_div(p_.x.n, columns_);
    for (const Line& line : p_.far) far_ *= line.n;
    tiles_ = p_.outer.size() * far_ * depths_ * heights_ * widths_;
}

void Footprints::take_heights(DType dtype) {
    const std::size_t runs = p_.heights.size() - 1;
    added_.resize(runs * static_cast<std::size_t>(in_item_));
    visit(dtype, [&](auto t) {
        using T = typename decltype(t)::type;
        for (std::size_t r = 0; r < runs; ++r) {
            const T height = TruncateWrap::cast<T>(p_.heights[r]);
            std::memcpy(added_.data() + r * sizeof(T), &height, sizeof(T));
        }
    });
    for (const double height : p_.heights) careful_ = careful_ || !std::isfinite(height);
}

void Footprints::choose_tiling() {
    const auto tables = static_cast<std::int64_t>(p_.lengths.size() * p_.slabs.size()) * p_.z.size;
    const std::int64_t halo = p_.y.size - 1;
    const std::int64_t sample = p_.width * c_.itemsize;
    // Whole lines if as many rows as a window has fit; else pieces that are long beside what they read in excess.
    const std::int64_t fewest = std::min(p_.y.n, std::max<std::int64_t>(halo, 4));
    const std::int64_t longest = kTableBytes / (tables * (fewest + halo) * sample) - (p_.x.size - 1);
    const std::int64_t shortest = std::max(2 * (p_.x.size - 1), 256 / sample);
    columns_ = std::clamp<std::int64_t>(std::max(longest, shortest), 1, p_.x.n);
    columns_ = ceil_div(p_.x.n, ceil_div(p_.x.n, columns_));
    const std::int64_t line = tables * (columns_ + p_.x.size - 1) * sample;
    rows_ = std::clamp<std::int64_t>(kTableBytes / line - halo, fewest, p_.y.n);
    rows_ = ceil_div(p_.y.n, ceil_div(p_.y.n, rows_));
    const std::int64_t all = p_.outer.size() * p_.z.n * p_.y.n * p_.row();
    const std::int64_t target = std::clamp(all / 32, kSmallestTile, kLargestTile);
    const std::int64_t planes = target / (rows_ * columns_ * p_.width);
    const std::int64_t plane = static_cast<std::int64_t>(p_.runs.size()) * rows_ * columns_ * p_.width;
    const std::int64_t most = std::clamp<std::int64_t>(kMostSteps / plane, 1, p_.z.n);
    depth_ = std::clamp<std::int64_t>(std::max(planes, 4 * (p_.z.size - 1)), 1, most);
}

template <class Memory>
Footprints::Scratch Footprints::take(Memory& memory) const {
    Scratch scratch;
    const auto tables = static_cast<std::int64_t>(p_.lengths.size() * p_.slabs.size()) * p_.z.size;
    scratch.tables = memory.template take<char>(tables * (rows_ + p_.y.size - 1) * pitch_);
    scratch.row = memory.template take<char>(pitch_);
    scratch.sums = memory.template take<double>(raised_ ? columns_ * p_.width : 0);
    scratch.from =
        memory.template take<const void*>(std::max(static_cast<std::int64_t>(p_.runs.size()), p_.lengths.back()));
    return scratch;
}

void Footprints::run(const Exec& exec) const {
    WorkspaceSize size;
    take(size);
    parallel_for(tiles_, exec, [&](std::int64_t tile) {
        Workspace workspace(size.bytes());
        Scratch scratch = take(workspace);
        run_chunk(tile, scratch);
    });
}

void Footprints::run_chunk(std::int64_t index, Scratch& scratch) const {
    Tile tile = {};
    tile.x = index % widths_ * columns_;
    index /= widths_;
    tile.z = index % depths_ * depth_;
    index /= depths_;
    tile.y = index % heights_ * rows_;
    index /= heights_;
    std::int64_t shape[kMaxRank];
    std::int64_t far[kMaxRank];
    const int rank = static_cast<int>(p_.far.size());
    for (int a = 0; a < rank; ++a) shape[a] = p_.far[static_cast<std::size_t>(a)].n;
    unravel(index % far_, rank, shape, far);
    const Axes<2>::Offsets outer = p_.outer.at(index / far_);
    tile.in_offset = outer[0];
    tile.out_offset = outer[1];
    for (int a = 0; a < rank; ++a) tile.out_offset += far[a] * p_.far[static_cast<std::size_t>(a)].out_stride;
    tile.depth = std::min(depth_, p_.z.n - tile.z);
    tile.rows = std::min(rows_, p_.y.n - tile.y);
    tile.columns = std::min(columns_, p_.x.n - tile.x);
    tile.far = far;
    run_tile(tile, scratch);
}

void Footprints::run_tile(const Tile& tile, Scratch& scratch) const {
    bool nan = careful_;
    for (std::int64_t p = tile.z - p_.z.before; p < tile.z + tile.depth + p_.z.after; ++p) {
        nan |= table_plane(tile, p, nan, scratch);
        const std::int64_t z = p - p_.z.after;
        if (z < tile.z) continue;
        make_plane(tile, z, nan, scratch);
    }
}

char* Footprints::tables_of(const Scratch& scratch, std::int64_t z, std::size_t slab, std::int64_t y) const {
    const std::int64_t place = (z + p_.z.before) % p_.z.size;
    const auto slabs = static_cast<std::int64_t>(p_.slabs.size());
    const std::int64_t row = (place * slabs + static_cast<std::int64_t>(slab)) * (rows_ + p_.y.size - 1) + y;
    return scratch.tables + row * static_cast<std::int64_t>(p_.lengths.size()) * pitch_;
}

// Asks for the row that the next plane will have here. Rows of a tile lie apart: no processor foresees them.
void Footprints::fetch_ahead(const Tile& tile, const char* row) const {
    if (p_.x.in_stride != 1) return;
    const char* const first = row + tile.x * p_.width * in_item_;
    for (std::int64_t b = 0; b < tile.columns * p_.width * in_item_; b += 64) __builtin_prefetch(first + b, 0, 2);
}

// All rows of the plane at position z. True where one holds a NaN.
bool Footprints::table_plane(const Tile& tile, std::int64_t z, bool nan, Scratch& scratch) const {
    const std::int64_t plane = p_.z.at(z);
    for (std::size_t s = 0; s < p_.slabs.size(); ++s) {
        bool inside = plane >= 0;
        std::int64_t offset = tile.in_offset + plane * p_.z.in_stride;
        for (std::size_t a = 0; a < p_.far.size(); ++a) {
            const Line& line = p_.far[a];
            const std::int64_t index = line.at(tile.far[a] - line.before + p_.slabs[s][a]);
            inside = inside && index >= 0;
            offset += index * line.in_stride;
        }
        for (std::int64_t y = 0; y < tile.rows + p_.y.size - 1; ++y) {
            const std::int64_t row = p_.y.at(tile.y - p_.y.before + y);
            const char* const from = inside && row >= 0 ? in_ + (offset + row * p_.y.in_stride) * in_item_ : nullptr;
            if (from != nullptr) fetch_ahead(tile, from + p_.z.in_stride * in_item_);
            nan |= table_row(tile, from, tables_of(scratch, z, s, y), nan, scratch);
        }
    }
    return nan;
}

// Extrema of runs of every length in a row; null for one outside.
bool Footprints::table_row(const Tile& tile, const char* from, char* tables, bool nan, Scratch& scratch) const {
    const std::int64_t samples = tile.columns + p_.x.size - 1;
    const std::int64_t sample = p_.width * c_.itemsize;
    if (from == nullptr) {
        for (std::size_t t = 0; t < p_.lengths.size(); ++t) {
            c_.ops.fill(tables + static_cast<std::int64_t>(t) * pitch_, c_.cval, samples * p_.width);
        }
    } else {
        load_piece(c_, from, in_dtype_, p_.x, p_.width, tile.x, tile.columns, tables);
    }
    nan = nan || c_.ops.has_nan(tables, samples * p_.width);
    if (from == nullptr) return nan;
    const Selection& select = nan ? c_.ops.nan_safe : c_.ops.plain;
    for (std::size_t t = 1; t < p_.lengths.size(); ++t) {
        const std::int64_t length = p_.lengths[t];
        const std::int64_t shorter = p_.lengths[t - 1];
        const char* const before = tables + static_cast<std::int64_t>(t - 1) * pitch_;
        const std::int64_t taps = ceil_div(length, shorter);
        for (std::int64_t k = 0; k < taps; ++k) {  // the first of equal values is the last row
            scratch.from[taps - 1 - k] = before + std::min(k * shorter, length - shorter) * sample;
        }
        select.combine(scratch.from, taps, tables + static_cast<std::int64_t>(t) * pitch_,
                       (samples - length + 1) * p_.width);
    }
    return nan;
}

void Footprints::make_plane(const Tile& tile, std::int64_t z, bool nan, Scratch& scratch) const {
    const std::int64_t sample = p_.width * c_.itemsize;
    const std::int64_t row = static_cast<std::int64_t>(p_.lengths.size()) * pitch_;
    const auto runs = static_cast<std::int64_t>(p_.runs.size());
    for (std::size_t r = 0; r < p_.runs.size(); ++r) {
        const Run& run = p_.runs[r];
        scratch.from[r] = tables_of(scratch, z - p_.z.before + run.z, run.slab, run.y) +
                          static_cast<std::int64_t>(run.table) * pitch_ + run.offset * sample;
    }
    const std::int64_t offset =
        tile.out_offset + z * p_.z.out_stride + tile.y * p_.y.out_stride + tile.x * p_.x.out_stride * p_.width;
    char* target = out_ + offset * out_item_;
    const std::int64_t count = tile.columns * p_.width;
    for (std::int64_t y = 0; y < tile.rows; ++y) {
        make_row(target, count, nan, scratch);
        residues_.make(target, p_.x.out_stride, count);
        target += p_.y.out_stride * out_item_;
        for (std::int64_t r = 0; r < runs; ++r) scratch.from[r] = static_cast<const char*>(scratch.from[r]) + row;
    }
}

// Of the rows that scratch.from names.
void Footprints::make_row(char* target, std::int64_t count, bool nan, Scratch& scratch) const {
    const std::int64_t stride = p_.x.out_stride;
    const auto runs = static_cast<std::int64_t>(p_.runs.size());
    if (!raised_) {
        const Selection& select = nan ? c_.ops.nan_safe : c_.ops.plain;
        select.combine(scratch.from, runs, writes_directly_ ? target : scratch.row, count);
        if (!writes_directly_) c_.store(scratch.row, target, stride, count);
        return;
    }
    const Raised& raised = nan ? c_.raised.nan_safe : c_.raised.plain;
    if (runs > 1) raised.combine(scratch.from, added_.data(), runs - 1, scratch.row, count);
    const char* const rest = runs > 1 ? scratch.row : nullptr;
    raised.finish(scratch.from[runs - 1], p_.heights.back(), rest, scratch.sums, count);
    c_.out.store(scratch.sums, target, stride, count);
}

}  // namespace

void run_footprint(const ConstArrayView& in, const ArrayView& out, const Footprint& footprint, const Compute& compute,
                   const Residues& residues, const Exec& exec) {
    const FootprintPlan plan = footprint_plan(in, out, footprint);
    const Exec limited = limited_to_work(exec, work_of(in, plan.runs.size()));
    Footprints(in, out, plan, compute, residues).run(limited);
}

}  // namespace voxkern::extrema1d

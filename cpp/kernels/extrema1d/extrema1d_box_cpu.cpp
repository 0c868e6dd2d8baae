// SPDX-License-Identifier: Apache-2.0
// One sweep of a box: blocks of an array that fit L2, and the passes over each of them.
#include <algorithm>

#include "kernels/extrema1d/extrema1d_run.hpp"

namespace voxkern::extrema1d {
namespace {

constexpr std::int64_t kScratchBytes = std::int64_t{256} << 10;
constexpr std::int64_t kSmallestTile = std::int64_t{1} << 16;  // elements: enough to share out
constexpr std::int64_t kLargestTile = std::int64_t{1} << 20;   // soon done: calls can be stopped
constexpr int kMostTaps = 4;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

// How an array is cut: `planes` are made in one step, the others are of a tile. Columns are samples of x.
struct Tiling {
    std::int64_t planes = 1;
    std::int64_t depth = 1;
    std::int64_t rows = 1;
    std::int64_t columns = 1;
};

// One step of a window along a line: extrema of windows of some length become those of a longer one.
struct Step {
    int taps = 1;
    std::int64_t offsets[kMostTaps] = {};  // in samples
    std::int64_t length = 1;               // of the windows that come out
};

std::vector<Step> steps_of(std::int64_t size) {
    std::vector<Step> steps;
    for (std::int64_t length = 1; steps.empty() || length < size;) {
        Step step;
        const bool last = size <= kMostTaps * length;
        step.taps = last ? static_cast<int>(ceil_div(size, length)) : kMostTaps;
        step.length = last ? size : kMostTaps * length;
        for (int t = 0; t < step.taps; ++t) step.offsets[t] = std::min(t * length, size - length);
        steps.push_back(step);
        length = step.length;
    }
    return steps;
}

// Where the samples at some positions of a line are held: those inside the line side by side, then the others.
struct Slots {
    std::int64_t low = 0;    // the first sample that is held
    std::int64_t count = 0;  // side by side
    std::vector<std::int64_t> others;
    std::vector<std::int64_t> slot;  // by position, kOutside for cval

    void find(const Line& line, std::int64_t first, std::int64_t n) {
        const std::int64_t end = first + n + line.after;
        low = std::max<std::int64_t>(first - line.before, 0);
        count = std::min(end, line.n) - low;
        others.clear();
        slot.clear();
        for (std::int64_t p = first - line.before; p < end; ++p) {
            const std::int64_t sample = line.at(p);
            if (sample < 0 || (sample >= low && sample < low + count)) {
                slot.push_back(sample < 0 ? kOutside : sample - low);
                continue;
            }
            const auto known = std::find(others.begin(), others.end(), sample);
            slot.push_back(count + (known - others.begin()));
            if (known == others.end()) others.push_back(sample);
        }
    }
};

class Boxes {
  public:
    Boxes(const ConstArrayView& in, const ArrayView& out, const Sweep& sweep, const Compute& compute,
          const Residues& residues);
    void run(const Exec& exec) const;

  private:
    struct Scratch;
    struct Tile {
        std::int64_t in_offset, out_offset, z, depth, y, rows, x, columns;
    };

    void choose_tiling();
    Tile tile_at(std::int64_t index) const;
    template <class Memory>
    Scratch take(Memory& memory) const;
    void run_tile(const Tile& tile, Scratch& scratch) const;
    void load_slots(const Tile& tile, Scratch& scratch) const;
    const void* source(const Tile& tile, const Scratch& scratch, std::size_t z, std::size_t y) const;
    bool pass_z(const Tile& tile, std::int64_t planes, Scratch& scratch) const;
    bool pass_y(const Tile& tile, std::int64_t z, std::int64_t plane, bool nan, Scratch& scratch) const;
    void load_lines(const Tile& tile, Scratch& scratch) const;
    void pass_x(const Tile& tile, std::int64_t z, bool nan, Scratch& scratch) const;
    void make_residues(const Tile& tile, std::int64_t z) const;
    char* target(const Tile& tile, std::int64_t z, std::int64_t y) const;
    bool slide(bool nan, Rows rows, void* const* to, std::int64_t n, const Line& line, const Tile& tile,
               Scratch& scratch) const;

    const Sweep& s_;
    const Compute& c_;
    const Residues& residues_;
    const char* in_;
    char* out_;
    DType in_dtype_;
    std::int64_t in_item_, out_item_;
    bool in_place_;
    bool reads_directly_;   // rows of `in` are taken as they lie
    bool writes_directly_;  // the last pass writes into `out`
    Tiling t_;
    std::vector<Step> steps_;
    std::int64_t pitch_ = 0;       // of rows
    std::int64_t line_pitch_ = 0;  // of rows with the extension of x
    std::int64_t lead_ = 0;        // bytes ahead of such a row, so that its own first sample is aligned
    std::int64_t slots_z_ = 1, slots_y_ = 1;
    std::int64_t depths_ = 1, heights_ = 1, widths_ = 1, tiles_ = 1;
};

struct Boxes::Scratch {
    char* outside;  // a row of cval
    char* loaded;   // rows of `in`, by slots
    char* planes;   // what the window along z gives
    char* lines;    // what the window along y gives, and room for the extension of x
    char* steps[2];
    char* suffix;
    const void** from;
    void** to;
    Slots z, y;
};

Boxes::Boxes(const ConstArrayView& in, const ArrayView& out, const Sweep& sweep, const Compute& compute,
             const Residues& residues)
    : s_(sweep),
      c_(compute),
      residues_(residues),
      in_(static_cast<const char*>(in.data)),
      out_(static_cast<char*>(out.data)),
      in_dtype_(in.dtype),
      in_item_(size_of(in.dtype)),
      out_item_(size_of(out.dtype)),
      in_place_(in.data == out.data),
      reads_directly_(!compute.converts && (sweep.x.in_stride == 1 || sweep.row() == 1)),
      writes_directly_(!compute.converts && (sweep.x.out_stride == 1 || sweep.row() == 1) &&
                       (sweep.has_x || !in_place_)) {
    choose_tiling();
    if (s_.has_x) steps_ = steps_of(s_.x.size);
    const std::int64_t row = t_.columns * s_.width;
    pitch_ = padded_row(row, c_.itemsize);
    line_pitch_ = padded_row(row + (s_.x.size - 1) * s_.width, c_.itemsize) + 64;
    const std::int64_t ahead = s_.x.before * s_.width * c_.itemsize;
    lead_ = Workspace::padded(ahead) - ahead;
    slots_z_ = std::min(s_.z.n, t_.planes + s_.z.size - 1);
    slots_y_ = std::min(s_.y.n, t_.rows + s_.y.size - 1);
    depths_ = ceil_div(s_.z.n, t_.depth);
    heights_ = ceil_div(s_.y.n, t_.rows);
    widths_ = ceil_div(s_.x.n, t_.columns);
    tiles_ = s_.outer.size() * depths_ * heights_ * widths_;
}

void Boxes::choose_tiling() {
    const std::int64_t row = std::max<std::int64_t>(s_.row() * c_.itemsize, 64);
    t_.columns = s_.x.n;
    t_.rows = s_.y.n;
    const std::int64_t all = s_.outer.size() * s_.z.n * s_.y.n * s_.row();
    const std::int64_t target = std::clamp(all / 64, kSmallestTile, kLargestTile);
    if (s_.has_z) {
        const FusedBlock block = fused_block(s_, c_.itemsize);
        t_.planes = block.planes;
        t_.rows = ceil_div(s_.y.n, ceil_div(s_.y.n, block.rows));
        const std::int64_t steps = std::max<std::int64_t>(target / (t_.planes * t_.rows * s_.row()), 1);
        t_.depth = std::min(steps * t_.planes, s_.z.n);
    } else if (s_.has_x) {
        const std::int64_t halo = s_.y.size - 1;
        const std::int64_t fitting = std::max<std::int64_t>({kScratchBytes / row - halo, 2 * halo, 1});
        if (!s_.has_y || !in_place_) t_.rows = std::min(fitting, s_.y.n);
        if (!s_.has_y && !in_place_) {
            const std::int64_t longest = kScratchBytes / (s_.width * c_.itemsize);
            t_.columns = std::min(std::max(longest, 2 * s_.x.size), s_.x.n);
        }
    } else {
        // Two windows' rows are read at a time; all of them where they are loaded or held back.
        const bool holds_all = !reads_directly_ || !writes_directly_;
        if (!in_place_) t_.rows = std::min(s_.y.n, std::max<std::int64_t>(4 * s_.y.size, 256));
        const std::int64_t held = holds_all ? t_.rows + s_.y.size - 1 : 2 * s_.y.size;
        const std::int64_t fitting = kScratchBytes / (held * c_.itemsize);
        t_.columns = std::min(std::clamp<std::int64_t>(fitting, 64 / c_.itemsize, 4096), s_.x.n);
    }
}

template <class Memory>
Boxes::Scratch Boxes::take(Memory& memory) const {
    Scratch scratch;
    scratch.outside = memory.template take<char>(pitch_);
    const bool loads = !reads_directly_ && (s_.has_z || s_.has_y);
    scratch.loaded = memory.template take<char>(loads ? slots_z_ * slots_y_ * pitch_ : 0);
    scratch.planes = memory.template take<char>(s_.has_z ? t_.planes * (t_.rows + s_.y.size - 1) * pitch_ : 0);
    const bool lines = s_.has_x || !writes_directly_;
    scratch.lines = memory.template take<char>(lines ? t_.rows * line_pitch_ : 0) + lead_;
    for (char*& step : scratch.steps) step = memory.template take<char>(line_pitch_);
    scratch.suffix = memory.template take<char>(kSuffixBytes * std::max(s_.z.size, s_.y.size));
    const std::int64_t rows = std::max(t_.planes + s_.z.size, t_.rows + s_.y.size) - 1;
    scratch.from = memory.template take<const void*>(rows);
    scratch.to = memory.template take<void*>(rows);
    return scratch;
}

Boxes::Tile Boxes::tile_at(std::int64_t index) const {
    const std::int64_t x = index % widths_ * t_.columns;
    index /= widths_;
    const std::int64_t z = index % depths_ * t_.depth;
    index /= depths_;
    const std::int64_t y = index % heights_ * t_.rows;
    const Axes<2>::Offsets outer = s_.outer.at(index / heights_);
    return {outer[0], outer[1],
            z,        std::min(t_.depth, s_.z.n - z),
            y,        std::min(t_.rows, s_.y.n - y),
            x,        std::min(t_.columns, s_.x.n - x)};
}

void Boxes::run(const Exec& exec) const {
    WorkspaceSize size;
    take(size);
    const std::int64_t elements = t_.depth * t_.rows * t_.columns * s_.width;
    const std::int64_t per_chunk = std::max<std::int64_t>(kSmallestTile / elements, 1);
    parallel_for(ceil_div(tiles_, per_chunk), exec, [&](std::int64_t chunk) {
        Workspace workspace(size.bytes());
        Scratch scratch = take(workspace);
        c_.ops.fill(scratch.outside, c_.cval, t_.columns * s_.width);
        const std::int64_t end = std::min((chunk + 1) * per_chunk, tiles_);
        for (std::int64_t t = chunk * per_chunk; t < end; ++t) run_tile(tile_at(t), scratch);
    });
}

void Boxes::run_tile(const Tile& tile, Scratch& scratch) const {
    scratch.y.find(s_.y, tile.y, tile.rows);
    for (std::int64_t z = tile.z; z < tile.z + tile.depth; z += t_.planes) {
        const std::int64_t planes = std::min(t_.planes, tile.z + tile.depth - z);
        scratch.z.find(s_.z, z, planes);
        bool nan = false;
        if (s_.has_z || s_.has_y) load_slots(tile, scratch);
        if (s_.has_z) nan = pass_z(tile, planes, scratch);
        for (std::int64_t p = 0; p < planes; ++p) {
            bool here = nan;
            if (s_.has_y) {
                here = pass_y(tile, z + p, p, nan, scratch);
            } else {
                load_lines(tile, scratch);
            }
            if (s_.has_x) pass_x(tile, z + p, here, scratch);
            if (residues_.row != nullptr) make_residues(tile, z + p);
        }
    }
}

// --- rows of the input ---

void Boxes::load_slots(const Tile& tile, Scratch& scratch) const {
    if (reads_directly_) return;
    const Slots& z = scratch.z;
    const Slots& y = scratch.y;
    const std::int64_t count = tile.columns * s_.width;
    const std::int64_t first = tile.in_offset + tile.x * s_.width * s_.x.in_stride;
    const auto load = [&](std::int64_t sample_z, std::int64_t slot_z, std::int64_t sample_y, std::int64_t slot_y,
                          std::int64_t n, bool along_z) {
        const char* const from = in_ + (first + sample_z * s_.z.in_stride + sample_y * s_.y.in_stride) * in_item_;
        const Block block = {n, count, along_z ? s_.z.in_stride : s_.y.in_stride, s_.x.in_stride};
        c_.load(from, in_dtype_, block, scratch.loaded + (slot_z * slots_y_ + slot_y) * pitch_,
                along_z ? slots_y_ * pitch_ : pitch_);
    };
    // Side by side along the axis that is faster in memory.
    const bool along_z = s_.has_z && std::abs(s_.z.in_stride) < std::abs(s_.y.in_stride);
    const Slots& outer = along_z ? y : z;
    const Slots& inner = along_z ? z : y;
    const std::int64_t rows = outer.count + static_cast<std::int64_t>(outer.others.size());
    for (std::int64_t o = 0; o < rows; ++o) {
        const std::int64_t sample =
            o < outer.count ? outer.low + o : outer.others[static_cast<std::size_t>(o - outer.count)];
        const auto load_inner = [&](std::int64_t from, std::int64_t slot, std::int64_t n) {
            along_z ? load(from, slot, sample, o, n, true) : load(sample, o, from, slot, n, false);
        };
        load_inner(inner.low, 0, inner.count);
        for (std::size_t k = 0; k < inner.others.size(); ++k) {
            load_inner(inner.others[k], inner.count + static_cast<std::int64_t>(k), 1);
        }
    }
}

// The row at positions z and y of the tile's neighbourhood.
const void* Boxes::source(const Tile& tile, const Scratch& scratch, std::size_t z, std::size_t y) const {
    const std::int64_t slot_z = scratch.z.slot[z];
    const std::int64_t slot_y = scratch.y.slot[y];
    if (slot_z < 0 || slot_y < 0) return scratch.outside;
    if (!reads_directly_) return scratch.loaded + (slot_z * slots_y_ + slot_y) * pitch_;
    const auto sample = [](const Slots& slots, std::int64_t slot) {
        return slot < slots.count ? slots.low + slot : slots.others[static_cast<std::size_t>(slot - slots.count)];
    };
    const std::int64_t offset = tile.in_offset + sample(scratch.z, slot_z) * s_.z.in_stride +
                                sample(scratch.y, slot_y) * s_.y.in_stride + tile.x * s_.width * s_.x.in_stride;
    return in_ + offset * in_item_;
}

char* Boxes::target(const Tile& tile, std::int64_t z, std::int64_t y) const {
    const std::int64_t offset =
        tile.out_offset + z * s_.z.out_stride + y * s_.y.out_stride + tile.x * s_.width * s_.x.out_stride;
    return out_ + offset * out_item_;
}

// --- passes ---

bool Boxes::slide(bool nan, Rows rows, void* const* to, std::int64_t n, const Line& line, const Tile& tile,
                  Scratch& scratch) const {
    const std::int64_t count = tile.columns * s_.width;
    if (!nan && !c_.ops.plain.slide(rows, to, n, line.size, count, scratch.suffix)) return false;
    c_.ops.nan_safe.slide(rows, to, n, line.size, count, scratch.suffix);
    return true;
}

bool Boxes::pass_z(const Tile& tile, std::int64_t planes, Scratch& scratch) const {
    bool nan = false;
    const std::int64_t rows = tile.rows + s_.y.size - 1;
    for (std::int64_t y = 0; y < rows; ++y) {
        for (std::size_t p = 0; p < scratch.z.slot.size(); ++p) {
            scratch.from[p] = source(tile, scratch, p, static_cast<std::size_t>(y));
        }
        for (std::int64_t p = 0; p < planes; ++p) scratch.to[p] = scratch.planes + (p * rows + y) * pitch_;
        nan |= slide(false, scratch.from, scratch.to, planes, s_.z, tile, scratch);
    }
    return nan;
}

bool Boxes::pass_y(const Tile& tile, std::int64_t z, std::int64_t plane, bool nan, Scratch& scratch) const {
    const std::int64_t rows = tile.rows + s_.y.size - 1;
    for (std::int64_t y = 0; y < rows; ++y) {
        scratch.from[y] = s_.has_z ? scratch.planes + (plane * rows + y) * pitch_
                                   : source(tile, scratch, 0, static_cast<std::size_t>(y));
    }
    const std::int64_t ahead = s_.x.before * s_.width * c_.itemsize;
    const bool direct = !s_.has_x && writes_directly_;
    for (std::int64_t y = 0; y < tile.rows; ++y) {
        scratch.to[y] = direct ? target(tile, z, tile.y + y) : scratch.lines + y * line_pitch_ + ahead;
    }
    nan = slide(nan, scratch.from, scratch.to, tile.rows, s_.y, tile, scratch);
    if (!s_.has_x && !direct) {
        for (std::int64_t y = 0; y < tile.rows; ++y) {
            c_.store(scratch.lines + y * line_pitch_, target(tile, z, tile.y + y), s_.x.out_stride,
                     tile.columns * s_.width);
        }
    }
    return nan;
}

// Lines with nothing but a window along them.
void Boxes::load_lines(const Tile& tile, Scratch& scratch) const {
    const std::int64_t first = tile.in_offset + tile.y * s_.y.in_stride;
    const char* const from = in_ + first * in_item_;
    if (tile.columns == s_.x.n) {
        const Block block = {tile.rows, s_.row(), s_.y.in_stride, s_.x.in_stride};
        c_.load(from, in_dtype_, block, scratch.lines + s_.x.before * s_.width * c_.itemsize, line_pitch_);
        return;
    }
    for (std::int64_t y = 0; y < tile.rows; ++y) {
        load_piece(c_, from + y * s_.y.in_stride * in_item_, in_dtype_, s_.x, s_.width, tile.x, tile.columns,
                   scratch.lines + y * line_pitch_);
    }
}

void Boxes::pass_x(const Tile& tile, std::int64_t z, bool nan, Scratch& scratch) const {
    const Line& x = s_.x;
    const std::int64_t sample = s_.width * c_.itemsize;
    const std::int64_t all = tile.columns + x.size - 1;
    for (std::int64_t y = 0; y < tile.rows; ++y) {
        char* const line = scratch.lines + y * line_pitch_;
        if (tile.columns == x.n) extend_line(c_, x, s_.width, line);
        const bool careful = nan || (!s_.has_y && c_.ops.has_nan(line, all * s_.width));
        const Selection& select = careful ? c_.ops.nan_safe : c_.ops.plain;
        const char* from = line;
        char* const result = target(tile, z, tile.y + y);
        for (std::size_t k = 0; k < steps_.size(); ++k) {
            const Step& step = steps_[k];
            const bool last = k + 1 == steps_.size();
            char* const to = last && writes_directly_ ? result : scratch.steps[k % 2];
            const void* rows[kMostTaps];
            for (int t = 0; t < step.taps; ++t) rows[t] = from + step.offsets[t] * sample;
            select.combine(rows, step.taps, to, (all - step.length + 1) * s_.width);
            from = to;
        }
        if (!writes_directly_) c_.store(from, result, x.out_stride, tile.columns * s_.width);
    }
}

void Boxes::make_residues(const Tile& tile, std::int64_t z) const {
    for (std::int64_t y = tile.y; y < tile.y + tile.rows; ++y) {
        residues_.make(target(tile, z, y), s_.x.out_stride, tile.columns * s_.width);
    }
}

}  // namespace

void run_sweep(const ConstArrayView& in, const ArrayView& out, const Sweep& sweep, const Compute& compute,
               const Residues& residues, const Exec& exec) {
    Boxes(in, out, sweep, compute, residues).run(exec);
}

}  // namespace voxkern::extrema1d

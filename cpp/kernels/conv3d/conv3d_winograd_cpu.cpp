// SPDX-License-Identifier: Apache-2.0
// Winograd's algorithm along z and y, plain sums along x: tiles of rows are transformed, multiplied and transformed
// back.
#include <algorithm>

#include "kernels/conv3d/conv3d_run.hpp"

namespace voxkern::conv3d {
namespace {

// One axis of a tile.
struct Side {
    Kind kind;
    std::int64_t taps;
    std::int64_t products;
    std::int64_t results;

    Side(Kind k, std::int64_t t) : kind(k), taps(t), products(products_of(k, t)), results(results_of(k)) {}
};

struct Tiles {
    Side z;
    Side y;
    std::int64_t count;         // along y, of a unit
    std::int64_t pitch;         // from a tile to the next within a transformed line
    std::int64_t channel_step;  // from a channel's line to the next
    std::int64_t product_step;  // from a product to the next
    std::int64_t sums_step;
    std::int64_t sums_product;
    std::int64_t sums_tile;
    std::int64_t row;     // of samples
    std::int64_t result;  // of results
    Places places;
};

struct Scratch {
    float* samples;      // [z][y of all tiles][x] of one channel
    float* half;         // [z][product y][tile, x]
    float* transformed;  // [product][channel][tile, x]
    float* sums;         // [product][output channel][tile, x]
    float* back;         // [result z][product y][tile, x]
    float* results;      // [result z][tile, result y][x]
};

Tiles tiles_of(const Geometry& g, const Cut& cut, Kind z, Kind y) {
    const std::int64_t line = (cut.y_run - 1) * cut.pitch + cut.x_run;  // of flat tiles
    const std::int64_t sums_tile = cut.flat ? cut.pitch : rounded_up(cut.x_run, kLine);
    Tiles tiles = {
        Side(z, g.most_taps(g.z)),
        Side(y, g.most_taps(g.y)),
        cut.y_run,
        cut.pitch,
        rounded_up(cut.y_run * cut.pitch, kLine) + 2 * kLine,
        0,
        rounded_up((cut.y_run - 1) * sums_tile + cut.x_run, kLine) + kLine,
        0,
        sums_tile,
        rounded_up(cut.x_run + g.x.reach, kLine),
        rounded_up(cut.x_run, kLine),
        cut.flat ? Places(1, line, g.lanes, 0, 0) : Places(cut.y_run, cut.x_run, g.lanes, cut.pitch, sums_tile)};
    tiles.product_step = g.channels * tiles.channel_step + kLine;  // not a power of two, where caches collide
    tiles.sums_product = std::min(cut.block_run * kBlock, g.blocks.padded()) * tiles.sums_step + kLine;
    return tiles;
}

template <class Space>
Scratch scratch_of(Space& space, const Tiles& t) {
    const std::int64_t products = t.z.products * t.y.products;
    const std::int64_t planes = t.z.results + t.z.taps - 1;
    Scratch scratch;
    scratch.samples = space.template take<float>(planes * (t.count * t.y.results + t.y.taps - 1) * t.row);
    scratch.half = space.template take<float>(planes * t.y.products * t.channel_step);
    scratch.transformed = space.template take<float>(products * t.product_step);
    scratch.sums = space.template take<float>(products * t.sums_product);
    scratch.back = space.template take<float>(t.z.results * t.y.products * t.sums_step);
    scratch.results = space.template take<float>(t.z.results * t.count * t.y.results * t.result);
    return scratch;
}

class WinogradRun {
  public:
    WinogradRun(const Layer& layer, const Cut& cut, const Tiles& tiles, const Packed& packed, const Scratch& scratch,
                Tally* tallies)
        : layer_(layer),
          g_(layer.geometry),
          cut_(cut),
          t_(tiles),
          packed_(packed),
          scratch_(scratch),
          tallies_(tallies) {}

    void run(const Unit& unit) {
        z_ = &g_.z[static_cast<std::size_t>(unit.part_z)];
        y_ = &g_.y[static_cast<std::size_t>(unit.part_y)];
        y_first_ = unit.y * cut_.y_run * t_.y.results;
        x_first_ = unit.x * cut_.x_run;
        x_count_ = std::min(cut_.x_run, g_.columns - x_first_);
        count_ = std::min(cut_.y_run, (y_->out_count - y_first_ + t_.y.results - 1) / t_.y.results);
        if (count_ <= 0 || x_count_ <= 0) return;
        for (std::int64_t k = 0; k < cut_.z_run; ++k) {
            z_first_ = (unit.z * cut_.z_run + k) * t_.z.results;
            if (z_first_ >= z_->out_count) return;
            for (std::int64_t c = 0; c < g_.channels; ++c) {
                copy_samples(unit, c);
                transform(c);
            }
            multiply(unit);
            const std::int64_t first = unit.blocks * cut_.block_run * kBlock;
            const std::int64_t last = std::min(first + cut_.block_run * kBlock, g_.blocks.channels);
            for (std::int64_t c = first; c < last; ++c) {
                transform_back(c - first);
                store(unit, c, tallies_ == nullptr ? nullptr : tallies_ + c - first);
            }
        }
    }

  private:
    std::int64_t planes() const { return t_.z.results + t_.z.taps - 1; }
    std::int64_t rows() const { return t_.count * t_.y.results + t_.y.taps - 1; }

    // Rows of one channel with the zeros around them: three runs of each plane, of which the outer two are zeros.
    void copy_samples(const Unit& unit, std::int64_t channel) const {
        const std::int64_t phase = 0;
        CopyRows copy;
        copy.in_channel = y_->in_step * layer_.in.strides[3];
        copy.in_x = layer_.in.strides[4];
        copy.width = layer_.in.shape[4];
        copy.first = x_first_ - g_.x.before;
        copy.phase = &phase;
        copy.out_channel = t_.row;
        copy.length = x_count_ + g_.x.reach;
        copy.ahead = channel + 1 < g_.channels ? layer_.in.strides[1] : 0;
        const std::int64_t all = count_ * t_.y.results + t_.y.taps - 1;
        const std::int64_t start = y_first_ - y_->before;  // of the line along y
        const std::int64_t begin = std::clamp<std::int64_t>(-start, 0, all);
        const std::int64_t end = std::clamp<std::int64_t>(y_->in_count - start, begin, all);
        for (std::int64_t p = 0; p < planes(); ++p) {
            const auto copy_run = [&](std::int64_t first, std::int64_t last, const float* in) {
                copy.in = in;
                copy.channels = last - first;
                copy.out = scratch_.samples + (p * rows() + first) * t_.row;
                if (copy.channels > 0) layer_.ops.copy_rows(copy);
            };
            const float* in = line_of(layer_, unit, *z_, z_first_ - z_->before + p, *y_, start + begin);
            if (in != nullptr) in += channel * layer_.in.strides[1];
            copy_run(0, begin, nullptr);
            copy_run(begin, end, in);
            copy_run(end, all, nullptr);
        }
    }

    // Along y tile by tile, then along z all at once.
    void transform(std::int64_t channel) const {
        const float* in[kMostProducts];
        const std::int64_t n = x_count_ + g_.x.reach;
        const std::int64_t y_rows = t_.y.results + t_.y.taps - 1;
        for (std::int64_t p = 0; p < planes(); ++p) {
            for (std::int64_t tile = 0; tile < count_; ++tile) {
                const float* from = scratch_.samples + (p * rows() + tile * t_.y.results) * t_.row;
                for (std::int64_t k = 0; k < y_rows; ++k) in[k] = from + k * t_.row;
                float* to = scratch_.half + p * t_.y.products * t_.channel_step + tile * t_.pitch;
                layer_.ops.forward(t_.y.kind, in, y_rows, to, t_.channel_step, n);
            }
        }
        for (std::int64_t k = 0; k < t_.y.products; ++k) {
            for (std::int64_t p = 0; p < planes(); ++p) {
                in[p] = scratch_.half + (p * t_.y.products + k) * t_.channel_step;
            }
            float* to = scratch_.transformed + k * t_.product_step + channel * t_.channel_step;
            layer_.ops.forward(t_.z.kind, in, planes(), to, t_.y.products * t_.product_step,
                               (count_ - 1) * t_.pitch + n);
        }
    }

    // Product by product: the samples and weights of each are read once, and meet in L1.
    void multiply(const Unit& unit) const {
        const std::int64_t products = t_.z.products * t_.y.products;
        const bool six = t_.z.kind == Kind::f25 || t_.y.kind == Kind::f25;
        const float* row = nullptr;
        Products p;
        p.rows = &row;
        p.row_count = 1;
        p.channels = g_.channels;
        p.channel_step = t_.channel_step;
        p.offsets = g_.x.tap_shift.data();
        p.taps = g_.x.taps();
        set_chains(p, six ? kSixPointChain : kWinogradChain);
        p.sums_step = t_.sums_step;
        p.in_at = t_.places.in.data();
        p.sums_at = t_.places.sums.data();
        const std::int64_t line = (count_ - 1) * t_.pitch + x_count_;
        p.vectors = cut_.flat ? (line + g_.lanes - 1) / g_.lanes : count_ * t_.places.per_row;
        const std::int64_t first = unit.blocks * cut_.block_run;
        const std::int64_t last = std::min(first + cut_.block_run, g_.blocks.count());
        for (std::int64_t k = 0; k < products; ++k) {
            row = scratch_.transformed + k * t_.product_step;
            for (std::int64_t b = first; b < last; ++b) {
                const std::int64_t channel = unit.group * g_.blocks.padded() + b * kBlock;
                p.block = g_.blocks.width(b);
                p.weights = packed_.weights.data() + (channel * products + k * p.block) * g_.channels * p.taps;
                p.sums = scratch_.sums + k * t_.sums_product + (b - first) * kBlock * t_.sums_step;
                layer_.ops.multiply(p);
            }
        }
    }

    // One of the unit's output channels: along z all tiles at once, then along y tile by tile.
    void transform_back(std::int64_t channel) const {
        const float* in[kMostProducts];
        const float* sums = scratch_.sums + channel * t_.sums_step;
        for (std::int64_t k = 0; k < t_.y.products; ++k) {
            for (std::int64_t p = 0; p < t_.z.products; ++p) in[p] = sums + (p * t_.y.products + k) * t_.sums_product;
            layer_.ops.inverse(t_.z.kind, in, t_.z.products, scratch_.back + k * t_.sums_step,
                               t_.y.products * t_.sums_step, (count_ - 1) * t_.sums_tile + x_count_);
        }
        for (std::int64_t m = 0; m < t_.z.results; ++m) {
            for (std::int64_t tile = 0; tile < count_; ++tile) {
                for (std::int64_t k = 0; k < t_.y.products; ++k) {
                    in[k] = scratch_.back + (m * t_.y.products + k) * t_.sums_step + tile * t_.sums_tile;
                }
                layer_.ops.inverse(t_.y.kind, in, t_.y.products, results_of_plane(m) + tile * t_.y.results * t_.result,
                                   t_.result, x_count_);
            }
        }
    }

    float* results_of_plane(std::int64_t m) const { return scratch_.results + m * t_.count * t_.y.results * t_.result; }

    void store(const Unit& unit, std::int64_t channel, Tally* tally) const {
        const std::int64_t rows = std::min(count_ * t_.y.results, y_->out_count - y_first_);
        for (std::int64_t m = 0; m < t_.z.results && z_first_ + m < z_->out_count; ++m) {
            const Place place = {unit.image,
                                 unit.group,
                                 channel,
                                 z_->out_first + z_->out_step * (z_first_ + m),
                                 y_->out_first + y_->out_step * y_first_,
                                 y_->out_step,
                                 x_first_};
            emit(layer_, place, {results_of_plane(m), 0, t_.result, 1, rows, x_count_, nullptr, tally});
        }
    }

    const Layer& layer_;
    const Geometry& g_;
    const Cut& cut_;
    const Tiles& t_;
    const Packed& packed_;
    const Scratch scratch_;
    Tally* const tallies_;
    const Axis* z_ = nullptr;
    const Axis* y_ = nullptr;
    std::int64_t z_first_ = 0;  // results
    std::int64_t y_first_ = 0;
    std::int64_t x_first_ = 0;
    std::int64_t x_count_ = 0;
    std::int64_t count_ = 0;  // tiles along y
};

}  // namespace

void run_winograd(const Layer& layer, Kind z, Kind y, const Exec& exec) {
    const Geometry& g = layer.geometry;
    const Cut cut = cut_winograd(g, z, y);
    const Tiles tiles = tiles_of(g, cut, z, y);
    const Packed& packed = layer.filter.packed({static_cast<int>(z), static_cast<int>(y)}, exec);
    WorkspaceSize size;
    scratch_of(size, tiles);
    run_units(layer, cut, size.bytes(), exec, [&](Workspace& workspace, Tally* tallies) {
        return WinogradRun(layer, cut, tiles, packed, scratch_of(workspace, tiles), tallies);
    });
}

}  // namespace voxkern::conv3d

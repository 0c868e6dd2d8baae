// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/error.hpp"
#include "core/workspace.hpp"
#include "kernels/conv3d/conv3d_run.hpp"

namespace voxkern::conv3d {
namespace {

constexpr std::int64_t kStreamed = std::int64_t{32} << 20;  // bytes of a result that no cache holds

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

// How samples lie in scratch: a ring of planes, each as rows of all channels, or flat with the rows of a channel side
// by side. The zeros around the image are in place.
struct Slab {
    std::int64_t z_taps = 0;
    std::int64_t y_taps = 0;
    std::int64_t phase_step = 0;
    std::int64_t channel_step = 0;
    std::int64_t row_step = 0;
    std::int64_t plane_step = 0;
    std::int64_t y_phases = 1;  // flat: rows split by the remainder of their place by the stride, so that the
    std::int64_t y_phase = 0;   // rows one tap meets are neighbours; from one remainder to the next
    std::int64_t sums_step = 0;
    std::int64_t sums_row = 0;
    std::vector<std::int64_t> offsets;  // of the taps along x
    Places places;

    std::int64_t row_at(std::int64_t r) const { return r % y_phases * y_phase + r / y_phases * row_step; }
};

Slab slab_of(const Geometry& g, const Cut& cut) {
    std::int64_t stride = 1;
    for (const Axis& axis : g.y) stride = std::max(stride, axis.stride);
    const auto phases = static_cast<std::int64_t>(g.x.phase.size());
    const std::int64_t results = cut.depthwise ? rounded_up(cut.y_run, Depthwise::kRows) : cut.y_run;
    const std::int64_t y_taps = g.most_taps(g.y);
    const std::int64_t rows = stride * (results - 1) + y_taps;
    const std::int64_t rows_of_phase = (rows + stride - 1) / stride;
    const std::int64_t line = (results - 1) * cut.pitch + cut.x_run;  // of a flat plane
    const std::int64_t row_step = cut.flat ? cut.pitch : g.channels * phases * cut.pitch;
    const std::int64_t sums_row = cut.flat ? cut.pitch : rounded_up(cut.x_run, kLine);
    Slab slab = {
        g.most_taps(g.z),
        y_taps,
        cut.flat ? rounded_up(stride * rows_of_phase * cut.pitch, kLine) + kLine : cut.pitch,
        0,
        row_step,
        0,
        cut.flat ? stride : 1,
        rows_of_phase * cut.pitch,
        (cut.flat ? rounded_up(line, kLine) : cut.rows * sums_row) + kLine,
        sums_row,
        {},
        cut.flat ? Places(1, line, g.lanes, 0, 0) : Places(cut.rows, cut.x_run, g.lanes, stride * row_step, sums_row)};
    slab.channel_step = phases * slab.phase_step;
    slab.plane_step = cut.flat ? g.channels * slab.channel_step : rows * row_step;
    for (std::size_t t = 0; t < g.x.tap_shift.size(); ++t) {
        slab.offsets.push_back(g.x.tap_phase[t] * slab.phase_step + g.x.tap_shift[t]);
    }
    return slab;
}

struct Scratch {
    float* planes;
    float* sums;
    float* woven;
    const float** rows;
};

template <class Space>
Scratch scratch_of(Space& space, const Geometry& g, const Cut& cut, const Slab& slab) {
    Scratch scratch;
    scratch.planes = space.template take<float>(slab.z_taps * slab.plane_step + 2 * kLine);
    scratch.sums = space.template take<float>(kBlock * slab.sums_step);
    scratch.woven = space.template take<float>(g.x.results * (cut.x_run + kLine));
    scratch.rows = space.template take<const float*>(slab.z_taps * slab.y_taps);
    return scratch;
}

// Runs the units of one item.
class DirectRun {
  public:
    DirectRun(const Layer& layer, const Cut& cut, const Slab& slab, const Packed& packed, const Scratch& scratch,
              Tally* tallies)
        : layer_(layer),
          g_(layer.geometry),
          cut_(cut),
          slab_(slab),
          packed_(packed),
          scratch_(scratch),
          tallies_(tallies) {}

    void run(const Unit& unit) {
        z_ = &g_.z[static_cast<std::size_t>(unit.part_z)];
        y_ = &g_.y[static_cast<std::size_t>(unit.part_y)];
        y_first_ = unit.y * cut_.y_run;
        x_first_ = unit.x * cut_.x_run;
        y_count_ = std::min(cut_.y_run, y_->out_count - y_first_);
        x_count_ = std::min(cut_.x_run, g_.columns - x_first_);
        const std::int64_t z_first = unit.z * cut_.z_run;
        const std::int64_t z_last = std::min(z_first + cut_.z_run, z_->out_count);
        if (y_count_ <= 0 || x_count_ <= 0) return;
        std::int64_t next = z_->stride * z_first - z_->before;
        for (std::int64_t m = z_first; m < z_last; ++m) {
            const std::int64_t begin = z_->stride * m - z_->before;
            // Planes outside the image are zeros: their products are left out.
            tap_first_ = std::clamp<std::int64_t>(-begin, 0, z_->taps);
            tap_last_ = std::clamp<std::int64_t>(z_->in_count - begin, tap_first_, z_->taps);
            for (next = std::max(next, begin + tap_first_); next < begin + tap_last_; ++next) copy_plane(unit, next);
            const std::int64_t block_end = std::min((unit.blocks + 1) * cut_.block_run, g_.blocks.count());
            for (std::int64_t b = unit.blocks * cut_.block_run; b < block_end; ++b) multiply(unit, m, b);
        }
    }

  private:
    float* plane(std::int64_t l) const {
        const std::int64_t slot = ((l % z_->taps) + z_->taps) % z_->taps;
        return scratch_.planes + slot * slab_.plane_step;
    }

    void copy_plane(const Unit& unit, std::int64_t l) const {
        CopyRows rows;
        rows.in_channel = layer_.in.strides[1];
        rows.in_x = layer_.in.strides[4];
        rows.width = layer_.in.shape[4];
        rows.channels = g_.channels;
        rows.first = x_first_ * g_.x.stride - g_.x.before;
        rows.stride = g_.x.stride;
        rows.phase = g_.x.phase.data();
        rows.phases = static_cast<std::int64_t>(g_.x.phase.size());
        rows.out_channel = slab_.channel_step;
        rows.out_phase = slab_.phase_step;
        rows.length = x_count_ + g_.x.reach;
        const std::int64_t count = y_->taps > 0 ? y_->stride * (y_count_ - 1) + y_->taps : 0;
        for (std::int64_t k = 0; k < count; ++k) {
            rows.in = line_of(layer_, unit, *z_, l, *y_, y_->stride * y_first_ - y_->before + k);
            rows.out = plane(l) + slab_.row_at(k);
            layer_.ops.copy_rows(rows);
        }
    }

    // One plane of results, one block of output channels.
    void multiply(const Unit& unit, std::int64_t m, std::int64_t block) const {
        const std::int64_t y_sets = layer_.filter.options().transposed ? layer_.filter.options().stride[1] : 1;
        const auto set = static_cast<std::size_t>(z_->filter * y_sets + y_->filter);
        const std::int64_t rows = z_->taps * y_->taps;
        const std::int64_t channel = unit.group * g_.blocks.padded() + block * kBlock;
        Products p;
        p.rows = scratch_.rows;
        p.row_count = (tap_last_ - tap_first_) * y_->taps;
        p.channels = g_.channels;
        p.channel_step = slab_.channel_step;
        p.offsets = slab_.offsets.data();
        p.taps = g_.x.taps();
        p.weights = packed_.weights.data() + packed_.first[set] + channel * rows * g_.channels * p.taps;
        p.block = g_.blocks.width(block);
        p.weights += tap_first_ * y_->taps * g_.channels * p.taps * p.block;
        set_chains(p, kChain);
        p.sums = scratch_.sums;
        p.sums_step = slab_.sums_step;
        p.in_at = slab_.places.in.data();
        p.sums_at = slab_.places.sums.data();
        Place at = {unit.image, unit.group,   block * kBlock, z_->out_first + z_->out_step * m,
                    0,          y_->out_step, x_first_};
        Sums sums = {scratch_.sums, slab_.sums_step, slab_.sums_row, g_.blocks.used(block), 0,
                     x_count_,      scratch_.woven,  nullptr};
        if (tallies_ != nullptr) sums.tally = tallies_ + (block - unit.blocks * cut_.block_run) * kBlock;
        for (std::int64_t k = 0; k < y_count_; k += cut_.rows) {
            sums.rows = std::min(cut_.rows, y_count_ - k);
            if (cut_.depthwise) {
                depthwise(m, p);
            } else {
                const std::int64_t line = (y_count_ - 1) * cut_.pitch + x_count_;
                p.vectors = cut_.flat ? (line + g_.lanes - 1) / g_.lanes : sums.rows * slab_.places.per_row;
                set_rows(m, k);
                layer_.ops.multiply(p);
            }
            at.y = y_->out_first + y_->out_step * (y_first_ + k);
            emit(layer_, at, sums);
        }
    }

    void depthwise(std::int64_t m, const Products& p) const {
        const std::int64_t first = z_->stride * m - z_->before + tap_first_;
        for (std::int64_t j = 0; j < tap_last_ - tap_first_; ++j) scratch_.rows[j] = plane(first + j);
        Depthwise d;
        d.planes = scratch_.rows;
        d.plane_count = tap_last_ - tap_first_;
        d.row_step = cut_.pitch;
        d.offsets = p.offsets;
        d.taps = p.taps;
        d.weights = p.weights;
        d.sums = p.sums;
        d.rows = y_count_;
        d.length = x_count_;
        layer_.ops.depthwise(d);
    }

    void set_rows(std::int64_t m, std::int64_t k) const {
        const std::int64_t first = z_->stride * m - z_->before + tap_first_;
        for (std::int64_t j = 0; j < tap_last_ - tap_first_; ++j) {
            const float* from = plane(first + j);
            for (std::int64_t i = 0; i < y_->taps; ++i) {
                scratch_.rows[j * y_->taps + i] = from + slab_.row_at(y_->stride * k + i);
            }
        }
    }

    const Layer& layer_;
    const Geometry& g_;
    const Cut& cut_;
    const Slab& slab_;
    const Packed& packed_;
    const Scratch scratch_;
    Tally* const tallies_;
    const Axis* z_ = nullptr;
    const Axis* y_ = nullptr;
    std::int64_t tap_first_ = 0;  // along z, of those that meet planes of the image
    std::int64_t tap_last_ = 0;
    std::int64_t y_first_ = 0;
    std::int64_t x_first_ = 0;
    std::int64_t y_count_ = 0;
    std::int64_t x_count_ = 0;
};

void run_direct(const Layer& layer, const Exec& exec) {
    const Geometry& g = layer.geometry;
    const Cut cut = cut_direct(g);
    const Slab slab = slab_of(g, cut);
    const Packed& packed = layer.filter.packed({static_cast<int>(Kind::direct), static_cast<int>(Kind::direct)}, exec);
    WorkspaceSize size;
    scratch_of(size, g, cut, slab);
    run_units(layer, cut, size.bytes(), exec, [&](Workspace& workspace, Tally* tallies) {
        return DirectRun(layer, cut, slab, packed, scratch_of(workspace, g, cut, slab), tallies);
    });
}

bool is_line(const std::int64_t* shape, const std::int64_t* strides) {
    return (shape[3] == 1 || strides[3] == strides[4] * shape[4]) &&
           (shape[2] == 1 || strides[2] == strides[4] * shape[4] * shape[3]);
}

template <class T>
View<T, 5> as_line(const View<T, 5>& view) {
    return {view.data,
            {view.shape[0], view.shape[1], 1, 1, view.shape[2] * view.shape[3] * view.shape[4]},
            {view.strides[0], view.strides[1], 0, 0, view.strides[4]}};
}

// 1 x 1 x 1: a volume without gaps is as good as one row, and a row is cut into whole vectors.
bool is_pointwise(const Filter& filter, const Options& options, const Source& in, const View<float, 5>& out,
                  const Source& residual) {
    return !options.transposed && filter.size() == std::array<std::int64_t, 3>{1, 1, 1} &&
           options.stride == std::array<std::int64_t, 3>{1, 1, 1} &&
           options.padding == std::array<std::int64_t, 3>{0, 0, 0} &&
           std::equal(in.shape + 2, in.shape + 5, out.shape + 2) && is_line(in.shape, in.strides) &&
           is_line(out.shape, out.strides) && (residual.data == nullptr || is_line(residual.shape, residual.strides));
}

template <class T, class Void>
View<T, 5> typed(const BasicArrayView<Void>& any) {
    View<T, 5> view;
    view.data = static_cast<T*>(any.data);
    for (int a = 0; a < 5; ++a) {
        view.shape[a] = any.shape[a];
        view.strides[a] = any.strides[a];
    }
    return view;
}

// A tally begins with the mean of its first row, from which the others differ little.
void begin_tallies(const Rows& rows, std::int64_t count) {
    for (std::int64_t r = 0; r < count; ++r) {
        Tally& tally = rows.tally[r];
        if (tally.count > 0.0) continue;
        double sum = 0.0;
        for (std::int64_t x = 0; x < rows.length; ++x) sum += static_cast<double>(rows.sums[r * rows.sums_step + x]);
        const float mean = static_cast<float>(sum / static_cast<double>(rows.length)) + rows.bias[r * rows.bias_step];
        const float below = rows.activation == Activation::relu ? 0.0F : rows.slope * mean;
        tally.centre = rows.activation == Activation::none || mean >= 0.0F ? mean : below;
    }
}

}  // namespace

const float* line_of(const Layer& layer, const Unit& unit, const Axis& z, std::int64_t l, const Axis& y,
                     std::int64_t k) {
    if (l < 0 || l >= z.in_count || k < 0 || k >= y.in_count) return nullptr;
    return &layer.in(unit.image, unit.group * layer.geometry.channels, z.in_first + z.in_step * l,
                     y.in_first + y.in_step * k, 0);
}

Places::Places(std::int64_t rows, std::int64_t length, std::int64_t lanes, std::int64_t in_step, std::int64_t sums_step)
    : per_row((length + lanes - 1) / lanes) {
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t v = 0; v < per_row; ++v) {
            in.push_back(row * in_step + v * lanes);
            sums.push_back(row * sums_step + v * lanes);
        }
    }
}

void set_chains(Products& p, std::int64_t most) {
    const std::int64_t of_row = p.channels * p.taps;
    const std::int64_t pieces = (of_row + most - 1) / most;
    p.chain_channels = pieces > 1 ? (p.channels + pieces - 1) / pieces : p.channels;
    p.chain_rows = of_row > 0 ? std::max<std::int64_t>(most / of_row, 1) : 1;
}

UnitMoments::UnitMoments(const Layer& layer, const Cut& cut) : layer_(layer), cut_(cut) {
    if (layer.moments.data == nullptr) return;
    tallies_ = cut.block_run * kBlock;
    parts_.resize(static_cast<std::size_t>(cut.units * tallies_));
}

void UnitMoments::set(std::int64_t unit, const Tally* tallies) {
    for (std::int64_t c = 0; c < tallies_; ++c) {
        const Tally& tally = tallies[c];
        if (tally.count == 0.0) continue;
        double sum = 0.0;
        double squares = 0.0;
        for (std::int64_t i = 0; i < kLine; ++i) {
            sum += tally.sums[i];
            squares += tally.squares[i];
        }
        squares -= sum * sum / tally.count;
        parts_[static_cast<std::size_t>(unit * tallies_ + c)] = {
            tally.count, static_cast<double>(tally.centre) + sum / tally.count, squares < 0.0 ? 0.0 : squares};
    }
}

void UnitMoments::join() const {
    for (std::int64_t u = 0; tallies_ > 0 && u < cut_.units; ++u) {
        const Unit unit = unit_at(layer_.geometry, cut_, u);
        const std::int64_t channels = layer_.geometry.blocks.channels;
        const std::int64_t first = unit.blocks * tallies_;
        for (std::int64_t c = 0; c < tallies_ && first + c < channels; ++c) {
            const Moments& part = parts_[static_cast<std::size_t>(u * tallies_ + c)];
            const std::int64_t channel = unit.group * channels + first + c;
            const Moments before = moments_at(as_const(layer_.moments), unit.image, channel);
            set_moments(layer_.moments, unit.image, channel, joined(before, part));
        }
    }
}

void emit(const Layer& layer, const Place& at, const Sums& sums) {
    const Columns& columns = layer.geometry.x;
    const std::int64_t first = at.group * layer.geometry.blocks.channels / columns.results;
    const std::int64_t together = columns.woven() ? columns.results : 1;  // channels that one row of results takes
    const std::int64_t apart = columns.results / together;                // its results lie so far from each other
    Rows rows;
    rows.results = together;
    rows.results_step = sums.channel_step;
    rows.woven = sums.woven;
    rows.activation = layer.filter.options().activation;
    rows.slope = layer.filter.options().slope;
    rows.streaming = layer.streaming;
    rows.out_x = layer.out.strides[4] * apart;
    rows.residual_x = layer.residual.strides[4] * apart;
    // From channel c and row k on: `count` channels, or rows.
    const auto finish = [&](std::int64_t c, std::int64_t k, std::int64_t count, bool channels) {
        const std::int64_t channel = first + (at.channel + c) / columns.results;
        const std::int64_t y = at.y + at.y_step * k;
        const std::int64_t x = at.x * columns.results + (at.channel + c) % apart;
        rows.count = count;
        rows.length = std::min(sums.length * together, (layer.out.shape[4] - x + apart - 1) / apart);
        rows.sums = sums.data + c * sums.channel_step + k * sums.row_step;
        rows.sums_step = channels ? together * sums.channel_step : sums.row_step;
        rows.bias = layer.filter.bias().data() + channel;
        rows.bias_step = channels ? 1 : 0;
        rows.out = &layer.out(at.image, channel, at.z, y, x);
        rows.out_step = channels ? layer.out.strides[1] : at.y_step * layer.out.strides[3];
        if (layer.residual.data != nullptr) {
            rows.residual = &layer.residual(at.image, channel, at.z, y, x);
            rows.residual_step = channels ? layer.residual.strides[1] : at.y_step * layer.residual.strides[3];
        }
        if (sums.tally != nullptr) {
            rows.tally = sums.tally + c;
            rows.tally_step = channels ? 1 : 0;
            begin_tallies(rows, channels ? count : 1);
        }
        layer.ops.finish(rows);
    };
    const std::int64_t channels = sums.channels / together;
    if (apart == 1 && channels > sums.rows) {
        for (std::int64_t k = 0; k < sums.rows; ++k) finish(0, k, channels, true);
    } else {
        for (std::int64_t c = 0; c < sums.channels; c += together) finish(c, 0, sums.rows, false);
    }
}

}  // namespace voxkern::conv3d

namespace voxkern::cpu {

void conv3d(const ConstArrayView& in, const ArrayView& out, const conv3d::Filter& filter, const conv3d::Extras& extras,
            const Exec& exec) {
    using namespace conv3d;
    if (out.size() == 0) return;
    if (in.shape[1] != filter.in_channels() || out.shape[1] != filter.out_channels() || in.shape[0] != out.shape[0]) {
        throw Error("conv3d: input, filter and output do not belong together");
    }
    Options options = filter.options();
    options.padding[0] = extras.padding.value_or(options.padding[0]);
    if (options.transposed && ((options.padding[0] - filter.options().padding[0]) % options.stride[0] != 0 ||
                               extras.moments.data != nullptr)) {
        throw Error("conv3d: a transposed layer takes no moments, and starts parts at multiples of its stride");
    }
    const Ops& ops = active_ops();
    Source from = typed<const float>(in);
    View<float, 5> to = typed<float>(out);
    Source added = extras.residual.data != nullptr ? typed<const float>(extras.residual) : Source{};
    if (is_pointwise(filter, options, from, to, added)) {
        from = as_line(from);
        to = as_line(to);
        added = as_line(added);
    }
    const Geometry geometry = geometry_of(filter, options, from, to, ops.lanes);
    const Layer layer = {filter, ops, geometry, from, to, added, out.size() * 4 >= kStreamed, extras.moments};
    const auto [z, y] = scheme_of(filter, layer.geometry);
    const Exec flushing = flushing_subnormals(exec);
    if (z == Kind::direct) {
        run_direct(layer, flushing);
    } else {
        run_winograd(layer, z, y, flushing);
    }
}

}  // namespace voxkern::cpu

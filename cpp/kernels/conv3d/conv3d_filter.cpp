// SPDX-License-Identifier: Apache-2.0
// Weights in the order the kernels read them, transformed where Winograd's algorithm wants it.
#include <algorithm>
#include <memory>
#include <utility>

#include "core/error.hpp"
#include "kernels/conv3d/conv3d_plan.hpp"

namespace voxkern::conv3d {
namespace {

// How rows of weights come from the taps of an axis: rows x taps.
struct Matrix {
    std::int64_t rows = 0;
    std::int64_t taps = 0;
    std::vector<double> values;

    Matrix(std::int64_t r, std::int64_t t) : rows(r), taps(t), values(static_cast<std::size_t>(r * t)) {}
    double& at(std::int64_t r, std::int64_t t) { return values[static_cast<std::size_t>(r * taps + t)]; }
    const double* row(std::int64_t r) const { return &values[static_cast<std::size_t>(r * taps)]; }
};

Matrix selection(const std::vector<std::int64_t>& chosen, std::int64_t taps) {
    Matrix m(static_cast<std::int64_t>(chosen.size()), taps);
    for (std::size_t r = 0; r < chosen.size(); ++r) m.at(static_cast<std::int64_t>(r), chosen[r]) = 1.0;
    return m;
}

// The row of a finite point p is 1, p, p^2, ... over the product of its distances to the other finite points.
Matrix of_points(const std::vector<double>& points, const std::vector<std::int64_t>& order) {
    const auto taps = static_cast<std::int64_t>(order.size());
    const auto finite = static_cast<std::int64_t>(points.size());
    Matrix m(finite + 1, taps);
    for (std::int64_t r = 0; r < finite; ++r) {
        const double p = points[static_cast<std::size_t>(r)];
        double power = 1.0;
        for (const double other : points) {
            if (other != p) power /= p - other;
        }
        for (const std::int64_t tap : order) {
            m.at(r, tap) = power;
            power *= p;
        }
    }
    m.at(finite, order.back()) = 1.0;
    return m;
}

Matrix matrix_of(Kind kind, const std::vector<std::int64_t>& order, std::int64_t taps) {
    const auto a = static_cast<double>(kPointA);
    const auto b = static_cast<double>(kPointB);
    switch (kind) {
        case Kind::f23: return of_points({0.0, 1.0, -1.0}, order);
        case Kind::f43:
        case Kind::f25: return of_points({0.0, a, -a, b, -b}, order);
        default: return selection(order, taps);
    }
}

// Fills the weights of one block of output channels.
class BlockPacker {
  public:
    BlockPacker(const Filter& filter, const Columns& x, const Blocks& blocks, const Matrix& z, const Matrix& y)
        : filter_(filter),
          x_(x),
          blocks_(blocks),
          z_(z),
          y_(y),
          taps_(static_cast<std::size_t>(z.taps * y.taps * kBlock)),
          half_(static_cast<std::size_t>(z.rows * y.taps * kBlock)) {}

    void pack(std::int64_t group, std::int64_t block, std::int64_t channels, float* to) {
        const std::int64_t width = blocks_.width(block);
        const std::int64_t row_step = channels * x_.taps() * width;
        for (std::int64_t in = 0; in < channels; ++in) {
            for (std::int64_t t = 0; t < x_.taps(); ++t) {
                gather(group, block, in, t);
                transform(to + (in * x_.taps() + t) * width, row_step, width);
            }
        }
    }

  private:
    // taps_[z][y][channel of the block], zero where there is none.
    void gather(std::int64_t group, std::int64_t block, std::int64_t in, std::int64_t t) {
        std::fill(taps_.begin(), taps_.end(), 0.0);
        for (std::int64_t c = 0; c < blocks_.used(block); ++c) {
            const std::int64_t channel = block * kBlock + c;
            const std::int64_t result = channel % x_.results;
            const std::int64_t tap = x_.tap[static_cast<std::size_t>(result * x_.taps() + t)];
            if (tap < 0) continue;
            const float* from = filter_.taps(group, channel / x_.results, in) + tap;
            for (std::int64_t r = 0; r < z_.taps * y_.taps; ++r, from += filter_.size()[2]) {
                taps_[static_cast<std::size_t>(r * kBlock + c)] = static_cast<double>(*from);
            }
        }
    }

    // sums += factor * the kBlock numbers at `from`
    static void add(double factor, const double* from, double* sums) {
        for (std::int64_t c = 0; c < kBlock; ++c) sums[c] += factor * from[c];
    }

    void transform(float* to, std::int64_t row_step, std::int64_t width) {
        std::fill(half_.begin(), half_.end(), 0.0);
        for (std::int64_t r = 0; r < z_.rows; ++r) {
            for (std::int64_t z = 0; z < z_.taps; ++z) {
                const double factor = z_.row(r)[z];
                if (factor == 0.0) continue;
                for (std::int64_t y = 0; y < y_.taps; ++y) {
                    add(factor, &taps_[static_cast<std::size_t>((z * y_.taps + y) * kBlock)],
                        &half_[static_cast<std::size_t>((r * y_.taps + y) * kBlock)]);
                }
            }
        }
        for (std::int64_t r = 0; r < z_.rows; ++r) {
            for (std::int64_t s = 0; s < y_.rows; ++s) {
                double sums[kBlock] = {};
                for (std::int64_t y = 0; y < y_.taps; ++y) {
                    const double factor = y_.row(s)[y];
                    if (factor != 0.0) add(factor, &half_[static_cast<std::size_t>((r * y_.taps + y) * kBlock)], sums);
                }
                for (std::int64_t c = 0; c < width; ++c) {
                    to[(r * y_.rows + s) * row_step + c] = static_cast<float>(sums[c]);
                }
            }
        }
    }

    const Filter& filter_;
    const Columns& x_;
    const Blocks& blocks_;
    const Matrix& z_;
    const Matrix& y_;
    std::vector<double> taps_;
    std::vector<double> half_;
};

std::unique_ptr<Packed> pack(const Filter& filter, Kind kind_z, Kind kind_y, const Exec& exec) {
    const Options& options = filter.options();
    const auto& size = filter.size();
    const auto z_sets = tap_sets(options, size[0], 0);
    const auto y_sets = tap_sets(options, size[1], 1);
    const Columns x = columns_of(options, size[2]);
    const Blocks blocks = {filter.out_channels() / options.groups * x.results};
    const std::int64_t channels = filter.in_channels() / options.groups;
    auto packed = std::make_unique<Packed>();
    packed->scheme = {static_cast<int>(kind_z), static_cast<int>(kind_y)};
    std::int64_t total = 0;
    for (const auto& z : z_sets) {
        for (const auto& y : y_sets) {
            const std::int64_t rows = products_of(kind_z, static_cast<std::int64_t>(z.size())) *
                                      products_of(kind_y, static_cast<std::int64_t>(y.size()));
            packed->first.push_back(total);
            packed->rows.push_back(rows);
            total += options.groups * rows * channels * x.taps() * blocks.padded();
        }
    }
    packed->weights.resize(static_cast<std::size_t>(total));
    const std::int64_t count = blocks.count();
    for (std::size_t set = 0; set < packed->first.size(); ++set) {
        const Matrix z = matrix_of(kind_z, z_sets[set / y_sets.size()], size[0]);
        const Matrix y = matrix_of(kind_y, y_sets[set % y_sets.size()], size[1]);
        const std::int64_t per_channel = packed->rows[set] * channels * x.taps();
        const Exec limited = limited_to_work(exec, options.groups * blocks.padded() * per_channel);
        parallel_for(options.groups * count, limited, [&](std::int64_t chunk) {
            BlockPacker packer(filter, x, blocks, z, y);
            const std::int64_t at = chunk / count * blocks.padded() + chunk % count * kBlock;
            packer.pack(chunk / count, chunk % count, channels,
                        packed->weights.data() + packed->first[set] + at * per_channel);
        });
    }
    return packed;
}

}  // namespace

void check_weights(const ConstArrayView& weight, std::int64_t bias, const Options& options) {
    if (weight.dtype != DType::f32 || weight.rank != 5 || weight.size() == 0) {
        throw InvalidArgument("weight: got no float32 array of five axes with something in it");
    }
    for (std::size_t a = 0; a < 3; ++a) {
        if (options.stride[a] < 1 || options.dilation[a] < 1) {
            throw InvalidArgument("stride, dilation: got less than 1, allowed 1 or more");
        }
    }
    if (options.groups < 1 || weight.shape[0] % options.groups != 0) {
        throw InvalidArgument("groups: got a number that does not divide the first axis of weight");
    }
    const std::int64_t out = options.transposed ? weight.shape[1] * options.groups : weight.shape[0];
    if (bias != 0 && bias != out) {
        throw InvalidArgument("bias: got another length than the number of output channels");
    }
}

Filter::Filter(const ConstArrayView& weight, std::vector<float> bias, const Options& options)
    : options_(options), size_{weight.shape[2], weight.shape[3], weight.shape[4]}, bias_(std::move(bias)) {
    check_weights(weight, static_cast<std::int64_t>(bias_.size()), options);
    in_channels_ = options.transposed ? weight.shape[0] : weight.shape[1] * options.groups;
    out_channels_ = options.transposed ? weight.shape[1] * options.groups : weight.shape[0];
    if (bias_.empty()) bias_.resize(static_cast<std::size_t>(out_channels_), 0.0F);
    weights_.reserve(static_cast<std::size_t>(weight.size()));
    const View<const float, 5> w = {
        static_cast<const float*>(weight.data),
        {weight.shape[0], weight.shape[1], size_[0], size_[1], size_[2]},
        {weight.strides[0], weight.strides[1], weight.strides[2], weight.strides[3], weight.strides[4]}};
    for (std::int64_t a = 0; a < w.shape[0]; ++a) {
        for (std::int64_t b = 0; b < w.shape[1]; ++b) {
            for (std::int64_t z = 0; z < size_[0]; ++z) {
                for (std::int64_t y = 0; y < size_[1]; ++y) {
                    for (std::int64_t x = 0; x < size_[2]; ++x) weights_.push_back(w(a, b, z, y, x));
                }
            }
        }
    }
}

Filter::~Filter() {
    for (const Packed* packed = packed_.load(); packed != nullptr;) {
        delete std::exchange(packed, packed->before);
    }
}

const float* Filter::taps(std::int64_t group, std::int64_t out, std::int64_t in) const {
    const std::int64_t ins = in_channels_ / options_.groups;
    const std::int64_t outs = out_channels_ / options_.groups;
    const std::int64_t pair = options_.transposed ? (group * ins + in) * outs + out : (group * outs + out) * ins + in;
    return weights_.data() + pair * size_[0] * size_[1] * size_[2];
}

// Without a lock, which a fork might leave taken. Two threads may pack the same weights; both results are kept.
const Packed& Filter::packed(std::pair<int, int> scheme, const Exec& exec) const {
    for (const Packed* known = packed_.load(); known != nullptr; known = known->before) {
        if (known->scheme == scheme) return *known;
    }
    auto made = pack(*this, static_cast<Kind>(scheme.first), static_cast<Kind>(scheme.second), exec);
    made->before = packed_.load();
    while (!packed_.compare_exchange_weak(made->before, made.get())) {
    }
    return *made.release();
}

}  // namespace voxkern::conv3d

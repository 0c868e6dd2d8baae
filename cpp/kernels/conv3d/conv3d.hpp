// SPDX-License-Identifier: Apache-2.0
// Convolution layers of networks, in one to three dimensions; see README.md in this folder.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"

namespace voxkern::conv3d {

// How products are saved. automatic: Winograd where its error is about that of a plain sum, direct elsewhere.
// fast: Winograd with larger tiles, about three times that error.
enum class Algorithm { automatic, direct, fast };

enum class Activation { none, relu, leaky_relu };

struct Options {
    std::array<std::int64_t, 3> stride = {1, 1, 1};
    std::array<std::int64_t, 3> padding = {0, 0, 0};  // zeros ahead of the first sample
    std::array<std::int64_t, 3> dilation = {1, 1, 1};
    std::int64_t groups = 1;
    bool transposed = false;
    Algorithm algorithm = Algorithm::automatic;
    Activation activation = Activation::none;
    float slope = 0.0F;  // of leaky_relu, below zero
};

// What a single call may add to its layer.
struct Extras {
    ConstArrayView residual = {};  // of the output's shape, added before the activation; or no data
    // float64 (N, out channels, 3), or no data: the moments of what is written are joined to those that are there, see
    // core/moments.hpp. Not of a transposed layer.
    ArrayView moments = {};
    // Of a part of an image: zeros ahead of the first plane of `in`, in place of the filter's padding. Of a transposed
    // layer it differs from that by a multiple of the stride.
    std::optional<std::int64_t> padding = {};
};

struct Packed;

// Weights and options of a layer. Keeps its own copy of the weights, and what each way to compute makes of them, once
// made. Any number of threads may use one at the same time.
class Filter {
  public:
    // `weight` is (out channels, in channels / groups, D, H, W), or transposed (in channels, out channels / groups,
    // D, H, W), float32. `bias` has a number per output channel, or none.
    Filter(const ConstArrayView& weight, std::vector<float> bias, const Options& options);
    ~Filter();
    Filter(const Filter&) = delete;
    Filter& operator=(const Filter&) = delete;

    const Options& options() const { return options_; }
    const std::array<std::int64_t, 3>& size() const { return size_; }
    std::int64_t in_channels() const { return in_channels_; }
    std::int64_t out_channels() const { return out_channels_; }
    const std::vector<float>& bias() const { return bias_; }
    const std::vector<float>& weights() const { return weights_; }  // in C order

    // The D x H x W weights between two channels of a group, both counted within it.
    const float* taps(std::int64_t group, std::int64_t out, std::int64_t in) const;

    // The weights as the kernels read them, made on the first call. `scheme` tells how the axes z and y are transformed
    // (conv3d_plan.hpp).
    const Packed& packed(std::pair<int, int> scheme, const Exec& exec) const;

  private:
    Options options_;
    std::array<std::int64_t, 3> size_ = {};
    std::int64_t in_channels_ = 0;
    std::int64_t out_channels_ = 0;
    std::vector<float> weights_;
    std::vector<float> bias_;
    mutable std::atomic<Packed*> packed_{nullptr};  // the last one made; each knows the one before
};

}  // namespace voxkern::conv3d

namespace voxkern::cpu {

// out = activation(in convolved with the filter + bias + residual). `in` is (N, in channels, D, H, W), `out` is (N, out
// channels, D', H', W') of any extent: samples outside the input are zeros. float32, any strides, no overlap of `out`
// with the others. Extra memory: see README.md.
void conv3d(const ConstArrayView& in, const ArrayView& out, const conv3d::Filter& filter, const conv3d::Extras& extras,
            const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::conv3d {
struct DeviceWeights;
}

namespace voxkern::cuda {

struct Exec;

// Weights and options of a layer on the GPU, in the order its kernels read them. Its memory comes from the pool of
// `exec`, is used by every call, and goes back in the order of the stream of `exec`. Every call waits on its stream
// until the weights are written. A filter that was used on another stream has to live until that work is done.
class ConvFilter {
  public:
    // `weight` is what conv3d::Filter takes, `bias` has no data or a number per output channel; both on the GPU.
    ConvFilter(const ConstArrayView& weight, const ConstArrayView& bias, const conv3d::Options& options,
               const Exec& exec);
    ~ConvFilter();
    ConvFilter(const ConvFilter&) = delete;
    ConvFilter& operator=(const ConvFilter&) = delete;

    std::int64_t in_channels() const;
    std::int64_t out_channels() const;
    const conv3d::DeviceWeights& weights() const { return *weights_; }

  private:
    std::unique_ptr<conv3d::DeviceWeights> weights_;
};

// As cpu::conv3d, enqueued on the stream of `exec`. Sums are direct whatever the algorithm; takes no moments.
void conv3d(const ConstArrayView& in, const ArrayView& out, const ConvFilter& filter, const conv3d::Extras& extras,
            const Exec& exec);

}  // namespace voxkern::cuda

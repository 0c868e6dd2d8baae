// SPDX-License-Identifier: Apache-2.0
// conv3d on the GPU: weights in the order the kernels read them, and which kernel runs for what.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/cuda/index.hpp"
#include "core/cuda/positions.hpp"
#include "kernels/conv3d/conv3d_cuda_task.hpp"
#include "kernels/conv3d/conv3d_plan.hpp"

namespace voxkern::conv3d {
namespace {

constexpr std::int64_t kFewChannels = 8;   // below: directly
constexpr std::int64_t kFewRows = 16;      // up to
constexpr std::int64_t kBusyBlocks = 512;  // of threads, that keep a large GPU busy
constexpr std::int64_t kLeastSteps = 32;   // of a slice

// Weights of a part, in the order of Layout. Threads count [group][block][chunk][tap][channel][row].
template <class I>
struct Packing {
    I end, taps[3], first_tap[3], tap_step[3];  // the end of its numbers; see AxisPart
};

template <class I>
struct PackArgs {
    const float* weight;
    const float* bias;  // null where there is none
    float* out;
    I bias_step;
    I from, end;  // numbers of this launch; behind `end` comes the bias
    I out_channels;
    I size[3], tap_stride[3];
    I in_stride, out_stride, group_stride;  // between channels of a group, and groups
    I rows, channels, blocks, chunks;
    I block, chunk, woven;
    Packing<I> part[kPartsAtOnce];
};

template <class I>
__device__ float weight_at(const PackArgs<I>& pack, const Packing<I>& part, I number) {
    const auto next = [&](I extent) {
        const I at = number % extent;
        number /= extent;
        return at;
    };
    const I row_of_block = next(pack.block);
    const I channel_of_chunk = next(pack.chunk);
    I tap[3];
    for (int a = 2; a >= 0; --a) tap[a] = part.first_tap[a] + part.tap_step[a] * next(part.taps[a]);
    const I channel = next(pack.chunks) * pack.chunk + channel_of_chunk;
    const I row = next(pack.blocks) * pack.block + row_of_block;
    tap[2] += row % pack.woven;
    bool there = row < pack.rows && channel < pack.channels;
    I at = number * pack.group_stride + row / pack.woven * pack.out_stride + channel * pack.in_stride;
    for (int a = 0; a < 3; ++a) {
        there = there && tap[a] >= 0 && tap[a] < pack.size[a];
        at += tap[a] * pack.tap_stride[a];
    }
    return there ? pack.weight[at] : 0.0F;
}

template <class I>
__global__ void pack_weights(const __grid_constant__ PackArgs<I> pack) {
    const I count = pack.end - pack.from + pack.out_channels;
    for (std::int64_t p = cuda::first_position(); p < count; p += cuda::position_step()) {
        const I number = pack.from + static_cast<I>(p);
        if (number >= pack.end) {
            const I channel = number - pack.end;
            pack.out[number] = pack.bias == nullptr ? 0.0F : pack.bias[channel * pack.bias_step];
            continue;
        }
        int k = 0;
        while (number >= pack.part[k].end) ++k;
        pack.out[number] = weight_at(pack, pack.part[k], number - (k == 0 ? pack.from : pack.part[k - 1].end));
    }
}

// Rows in as few blocks as hold them; of 64 where that computes no more than blocks of 32 do.
Layout layout_of(std::int64_t rows, std::int64_t channels) {
    Layout layout;
    layout.rows = rows;
    layout.channels = channels;
    if (channels >= kFewChannels && rows > kFewRows) {
        layout.chunk = static_cast<int>(kFewChannels);
        layout.block = cuda::ceil_div(rows, 32) % 2 == 0 ? 64 : 32;
    } else {
        layout.block = rows == 1 ? 1 : rows <= 4 ? 4 : 8;
    }
    return layout;
}

std::int64_t taps_of(const Part& part) {
    return part[0].taps * part[1].taps * part[2].taps;
}

template <class I>
void pack(const ConstArrayView& weight, const ConstArrayView& bias, const std::vector<Part>& parts,
          const DeviceWeights& to, cudaStream_t stream) {
    const Layout& layout = to.layout;
    const Options& options = to.options;
    const auto as = [](std::int64_t n) { return static_cast<I>(n); };
    PackArgs<I> args = {};
    args.weight = static_cast<const float*>(weight.data);
    args.bias = static_cast<const float*>(bias.data);
    args.bias_step = as(bias.strides[0]);
    args.out = to.numbers.data();
    args.in_stride = as(weight.strides[options.transposed ? 0 : 1]);
    args.out_stride = as(weight.strides[options.transposed ? 1 : 0]);
    const std::int64_t channels = options.transposed ? layout.channels : layout.rows / to.woven;
    args.group_stride = as(channels * weight.strides[0]);
    for (std::size_t a = 0; a < 3; ++a) {
        args.size[a] = as(to.size[a]);
        args.tap_stride[a] = as(weight.strides[a + 2]);
    }
    args.rows = as(layout.rows);
    args.channels = as(layout.channels);
    args.blocks = as(layout.blocks());
    args.chunks = as(layout.chunks());
    args.block = as(layout.block);
    args.chunk = as(layout.chunk);
    args.woven = as(to.woven);
    for (std::size_t begin = 0; begin < parts.size(); begin += kPartsAtOnce) {
        const std::size_t end = std::min(begin + kPartsAtOnce, parts.size());
        args.from = as(to.first[begin]);
        args.end = as(to.first[end]);
        args.out_channels = as(end == parts.size() ? to.out_channels : 0);
        for (std::size_t k = begin; k < end; ++k) {
            Packing<I>& part = args.part[k - begin];
            part.end = as(to.first[k + 1]);
            for (std::size_t a = 0; a < 3; ++a) {
                part.taps[a] = as(parts[k][a].taps);
                part.first_tap[a] = as(parts[k][a].first_tap);
                part.tap_step[a] = as(parts[k][a].tap_step);
            }
        }
        cuda::launch("pack_weights", cuda::config_for(args.end - args.from + args.out_channels, stream),
                     pack_weights<I>, args);
    }
}

// Everything about a call but the type of its offsets.
struct Call {
    const ConstArrayView& in;
    const ArrayView& out;
    const ConstArrayView& residual;
    const DeviceWeights& weights;
    std::vector<Part> parts;
    int axes[3] = {0, 1, 2};  // as the kernel takes them
    int run = 1;              // results of a thread along the first
};

// The axis whose results a thread shares out is z, or y where there are hardly any planes.
void choose_run(Call& call) {
    if (call.weights.layout.product()) return;
    if (call.out.shape[2] < kRun && call.out.shape[3] >= kRun) std::swap(call.axes[0], call.axes[1]);
    call.run = call.out.shape[2 + call.axes[0]] >= kRun ? kRun : 1;
}

bool is_depthwise(const Call& call) {
    const Layout& layout = call.weights.layout;
    const AxisPart& along = call.parts[0][static_cast<std::size_t>(call.axes[0])];
    return call.run > 1 && layout.rows == 1 && layout.channels == 1 &&
           call.weights.size == std::array<std::int64_t, 3>{3, 3, 3} && !call.weights.options.transposed &&
           along.stride == 1 && along.step == 1;
}

// Whether 32 bits hold every offset, and that of samples far outside the image, which are computed and not read.
bool is_narrow(const Call& call) {
    if (!cuda::fits_32_bits(call.in) || !cuda::fits_32_bits(call.out)) return false;
    if (call.residual.data != nullptr && !cuda::fits_32_bits(call.residual)) return false;
    constexpr double kMost = std::numeric_limits<std::int32_t>::max() / 4;
    for (const Part& part : call.parts) {
        double reach = 0.0;
        for (std::size_t a = 0; a < 3; ++a) {
            const double far = std::abs(static_cast<double>(part[a].first)) +
                               std::abs(static_cast<double>(part[a].step)) * static_cast<double>(part[a].taps) +
                               static_cast<double>(part[a].stride) *
                                   static_cast<double>(part[a].results(call.out.shape[a + 2]) + kDepthwiseRun);
            reach += far * std::max(1.0, std::abs(static_cast<double>(call.in.strides[a + 2])));
        }
        if (reach > kMost) return false;
    }
    const double columns = static_cast<double>(call.out.size()) / static_cast<double>(call.out.shape[1]);
    const double products = static_cast<double>(call.weights.numbers.size());
    return columns < kMost && products < kMost;
}

template <class View>
bool in_fours(const View& view) {
    bool whole = view.strides[4] == 1 && reinterpret_cast<std::uintptr_t>(view.data) % 16 == 0;
    for (int a = 0; a < 4; ++a) whole = whole && (view.shape[a] == 1 || view.strides[a] % 4 == 0);
    return whole;
}

// Whether four results in a row lie in one four of memory: rows of every part are whole fours.
bool stores_fours(const Call& call) {
    const bool aligned = in_fours(call.out) && (call.residual.data == nullptr || in_fours(call.residual));
    return aligned && call.out.shape[4] % (4 * call.weights.woven) == 0 &&
           call.parts[0][2].result_step == call.weights.woven;
}

template <class I>
LayerArgs<I> layer_of(const Call& call) {
    const DeviceWeights& weights = call.weights;
    const auto as = [](std::int64_t n) { return static_cast<I>(n); };
    LayerArgs<I> layer = {};
    layer.in = static_cast<const float*>(call.in.data);
    layer.weights = weights.numbers.data();
    layer.bias = weights.bias;
    layer.residual = static_cast<const float*>(call.residual.data);
    layer.out = static_cast<float*>(call.out.data);
    layer.in_image = as(call.in.strides[0]);
    layer.in_channel = as(call.in.strides[1]);
    layer.out_image = as(call.out.strides[0]);
    layer.out_channel = as(call.out.strides[1]);
    layer.residual_image = as(call.residual.strides[0]);
    layer.residual_channel = as(call.residual.strides[1]);
    for (int k = 0; k < 3; ++k) {
        layer.extent[k] = as(call.in.shape[2 + call.axes[k]]);
        layer.in_step[k] = as(call.in.strides[2 + call.axes[k]]);
    }
    layer.images = as(call.out.shape[0]);
    layer.channels = as(weights.layout.channels);
    layer.rows = as(weights.layout.rows);
    layer.width = as(call.out.shape[4]);
    layer.woven_step = as(call.out.strides[4]);
    layer.residual_woven_step = as(call.residual.strides[4]);
    layer.groups = static_cast<std::uint32_t>(weights.options.groups);
    layer.blocks = static_cast<std::uint32_t>(weights.layout.blocks());
    layer.woven = static_cast<int>(weights.woven);
    layer.vectors = stores_fours(call) ? 1 : 0;
    layer.activation = weights.options.activation;
    layer.slope = weights.options.slope;
    return layer;
}

template <class I>
PartArgs<I> part_of(const Call& call, std::size_t number) {
    const Part& part = call.parts[number];
    const auto as = [](std::int64_t n) { return static_cast<I>(n); };
    const std::int64_t tap[3] = {part[1].taps * part[2].taps, part[2].taps, 1};
    PartArgs<I> args = {};
    args.weights = call.weights.first[number];
    for (int k = 0; k < 3; ++k) {
        const int a = call.axes[k];
        const AxisPart& axis = part[static_cast<std::size_t>(a)];
        args.taps[k] = as(axis.taps);
        args.tap[k] = as(tap[a]);
        args.stride[k] = as(axis.stride);
        args.first[k] = as(axis.first);
        args.step[k] = as(axis.step);
        args.results[k] = as(axis.results(call.out.shape[2 + a]));
        args.out += as(axis.first_result * call.out.strides[2 + a]);
        args.residual += as(axis.first_result * call.residual.strides[2 + a]);
        args.out_step[k] = as(axis.result_step * call.out.strides[2 + a]);
        args.residual_step[k] = as(axis.result_step * call.residual.strides[2 + a]);
    }
    return args;
}

// How a sum is cut where there are too few results to keep a GPU busy: channels in slices, which are joined in order.
// It depends on shapes alone, so that every GPU gives the same bits.
struct Slices {
    std::int64_t count = 1;
    std::int64_t chunks = 0;  // of each
};

Slices slices_of(const Call& call) {
    const Layout& layout = call.weights.layout;
    Slices slices;
    slices.chunks = layout.chunks();
    if (!layout.product()) return slices;
    std::int64_t blocks = 0;
    std::int64_t steps = 0;
    for (const Part& part : call.parts) {
        std::int64_t results = call.out.shape[0];
        for (std::size_t a = 0; a < 3; ++a) results *= part[a].results(call.out.shape[a + 2]);
        blocks += cuda::ceil_div(results, kTile / layout.block) * layout.blocks() * call.weights.options.groups;
        steps = std::max(steps, layout.chunks() * taps_of(part));
    }
    const std::int64_t wanted = std::min(kBusyBlocks / std::max<std::int64_t>(blocks, 1), steps / kLeastSteps);
    if (wanted < 2) return slices;
    slices.chunks = cuda::ceil_div(layout.chunks(), std::min(wanted, layout.chunks()));
    slices.count = cuda::ceil_div(layout.chunks(), slices.chunks);
    return slices;
}

// Enqueues all parts: each as the layer has it, or slices for `join`.
template <class I>
void run_parts(const Call& call, const Slices& slices, cudaStream_t stream) {
    const Layout& layout = call.weights.layout;
    const bool depthwise = is_depthwise(call);
    const std::int64_t along = depthwise ? kDepthwiseRun : call.run;
    const std::int64_t columns = layout.product() ? kTile / layout.block : kThreads;
    LayerArgs<I> layer = layer_of<I>(call);
    layer.slices = static_cast<std::uint32_t>(slices.count);
    layer.slice_chunks = static_cast<I>(slices.chunks);
    layer.slice_size = call.out.size();
    if (slices.count > 1) {
        layer.bias = nullptr;
        layer.activation = Activation::none;
    }
    std::int64_t most_taps = 0;
    std::int64_t tiles = 0;
    const auto enqueue = [&] {
        if (layer.parts == 0) return;
        layer.tiles = cuda::blocks_x(tiles);
        if (layout.product()) {
            const std::int64_t products = slices.chunks * layout.chunk * most_taps;
            launch_product(layer, layout, products > kDeviceChain, stream);
        } else {
            launch_direct(layer, layout, call.run, depthwise, stream);
        }
        layer.parts = 0;
        most_taps = tiles = 0;
    };
    for (std::size_t k = 0; k < call.parts.size(); ++k) {
        const PartArgs<I> part = part_of<I>(call, k);
        const std::int64_t runs = cuda::ceil_div(static_cast<std::int64_t>(part.results[0]), along);
        const std::int64_t results = call.out.shape[0] * runs * part.results[1] * part.results[2];
        if (results == 0) continue;
        layer.part[layer.parts++] = part;
        most_taps = std::max(most_taps, taps_of(call.parts[k]));
        tiles = std::max(tiles, cuda::ceil_div(results, columns));
        if (layer.parts == kPartsAtOnce) enqueue();
    }
    enqueue();
}

template <class I>
void join(const Call& call, const Slices& slices, const float* data, cudaStream_t stream) {
    JoinArgs<I> args = {};
    args.slices = data;
    args.bias = call.weights.bias;
    args.residual = static_cast<const float*>(call.residual.data);
    args.out = static_cast<float*>(call.out.data);
    args.slice_size = call.out.size();
    for (int a = 0; a < 5; ++a) {
        args.extent[a] = static_cast<I>(call.out.shape[a]);
        args.out_step[a] = static_cast<I>(call.out.strides[a]);
        args.residual_step[a] = static_cast<I>(call.residual.strides[a]);
    }
    args.count = static_cast<I>(call.out.size());
    args.slice_count = slices.count;
    args.activation = call.weights.options.activation;
    args.slope = call.weights.options.slope;
    launch_join(args, stream);
}

template <class I>
void run(const Call& call, const cuda::Exec& exec) {
    const Slices slices = slices_of(call);
    if (slices.count == 1) {
        run_parts<I>(call, slices, exec.stream);
        return;
    }
    const cuda::Scratch<float> scratch(static_cast<std::size_t>(slices.count * call.out.size()), exec);
    const ArrayView to = contiguous_at(scratch.data(), DType::f32, call.out);
    const ConstArrayView none;
    Call sums = {call.in, to, none, call.weights, call.parts};
    run_parts<I>(sums, slices, exec.stream);
    join<I>(call, slices, scratch.data(), exec.stream);
}

}  // namespace
}  // namespace voxkern::conv3d

namespace voxkern::cuda {

ConvFilter::ConvFilter(const ConstArrayView& weight, const ConstArrayView& bias, const conv3d::Options& options,
                       const Exec& exec) {
    using namespace conv3d;
    if (bias.data != nullptr && (bias.dtype != DType::f32 || bias.rank != 1)) {
        throw InvalidArgument("bias: got no float32 array of one axis");
    }
    check_weights(weight, bias.data == nullptr ? 0 : bias.size(), options);
    const std::int64_t woven = woven_results(options);
    const std::int64_t ins = options.transposed ? weight.shape[0] : weight.shape[1] * options.groups;
    const std::int64_t outs = options.transposed ? weight.shape[1] * options.groups : weight.shape[0];
    const std::array<std::int64_t, 3> size = {weight.shape[2], weight.shape[3], weight.shape[4]};
    const Layout layout = layout_of(outs / options.groups * woven, ins / options.groups);
    const std::vector<Part> parts = parts_of(options, size);
    std::vector<std::int64_t> first = {0};
    for (const Part& part : parts) {
        first.push_back(first.back() + options.groups * layout.blocks() * layout.block * layout.chunks() *
                                           layout.chunk * taps_of(part));
    }
    const std::int64_t total = first.back();
    Scratch<float> numbers(static_cast<std::size_t>(total + outs), exec);
    const float* const biases = numbers.data() + total;
    cudaEvent_t written = nullptr;
    check(cudaEventCreateWithFlags(&written, cudaEventDisableTiming), "event of a filter");
    weights_.reset(new DeviceWeights{options, size, ins, outs, woven, layout, std::move(first), std::move(numbers),
                                     biases, written});
    const bool narrow = fits_32_bits(weight) && (bias.data == nullptr || fits_32_bits(bias)) &&
                        total + outs < std::numeric_limits<std::int32_t>::max() / 2;
    if (narrow) {
        pack<std::int32_t>(weight, bias, parts, *weights_, exec.stream);
    } else {
        pack<std::int64_t>(weight, bias, parts, *weights_, exec.stream);
    }
    check(cudaEventRecord(written, exec.stream), "event of a filter");
}

ConvFilter::~ConvFilter() = default;

std::int64_t ConvFilter::in_channels() const {
    return weights_->in_channels;
}

std::int64_t ConvFilter::out_channels() const {
    return weights_->out_channels;
}

void conv3d(const ConstArrayView& in, const ArrayView& out, const ConvFilter& filter, const conv3d::Extras& extras,
            const Exec& exec) {
    using namespace conv3d;
    const DeviceWeights& weights = filter.weights();
    if (in.shape[1] != weights.in_channels || out.shape[1] != weights.out_channels || in.shape[0] != out.shape[0]) {
        throw Error("conv3d: input, filter and output do not belong together");
    }
    if (extras.moments.data != nullptr) throw InvalidArgument("moments: got an array, allowed none on a GPU");
    Options options = weights.options;
    options.padding[0] = extras.padding.value_or(options.padding[0]);
    if (options.transposed && (options.padding[0] - weights.options.padding[0]) % options.stride[0] != 0) {
        throw Error("conv3d: a transposed layer starts parts at multiples of its stride");
    }
    if (out.size() == 0) return;
    check(cudaStreamWaitEvent(exec.stream, weights.written, 0), "weights");
    Call call = {in, out, extras.residual, weights, parts_of(options, weights.size)};
    choose_run(call);
    if (is_narrow(call)) {
        run<std::int32_t>(call, exec);
    } else {
        run<std::int64_t>(call, exec);
    }
}

}  // namespace voxkern::cuda

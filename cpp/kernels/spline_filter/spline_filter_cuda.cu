// SPDX-License-Identifier: Apache-2.0
// spline_filter on the GPU: a thread per line. Neighbouring threads take neighbouring lines.
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/prefilter.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/spline_filter/spline_filter_plan.hpp"

namespace voxkern::cuda {
namespace {

// `walk` goes over the first samples of the lines. Padding is filled here; `gain` is applied last.
template <class C>
__global__ void filter_lines_kernel(C* data, Walk<0> walk, std::int64_t step, Prefilter<C> filter, C gain) {
    const std::int64_t length = filter.n + 2 * filter.pad;
    for (std::int64_t p = first_position(); p < walk.size; p += position_step()) {
        C* const line = data + walk.at(p).out;
        for (std::int64_t k = 0; k < filter.pad; ++k) {
            line[k * step] = filter.pad_edge ? line[filter.pad * step] : C{0};
            line[(length - 1 - k) * step] = filter.pad_edge ? line[(filter.pad + filter.n - 1) * step] : C{0};
        }
        for (int q = 0; q < filter.poles; ++q) filter_line(filter.filter[q], line, length, step);
        if (gain == C{1}) continue;
        for (std::int64_t i = 0; i < length; ++i) line[i * step] *= gain;
    }
}

// The tables of `sum` on the device; `memory` keeps them.
template <class C>
InitialSum<C> on_device(const InitialSum<C>& sum, std::vector<Scratch<char>>& memory, const Exec& exec) {
    const auto count = static_cast<std::size_t>(sum.count);
    const auto* const index = reinterpret_cast<const char*>(sum.index);
    memory.push_back(upload(index, count * sizeof(std::int64_t), exec));
    InitialSum<C> moved = sum;
    moved.index = reinterpret_cast<const std::int64_t*>(memory.back().data());
    memory.push_back(upload(reinterpret_cast<const char*>(sum.weight), count * sizeof(C), exec));
    moved.weight = reinterpret_cast<const C*>(memory.back().data());
    return moved;
}

}  // namespace

template <class C>
void filter_lines(const ArrayView& lines, int axis, const Prefilter<C>& filter, C gain, const Exec& exec) {
    std::vector<Scratch<char>> memory;
    Prefilter<C> moved = filter;
    for (int q = 0; q < filter.poles; ++q) {
        moved.filter[q].causal = on_device(filter.filter[q].causal, memory, exec);
        moved.filter[q].anticausal = on_device(filter.filter[q].anticausal, memory, exec);
    }
    ArrayView firsts = lines;
    firsts.shape[axis] = 1;
    const Walk<0> walk = walk_over<0>(as_const(firsts), firsts, {-1});
    launch("filter_lines", config_for(walk.size, exec.stream), filter_lines_kernel<C>, static_cast<C*>(lines.data),
           walk, lines.strides[axis], moved, gain);
}

template void filter_lines(const ArrayView&, int, const Prefilter<float>&, float, const Exec&);
template void filter_lines(const ArrayView&, int, const Prefilter<double>&, double, const Exec&);

}  // namespace voxkern::cuda

namespace voxkern::spline_filter {
namespace {

// In place: the recursion needs room for every sample of every line in the compute type.
template <class C>
void filter(const ConstArrayView& in, const ArrayView& out, const Options& options, const cuda::Exec& exec) {
    const bool direct = out.dtype == DTypeOf<C>::value;
    const cuda::Scratch<C> scratch(direct ? 0 : static_cast<std::size_t>(in.size()), exec);
    const ArrayView lines = direct ? out : packed_like(scratch.data(), DTypeOf<C>::value, out);
    if (in.data != lines.data) cuda::copy(in, lines, exec);
    const C gain = static_cast<C>(spline_gain(options.order));
    for (const int axis : passes_of(out, options)) {
        const OwnedPrefilter<C> tables(in.shape[axis], 0, options.order, options.mode);
        cuda::filter_lines<C>(lines, axis, tables.filter(), gain, exec);
    }
    if (!direct) cuda::copy(as_const(lines), out, exec);
}

}  // namespace
}  // namespace voxkern::spline_filter

namespace voxkern::cuda {

void spline_filter(const ConstArrayView& in, const ArrayView& out, const spline_filter::Options& options,
                   const Exec& exec) {
    if (in.size() == 0) return;
    if (spline_filter::passes_of(out, options).empty()) {
        if (in.data != out.data) copy(in, out, exec);
        return;
    }
    if (spline_filter::computes_in_f32(in.dtype, out.dtype, options)) {
        spline_filter::filter<float>(in, out, options, exec);
    } else {
        spline_filter::filter<double>(in, out, options, exec);
    }
}

}  // namespace voxkern::cuda

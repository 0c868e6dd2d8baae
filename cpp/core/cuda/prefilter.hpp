// SPDX-License-Identifier: Apache-2.0
// Spline coefficients of all lines of an array along one axis, in place, a thread per line.
#pragma once

#include "core/cuda/exec.hpp"
#include "core/cuda/walk.hpp"
#include "core/prefilter.hpp"

namespace voxkern::cuda {

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

// `lines` holds `pad + n + pad` samples along `axis`, those in the middle filled.
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

}  // namespace voxkern::cuda

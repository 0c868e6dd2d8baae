// SPDX-License-Identifier: Apache-2.0
// Separable kernels: passes along one axis after another, each in place on the result of the one before.
#pragma once

#include <algorithm>

#include "core/axes.hpp"
#include "core/parallel.hpp"

namespace voxkern {

template <class AnyView>
AnyView slab_of(const AnyView& array, int axis, std::int64_t first, std::int64_t count) {
    AnyView slab = array;
    slab.data = array.at(first * array.strides[axis]);
    slab.shape[axis] = count;
    return slab;
}

// Calls pass(k, from, to, exec) for pass k of `axes`: the first from `in` to `out`, the others from `out` to `out`.
// Passes along other axes than the slowest never cross a slab of it. Runs of such passes are made slab by slab, so
// that the volume travels through memory once per run and not once per pass.
template <class Pass>
void run_passes(const ConstArrayView& in, const ArrayView& out, const std::vector<int>& axes, const Exec& exec,
                const Pass& pass) {
    constexpr std::int64_t kLargestPlane = std::int64_t{4} << 20;  // a slab is the unit of work of one thread
    constexpr std::int64_t kSlabBytes = std::int64_t{512} << 10;   // half of L2: passes within a slab stay in it
    const int slow = slowest_first(out.rank, out.strides).front();
    const std::int64_t n = out.shape[slow];
    const std::int64_t plane = std::max<std::int64_t>(out.size() / n * size_of(out.dtype), 1);
    const std::int64_t thickness = std::clamp<std::int64_t>(kSlabBytes / plane, 1, n);
    std::size_t next = 0;
    while (next < axes.size()) {
        const ConstArrayView from = next == 0 ? in : as_const(out);
        std::size_t end = next;
        while (plane <= kLargestPlane && end < axes.size() && axes[end] != slow) ++end;
        if (end <= next + 1) {
            pass(next, from, out, exec);
            ++next;
            continue;
        }
        parallel_for((n + thickness - 1) / thickness, exec, [&](std::int64_t slab) {
            const std::int64_t first = slab * thickness;
            const std::int64_t count = std::min(thickness, n - first);
            const ArrayView target = slab_of(out, slow, first, count);
            for (std::size_t k = next; k < end; ++k) {
                pass(k, k == next ? slab_of(from, slow, first, count) : as_const(target), target, Exec{});
            }
        });
        next = end;
    }
}

}  // namespace voxkern

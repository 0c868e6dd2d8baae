// SPDX-License-Identifier: Apache-2.0
// spline_filter on the GPU: a thread per line. Neighbouring threads take neighbouring lines.
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/prefilter.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/spline_filter/spline_filter_plan.hpp"

namespace voxkern::spline_filter {
namespace {

// In place: the recursion needs room for every sample of every line in the compute type.
template <class C>
void filter(const ConstArrayView& in, const ArrayView& out, const Options& options, const cuda::Exec& exec) {
    const bool direct = out.dtype == DTypeOf<C>::value;
    const cuda::Scratch<C> scratch(direct ? 0 : static_cast<std::size_t>(in.size()), exec);
    const ArrayView lines = direct ? out : contiguous_at(scratch.data(), DTypeOf<C>::value, in);
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

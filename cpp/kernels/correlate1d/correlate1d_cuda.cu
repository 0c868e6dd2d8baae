// SPDX-License-Identifier: Apache-2.0
// correlate1d on the GPU: a thread per output sample, in the order of additions of the CPU. Neighbouring threads take
// neighbours along the fastest axis of the output, so that their loads and stores lie side by side.
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/index.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/correlate1d/correlate1d_plan.hpp"

namespace voxkern::correlate1d {
namespace {

// One pass, with its tables in device memory.
template <class C>
struct Pass {
    FilterSymmetry symmetry = FilterSymmetry::none;
    Boundary mode = Boundary::reflect;
    C cval = C{0};
    C divisor = C{1};
    const C* weights = nullptr;
    std::int64_t size = 0;
    std::int64_t before = 0;  // taps ahead of the sample
    std::int64_t n = 0;       // samples of a line
    std::int64_t step = 1;    // elements from sample to sample of the input
    cuda::Walk<1> walk;
};

template <class T, class C>
__global__ void correlate_samples(const T* in, void* out, DType out_dtype, Pass<C> pass) {
    for (std::int64_t p = cuda::first_position(); p < pass.walk.size; p += cuda::position_step()) {
        const auto place = pass.walk.at(p);
        const T* const line = in + place.in;
        const std::int64_t first = place.index[0] - pass.before;
        const auto sample = [&](std::int64_t t) {
            const std::int64_t i = cuda::folded<std::int64_t>(first + t, pass.n, pass.mode);
            return i == kOutside ? pass.cval : static_cast<C>(line[i * pass.step]);
        };
        C sum = fir_sample(sample, pass.weights, pass.size, pass.symmetry);
        if (pass.divisor != C{1}) sum /= pass.divisor;
        cuda::store_sample<TruncateWrap>(out, out_dtype, place.out, sum);
    }
}

template <class C>
void filter_axis(const ConstArrayView& in, const ArrayView& out, const AxisFilter& filter, const cuda::Exec& exec) {
    const Plan<C> plan(filter, in.shape[filter.axis]);
    const std::vector<C> ones(static_cast<std::size_t>(filter.box), C{1});
    const cuda::Scratch<C> weights = cuda::upload(filter.box > 0 ? ones : plan.weights, exec);
    Pass<C> pass;
    pass.walk = cuda::walk_over<1>(in, out, {filter.axis});
    pass.n = in.shape[filter.axis];
    pass.step = in.strides[filter.axis];
    pass.weights = weights.data();
    pass.size = filter.size();
    pass.before = filter.before();
    pass.symmetry = plan.symmetry;
    pass.mode = filter.mode;
    pass.cval = plan.cval;
    pass.divisor = plan.divisor;
    visit(in.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        cuda::launch("correlate_samples", cuda::config_for(pass.walk.size, exec.stream), correlate_samples<T, C>,
                     static_cast<const T*>(in.data), out.data, out.dtype, pass);
    });
}

void filter_axis(const ConstArrayView& in, const ArrayView& out, const AxisFilter& filter, const cuda::Exec& exec) {
    if (computes_in_f32(in.dtype, out.dtype, filter)) {
        filter_axis<float>(in, out, filter, exec);
    } else {
        filter_axis<double>(in, out, filter, exec);
    }
}

}  // namespace
}  // namespace voxkern::correlate1d

namespace voxkern::cuda {

void correlate1d(const ConstArrayView& in, const ArrayView& out, const std::vector<correlate1d::AxisFilter>& filters,
                 const Exec& exec) {
    if (in.size() == 0) return;
    if (in.rank == 0 || filters.empty()) {
        ConstArrayView from = in;
        ArrayView to = out;
        from.rank = to.rank = std::max(in.rank, 1);
        if (in.rank == 0) from.shape[0] = to.shape[0] = 1;
        const std::vector<correlate1d::AxisFilter> identity = {{0, {1.0}}};
        correlate1d(from, to, filters.empty() ? identity : filters, exec);
        return;
    }
    // A pass never writes where it reads. Passes alternate between two arrays, so that the last one writes `out`.
    const std::size_t passes = filters.size();
    const auto bytes = static_cast<std::size_t>(out.size() * size_of(out.dtype));
    const bool in_place = in.data == out.data;
    const Scratch<char> other(passes > 1 ? bytes : 0, exec);
    const Scratch<char> moved(in_place && passes % 2 == 1 ? bytes : 0, exec);
    const ArrayView spare = packed_like(other.data(), out.dtype, out);
    ConstArrayView from = in;
    if (moved.size() > 0) {  // the first pass writes `out`: its input makes room
        const ArrayView source = packed_like(moved.data(), in.dtype, in);
        copy(in, source, exec);
        from = as_const(source);
    }
    for (std::size_t k = 0; k < passes; ++k) {
        const ArrayView to = (passes - 1 - k) % 2 == 0 ? out : spare;
        correlate1d::filter_axis(from, to, filters[k], exec);
        from = as_const(to);
    }
}

}  // namespace voxkern::cuda

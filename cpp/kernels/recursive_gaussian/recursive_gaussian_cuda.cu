// SPDX-License-Identifier: Apache-2.0
// recursive_gaussian on the GPU: a thread per line, forward into scratch memory, then backward into the output. It may
// be the input itself: a thread reads each sample before it writes there. Scratch holds samples of neighbouring lines
// side by side, whatever the axis.
#include <algorithm>
#include <cmath>

#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/index.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian_plan.hpp"

namespace voxkern::recursive_gaussian {
namespace {

#include "core/cuda/lane.inl.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian_math.inl.hpp"

constexpr std::int64_t kMostLines = std::int64_t{1} << 17;  // at a time: more than a GPU has threads

template <class C>
struct Pass {
    cuda::Walk<0> walk;        // over the first samples of lines
    std::int64_t first = 0;    // of the lines of this launch
    std::int64_t lines = 0;    // of this launch
    std::int64_t n = 1;        // samples of a line
    std::int64_t in_step = 1;  // elements from sample to sample
    std::int64_t out_step = 1;
    std::int64_t run_in = 1;
    Boundary mode = Boundary::nearest;
    C cval = C{0};
    Pole<C> poles[2];
};

// state = x + pole state, the sample itself included; then, from the other end and without it, state = pole (x +
// state). Both start in the state that a line of their first sample would have settled in.
template <class T, class C>
__global__ void smooth_lines(const T* in, void* out, DType out_dtype, C* causal, Pass<C> pass) {
    const std::int64_t p = cuda::first_position();
    if (p >= pass.lines) return;
    const auto place = pass.walk.at(pass.first + p);
    const T* const line = in + place.in;
    C* const made = causal + p;
    const auto inside = [&](std::int64_t i) { return static_cast<C>(line[i * pass.in_step]); };
    const auto sample = [&](std::int64_t i) {
        const std::int64_t at = cuda::folded<std::int64_t>(i, pass.n, pass.mode);
        return at < 0 ? pass.cval : inside(at);
    };
    State<C> states[2];
    const auto forward = [&](C x) {
#pragma unroll
        for (int k = 0; k < 2; ++k) {
            states[k] = times(states[k].re, states[k].im, pass.poles[k].re, pass.poles[k].im);
            states[k].re += x;
        }
    };
    const auto backward = [&](C x) {
#pragma unroll
        for (int k = 0; k < 2; ++k) {
            states[k] = times(states[k].re + x, states[k].im, pass.poles[k].re, pass.poles[k].im);
        }
    };
    const C ahead = sample(-pass.run_in);
#pragma unroll
    for (int k = 0; k < 2; ++k) states[k] = {ahead * pass.poles[k].settled_re, ahead * pass.poles[k].settled_im};
#pragma unroll 1
    for (std::int64_t i = -pass.run_in; i < 0; ++i) forward(sample(i));
#pragma unroll 4
    for (std::int64_t i = 0; i < pass.n; ++i) {
        forward(inside(i));
        made[i * pass.lines] = weighed(pass.poles, states, C{0});
    }
    const C behind = sample(pass.n - 1 + pass.run_in);
#pragma unroll
    for (int k = 0; k < 2; ++k) {
        const Pole<C>& pole = pass.poles[k];
        states[k] = times(behind * pole.settled_re, behind * pole.settled_im, pole.re, pole.im);
    }
#pragma unroll 1
    for (std::int64_t i = pass.n - 1 + pass.run_in; i >= pass.n; --i) backward(sample(i));
#pragma unroll 4
    for (std::int64_t i = pass.n - 1; i >= 0; --i) {
        const C x = inside(i);
        const C smooth = weighed(pass.poles, states, made[i * pass.lines]);
        cuda::store_sample<TruncateWrap>(out, out_dtype, place.out + i * pass.out_step, smooth);
        backward(x);
    }
}

template <class C>
void smooth_axis(const ConstArrayView& in, const ArrayView& out, int axis, double sigma, const Options& options,
                 const cuda::Exec& exec) {
    ConstArrayView firsts = in;
    ArrayView targets = out;
    firsts.shape[axis] = targets.shape[axis] = 1;
    Pass<C> pass;
    pass.walk = cuda::walk_over<0>(firsts, targets, {-1});
    pass.n = in.shape[axis];
    pass.in_step = in.strides[axis];
    pass.out_step = out.strides[axis];
    pass.run_in = is_settled(options.mode) ? 1 : run_in_of<C>(sigma);
    pass.mode = options.mode;
    pass.cval = static_cast<C>(options.cval);
    make_poles(sigma, pass.poles);
    const std::int64_t held = exec.scratch / (pass.n * static_cast<std::int64_t>(sizeof(C)));
    const std::int64_t most = std::clamp<std::int64_t>(held, 1, std::min(kMostLines, pass.walk.size));
    const cuda::Scratch<C> causal(static_cast<std::size_t>(most * pass.n), exec);
    for (; pass.first < pass.walk.size; pass.first += most) {
        pass.lines = std::min(most, pass.walk.size - pass.first);
        visit(in.dtype, [&](auto type) {
            using T = typename decltype(type)::type;
            if constexpr (kSame<C, double> || exact_in_f32(DTypeOf<T>::value)) {
                cuda::launch("smooth_lines", cuda::config_for(pass.lines, exec.stream), smooth_lines<T, C>,
                             static_cast<const T*>(in.data), out.data, out.dtype, causal.data(), pass);
            }
        });
    }
}

}  // namespace
}  // namespace voxkern::recursive_gaussian

namespace voxkern::cuda {

void recursive_gaussian(const ConstArrayView& in, const ArrayView& out, const recursive_gaussian::Options& options,
                        const Exec& exec) {
    if (in.size() == 0) return;
    ConstArrayView from = in;
    for (std::size_t k = 0; k < options.axes.size(); ++k) {
        if (recursive_gaussian::computes_in_f32(from.dtype, out.dtype)) {
            recursive_gaussian::smooth_axis<float>(from, out, options.axes[k], options.sigma[k], options, exec);
        } else {
            recursive_gaussian::smooth_axis<double>(from, out, options.axes[k], options.sigma[k], options, exec);
        }
        from = as_const(out);
    }
}

}  // namespace voxkern::cuda

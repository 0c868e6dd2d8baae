// SPDX-License-Identifier: Apache-2.0
// correlate on the GPU. A sample that has been staged is multiplied by the weights of all planes of results whose
// windows hold it; their sums stay in registers. Sums are taken in the order of the CPU.
#include "core/cast.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/window.hpp"
#include "core/fir.hpp"
#include "kernels/correlate/correlate_plan.hpp"

namespace voxkern::correlate {
namespace {

// float32 adds so many taps and the rest of their row, then begins anew: long chains round like their length.
template <class C>
__global__ void weigh_windows(cuda::Windows w, cuda::Numbers<C> codec, const C* weights, C outside,
                              std::int64_t part_taps) {
    constexpr int kPlanes = cuda::kWindowPlanes;
    constexpr int kRows = cuda::kWindowRows;
    const cuda::WindowTile tile = cuda::window_tile(w);
    C part[kPlanes][kRows] = {};
    C sum[kPlanes][kRows] = {};  // of the parts before
    const auto tap = [&](int k, int r, C sample, C weight) { part[k][r] = fir_tap(sample, weight, part[k][r]); };
    std::int64_t added = 0;
    const auto end_row = [&](int taps) {
        added += taps;
        if (kSame<C, double> || added < part_taps) return;
        added = 0;
#pragma unroll
        for (int k = 0; k < kPlanes; ++k) {
#pragma unroll
            for (int r = 0; r < kRows; ++r) {
                sum[k][r] += part[k][r];
                part[k][r] = C{0};
            }
        }
    };
    cuda::for_window_samples(w, codec, tile, weights, outside, tap, end_row);
    cuda::store_window_results(w, codec, tile,
                               [&](int k, int r) { return kSame<C, double> ? part[k][r] : sum[k][r] + part[k][r]; });
}

template <class C>
void run(const ConstArrayView& in, const ArrayView& out, const Filter& filter, Arithmetic arithmetic,
         const cuda::Exec& exec) {
    std::vector<cuda::WindowSide> sides;
    for (int a = 0; a < in.rank; ++a) {
        const auto k = static_cast<std::size_t>(a);
        sides.push_back({filter.shape[k], filter.shape[k] / 2 + filter.origins[k], filter.mode});
    }
    const std::vector<int> order = cuda::window_axes(out, sides, any_order(out.dtype, arithmetic));
    std::vector<C> weights;
    for (const double w : filter.weights) weights.push_back(is_zero(w) ? C{0} : static_cast<C>(w));
    const auto size = static_cast<std::int64_t>(weights.size());
    const auto even = static_cast<std::int64_t>(std::sqrt(static_cast<double>(size)));
    const std::int64_t part_taps =
        size > kShortestPart ? std::max(even, kShortestPart) : std::numeric_limits<std::int64_t>::max();
    const auto table = cuda::upload(cuda::in_window_order(weights, sides, order), exec);
    const auto windows = cuda::make_windows(in, out, sides, order, sizeof(C));
    const cuda::Numbers<C> codec = {in.dtype, out.dtype};
    cuda::launch("weigh_windows", cuda::config_of(windows, sizeof(C), exec.stream), weigh_windows<C>, windows, codec,
                 table.data(), static_cast<C>(filter.cval), part_taps);
}

}  // namespace
}  // namespace voxkern::correlate

namespace voxkern::cuda {

void correlate(const ConstArrayView& in, const ArrayView& out, const correlate::Filter& filter, const Exec& exec) {
    if (in.size() == 0) return;
    const std::vector<correlate1d::AxisFilter> passes = correlate::separated(in.dtype, out.dtype, filter);
    if (!passes.empty()) {
        correlate1d(in, out, passes, exec);
        return;
    }
    const correlate::Arithmetic arithmetic = correlate::arithmetic_of(in.dtype, out.dtype, filter);
    if (arithmetic == correlate::Arithmetic::f64) {
        correlate::run<double>(in, out, filter, arithmetic, exec);
    } else {
        correlate::run<float>(in, out, filter, arithmetic, exec);
    }
}

}  // namespace voxkern::cuda

// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <complex>

#include "core/passes.hpp"
#include "core/tiles.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian_task.hpp"

namespace voxkern::recursive_gaussian {
namespace {

using Complex = std::complex<double>;

// exp(-x^2 / 2) for x >= 0 is the real part of weight exp(rate x), two of them, to 2.1e-4: fitted to the smallest
// largest error. Each row: weight, rate.
constexpr double kFit[2][4] = {{1.6618375664551575, -3.469034070434552, -1.7490599386160077, 0.6288509544931757},
                               {-0.6620453773647632, 0.1902187287138425, -1.682782321326226, 1.9907388630730807}};
constexpr double kSlowestRate = 1.682782321326226;

// Samples after which a recursion has forgotten where it started.
std::int64_t run_in_of(double sigma, double precision) {
    return static_cast<std::int64_t>(std::ceil(-std::log(precision) * sigma / kSlowestRate)) + 1;
}

template <class C>
void make_poles(double sigma, Pole<C> (&poles)[2]) {
    Complex pole[2];
    Complex weight[2];
    double sum = 0.0;
    for (int k = 0; k < 2; ++k) {
        pole[k] = std::exp(Complex{kFit[k][2], kFit[k][3]} / sigma);
        weight[k] = {kFit[k][0], kFit[k][1]};
        sum += (weight[k] * (1.0 + pole[k]) / (1.0 - pole[k])).real();
    }
    for (int k = 0; k < 2; ++k) {
        const Complex settled = 1.0 / (1.0 - pole[k]);
        weight[k] /= sum;  // a constant stays what it is
        poles[k] = {static_cast<C>(pole[k].real()),   static_cast<C>(pole[k].imag()), static_cast<C>(weight[k].real()),
                    static_cast<C>(weight[k].imag()), static_cast<C>(settled.real()), static_cast<C>(settled.imag())};
    }
}

template <class C>
using RunTile = void (*)(const Task<C>&, const TilePosition&, const Scratch<C>&);

template <class C>
void smooth_axis(const ConstArrayView& in, const ArrayView& out, int axis, double sigma, const Options& options,
                 const Exec& exec, RunTile<C> run_tile) {
    const std::int64_t n = in.shape[axis];
    std::int64_t run_in = run_in_of(sigma, sizeof(C) == 4 ? 1e-8 : 1e-17);
    Task<C> task;
    task.lines = make_cut_lines(in, out, axis, sizeof(C), 2 * run_in, 8);
    if (task.lines.pieces > 1 && in.data == out.data) {  // a piece would read what its neighbour has written
        Workspace original(in.size() * size_of(in.dtype));
        const ArrayView copied = contiguous_at(original.take<char>(in.size() * size_of(in.dtype)), in.dtype, in);
        cpu::copy(in, copied, exec);
        smooth_axis(as_const(copied), out, axis, sigma, options, exec, run_tile);
        return;
    }
    // What is constant beyond the ends has settled.
    const bool settled = options.mode == Boundary::nearest || options.mode == Boundary::constant;
    if (settled && task.lines.pieces == 1) run_in = 1;
    std::vector<std::int64_t> index;
    for (std::int64_t e = 0; e < run_in; ++e) index.push_back(fold_index(e - run_in, n, options.mode));
    for (std::int64_t e = 0; e < run_in; ++e) index.push_back(fold_index(n + e, n, options.mode));
    task.extension = {n, run_in, run_in, index.data(), static_cast<C>(options.cval)};
    make_poles(sigma, task.poles);

    constexpr std::int64_t kAlign = 64 / static_cast<std::int64_t>(sizeof(C));
    const std::int64_t lanes = task.lines.width > 1 ? kAlign : task.lines.tile_lanes;  // those of a sample are few
    const std::int64_t extended = (task.lines.piece + 2 * run_in) * lanes;
    const std::int64_t result = task.lines.piece * lanes;
    const std::int64_t staging = task.lines.transposed ? extended : lanes;
    for_tiles(task.lines, exec, Workspace::bytes_of<C>({extended, result, staging}),
              [&](Workspace& workspace, std::int64_t /*chunk*/) {
                  Scratch<C> scratch;
                  scratch.extended = workspace.take<C>(extended);
                  scratch.causal = workspace.take<C>(result);
                  scratch.staging = workspace.take<C>(staging);
                  return [&task, run_tile, scratch](const TilePosition& at) { run_tile(task, at, scratch); };
              });
}

void smooth_axis(const ConstArrayView& in, const ArrayView& out, int axis, double sigma, const Options& options,
                 const Exec& exec) {
    const Ops& ops = VOXKERN_SELECT_LEVEL(ops);
    if (out.dtype == DType::f32 && exact_in_f32(in.dtype)) {
        smooth_axis<float>(in, out, axis, sigma, options, flushing_subnormals(exec), ops.tile_f32);
    } else {
        smooth_axis<double>(in, out, axis, sigma, options, exec, ops.tile_f64);
    }
}

}  // namespace
}  // namespace voxkern::recursive_gaussian

namespace voxkern::cpu {

void recursive_gaussian(const ConstArrayView& in, const ArrayView& out, const recursive_gaussian::Options& options,
                        const Exec& exec) {
    if (in.size() == 0) return;
    const auto work = 8 * in.size() * static_cast<std::int64_t>(options.axes.size());
    run_passes(in, out, options.axes, limited_to_work(exec, work),
               [&](std::size_t k, const ConstArrayView& from, const ArrayView& to, const Exec& limited) {
                   recursive_gaussian::smooth_axis(from, to, options.axes[k], options.sigma[k], options, limited);
               });
}

}  // namespace voxkern::cpu

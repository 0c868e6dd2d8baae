// SPDX-License-Identifier: Apache-2.0
// Tiles of recursive_gaussian, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian_task.hpp"

namespace voxkern::recursive_gaussian {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/simd.inl.hpp"
#include "core/simd/extend.inl.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian_math.inl.hpp"
// clang-format on

// U vectors of lanes, forward: state = x + pole state, the sample itself included. Then backward, without it:
// state = pole (x + state). Both start in the state that a line of their first sample would have settled in.
template <int U, class C>
void smooth_lanes(const Task<C>& task, const C* x, std::int64_t width, std::int64_t count, C* out) {
    constexpr std::int64_t V = kVec<C>;
    const Pole<C> poles[2] = {task.poles[0], task.poles[1]};
    const std::int64_t first = task.extension.before;
    const std::int64_t rows = first + count + task.extension.after;
    State<C> states[U][2];
    for (int u = 0; u < U; ++u) {
        const Vec<C> start = load(x + u * V);
        for (int k = 0; k < 2; ++k) states[u][k] = {start * poles[k].settled_re, start * poles[k].settled_im};
    }
    for (std::int64_t i = 0; i < first + count; ++i) {
        for (int u = 0; u < U; ++u) {
            const Vec<C> sample = load(x + i * width + u * V);
            for (int k = 0; k < 2; ++k) {
                State<C>& s = states[u][k];
                s = times(s.re, s.im, poles[k].re, poles[k].im);
                s.re += sample;
            }
            if (i >= first) store(out + (i - first) * width + u * V, weighed(poles, states[u], Vec<C>{}));
        }
    }
    for (int u = 0; u < U; ++u) {
        const Vec<C> start = load(x + (rows - 1) * width + u * V);
        for (int k = 0; k < 2; ++k) {
            const Pole<C>& p = poles[k];
            states[u][k] = times(start * p.settled_re, start * p.settled_im, p.re, p.im);
        }
    }
    for (std::int64_t i = rows - 1; i >= first; --i) {
        for (int u = 0; u < U; ++u) {
            C* const to = out + (i - first) * width + u * V;
            if (i < first + count) store(to, weighed(poles, states[u], load(to)));
            const Vec<C> sample = load(x + i * width + u * V);
            for (int k = 0; k < 2; ++k) {
                State<C>& s = states[u][k];
                s = times(s.re + sample, s.im, poles[k].re, poles[k].im);
            }
        }
    }
}

// A tile of lines that lie apart, or of lines that are contiguous themselves.
template <class C>
void smooth_lines(const Task<C>& task, const LineSide& in, const LineSide& out, bool transposed, const TilePosition& at,
                  const Scratch<C>& scratch) {
    constexpr std::int64_t V = kVec<C>;
    const std::int64_t width = round_up(at.lanes, kRowAlign<C>);
    const auto samples = [&](std::int64_t first, std::int64_t count, C* to) {
        load_tile(in, at.in_offset + first * in.step, transposed, count, at.lanes, to, width, scratch.staging);
    };
    load_extended(task.extension, at, width, scratch.extended, samples);
    std::int64_t l = 0;
    for (; l + 2 * V <= width; l += 2 * V) {
        smooth_lanes<2>(task, scratch.extended + l, width, at.count, scratch.causal + l);
    }
    for (; l < width; l += V) smooth_lanes<1>(task, scratch.extended + l, width, at.count, scratch.causal + l);

    char* const base = out.base + (at.out_offset + at.first * out.step) * out.itemsize;
    const StoreRow<C> store_line = store_row_of<TruncateWrap, C>(out.dtype);
    if (!transposed) {
        for (std::int64_t i = 0; i < at.count; ++i) {
            store_line(scratch.causal + i * width, base + i * out.step * out.itemsize, out.lane, at.lanes);
        }
        return;
    }
    transpose(scratch.causal, width, scratch.staging, at.count, at.count, width);
    for (l = 0; l < at.lanes; ++l) {
        store_line(scratch.staging + l * at.count, base + l * out.lane * out.itemsize, out.step, at.count);
    }
}

template <class C>
void smooth_tile(const Task<C>& task, const TilePosition& at, const Scratch<C>& scratch) {
    const Lines& lines = task.lines;
    if (lines.width == 1) {
        smooth_lines(task, lines.in, lines.out, lines.transposed, at, scratch);
        return;
    }
    // The elements of a sample are lanes.
    LineSide in = lines.in;
    LineSide out = lines.out;
    in.step = out.step = lines.width;
    in.lane = out.lane = 1;
    for (std::int64_t l = 0; l < at.lanes; ++l) {
        const TilePosition line = {at.in_offset + l * lines.in.lane, at.out_offset + l * lines.out.lane, lines.width,
                                   at.first, at.count};
        smooth_lines(task, in, out, false, line, scratch);
    }
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {smooth_tile<float>, smooth_tile<double>};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::recursive_gaussian

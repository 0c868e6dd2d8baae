// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample/resample_line_cpu.hpp"

#include "core/workspace.hpp"

namespace voxkern::resample {
namespace {

constexpr std::int64_t kSmoothWork = std::int64_t{1} << 26;  // taps of one chunk of a wide Gaussian
constexpr std::int64_t kNarrowest = 64;                      // samples of such a chunk at least
constexpr std::int64_t kReadPast = 64;                       // elements that whole vectors may read past the last one

// Calls run(begin, end) for pieces of n samples.
template <class Run>
void for_segments(std::int64_t n, std::int64_t segment, const Exec& exec, const Run& run) {
    parallel_for((n + segment - 1) / segment, exec, [&](std::int64_t k) {
        const std::int64_t begin = k * segment;
        run(begin, std::min(begin + segment, n));
    });
}

template <class C>
void smooth_line(const LineTask<C>& task, C* smoothed, const Kernels<C>& kernels, const Exec& exec) {
    const std::int64_t segment = std::clamp(kSmoothWork / task.smooth_size, kNarrowest, kSegment);
    const std::int64_t size = segment + task.smooth_size + kReadPast;
    for_segments(task.line.n, segment, exec, [&](std::int64_t begin, std::int64_t end) {
        Workspace workspace(Workspace::bytes_of<C>({size}));
        kernels.line_smoothed(task, begin, end, workspace.take<C>(size), smoothed);
    });
}

// A line smoothed, its coefficients, its output samples.
template <class C>
void resample_line(LineTask<C> task, std::int64_t n_out, const Kernels<C>& kernels, const Exec& exec) {
    const std::int64_t n = task.line.n;
    const std::int64_t padded = n + 2 * task.line.pad;
    const bool smooths = task.smooth_size > 0;
    const bool filters = task.line.poles > 0;
    const std::int64_t apart = smooths && filters ? n : 0;
    Workspace memory(Workspace::bytes_of<C>({padded, apart}));
    C* const coefficients = memory.take<C>(padded);
    if (smooths) {
        C* const smoothed = filters ? memory.take<C>(apart) : coefficients;
        smooth_line(task, smoothed, kernels, exec);
        task.source = {reinterpret_cast<char*>(smoothed), DTypeOf<C>::value, sizeof(C), 1, 1};
        task.offset = C{0};  // is subtracted already
    }
    if (filters || !smooths) {
        for_segments(padded, kSegment, exec, [&](std::int64_t begin, std::int64_t end) {
            Workspace workspace(Workspace::bytes_of<C>({kSegmentRoom<C>}));
            kernels.line_segment(task, begin, end, workspace.take<C>(kSegmentRoom<C>), coefficients);
        });
    }
    for_segments(n_out, kSegment, exec, [&](std::int64_t begin, std::int64_t end) {
        Workspace workspace(Workspace::bytes_of<C>({kSegment}));
        kernels.line_samples(task, coefficients, begin, end, workspace.take<C>(kSegment));
    });
}

}  // namespace

bool is_long_line(const ConstArrayView& in, const ArrayView& out, const AxisSampling& sampling, int axis,
                  const Options& options) {
    const std::int64_t n = in.shape[axis];
    const bool filtered = options.kernel.filters() && options.prefilter;
    // scipy's start for a line shorter than a run-in is its own.
    return takes_segments(std::max(n, out.shape[axis]), in.size() / n, in.strides[axis]) &&
           (!filtered || n >= kRunIn) && !sampling.sums();
}

template <class C>
void resample_lines(const ConstArrayView& in, const ArrayView& out, const AxisSampling& sampling, int axis,
                    const Options& options, const Finish<C>& finish, const Kernels<C>& kernels, const Exec& exec) {
    const bool filtered = options.kernel.filters() && options.prefilter;
    const bool smooths = sampling.antialias_sigma > 0.0;
    const bool gather = gathers(in.dtype, out.dtype, sampling, options);
    const std::int64_t pad = filtered ? prefilter_pad(options.kernel, options.mode) : 0;
    const std::vector<C> weights = smooths ? smoothing_weights<C>(sampling.antialias_sigma) : std::vector<C>{};
    LineTask<C> task;
    task.line = long_line<C>(in.shape[axis], pad, filtered ? options.kernel.order : 0, options.mode);
    task.smooth_size = static_cast<std::int64_t>(weights.size());
    task.smooth_weights = weights.data();
    task.source = {nullptr, in.dtype, size_of(in.dtype), in.strides[axis], 1};
    task.target = {nullptr, out.dtype, size_of(out.dtype), out.strides[axis], 1};
    task.kernel = options.kernel;
    task.mode = options.mode;
    task.coordinates = sampling.coordinates.data();
    task.gain = filtered ? spline_gain(options.kernel.order) : 1.0;
    task.cval = static_cast<C>(options.cval);
    if (blends_cval(options, sampling)) task.offset = task.cval;
    task.finish = {task.offset, options.clip, finish.lowest, finish.highest};
    if (options.mode == Boundary::grid_constant) task.cval = task.finish(C{0});
    Axes<2> lines;
    for (int a = 0; a < in.rank; ++a) {
        if (a != axis) lines.push(in.shape[a], {in.strides[a], out.strides[a]});
    }
    for (std::int64_t line = 0; line < lines.size(); ++line) {
        const Axes<2>::Offsets at = lines.at(line);
        task.source.base = static_cast<char*>(const_cast<void*>(in.at(at[0])));
        task.target.base = static_cast<char*>(out.at(at[1]));
        if (gather) {
            for_segments(out.shape[axis], kSegment, exec,
                         [&](std::int64_t begin, std::int64_t end) { kernels.line_gather(task, begin, end); });
        } else {
            resample_line(task, out.shape[axis], kernels, exec);
        }
    }
}

template void resample_lines(const ConstArrayView&, const ArrayView&, const AxisSampling&, int, const Options&,
                             const Finish<float>&, const Kernels<float>&, const Exec&);
template void resample_lines(const ConstArrayView&, const ArrayView&, const AxisSampling&, int, const Options&,
                             const Finish<double>&, const Kernels<double>&, const Exec&);

}  // namespace voxkern::resample

// SPDX-License-Identifier: Apache-2.0
// n4 on the GPU. The host reads the counts of the samples and then enqueues all iterations of all levels: each is the
// replay of a graph, which does nothing once the device has found that the level is done.
#include <cstring>

#include "core/cuda/graph.hpp"
#include "core/error.hpp"
#include "kernels/n4/n4_cuda_task.hpp"

namespace voxkern::n4::gpu {
namespace {

// After so many iterations of a level the host asks whether it is done: more might be enqueued in vain.
constexpr std::int64_t kAskEvery = 64;
constexpr std::int64_t kMostIterations = std::int64_t{1} << 20;

// The samples as the kernels see them, and the memory they live in.
struct Grid {
    MemoryOrder order;
    Box box;
    std::int64_t origin[3] = {};
    Counts counts;
    State state = {};  // at the start
    std::vector<cuda::Scratch<float>> memory;
};

// As value_of, on the host.
float host_value(int key) {
    const int bits = key >= 0 ? key : key ^ 0x7fffffff;
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
}

Grid make_grid(const Samples& samples, const Lent& lent, const Options& options, const cuda::Exec& exec) {
    Grid grid;
    grid.order = memory_order(samples.image);
    const Extents whole = extents_of(samples.image, grid.order);
    const auto new_memory = [&] {
        grid.memory.emplace_back(static_cast<std::size_t>(whole.size()), exec);
        return grid.memory.back().data();
    };
    float* const log_image = lent.floats < whole.size() ? new_memory() : lent.data;
    float* const weights = samples.weights != nullptr ? new_memory() : nullptr;
    const Report report = read_samples(samples, options, log_image, weights, exec);
    check_weights(static_cast<std::int64_t>(report.bad_weights));
    check_mask(report.inside > 0);
    grid.counts = {static_cast<std::int64_t>(report.voxels), static_cast<std::int64_t>(report.not_positive),
                   static_cast<std::int64_t>(report.not_finite)};
    check_voxels(grid.counts, options.itk);
    grid.state.low = host_value(report.low);
    grid.state.high = host_value(report.high);
    check_contrast(grid.state.low, grid.state.high);
    grid.state.found_low = report.low;
    grid.state.found_high = report.high;

    Box& box = grid.box;
    for (int m = 0; m < 3; ++m) grid.origin[m] = report.begin[m];
    box.planes = report.end[0] - report.begin[0];
    box.rows = report.end[1] - report.begin[1];
    box.columns = report.end[2] - report.begin[2];
    box.plane_pitch = whole.of[1] * whole.of[2];
    box.row_pitch = whole.of[2];
    const std::int64_t corner = box.at(grid.origin[0], grid.origin[1], grid.origin[2]);
    box.log_image = log_image + corner;
    if (weights != nullptr) box.weights = weights + corner;
    if (options.itk) box.first = static_cast<std::int64_t>(report.first) - corner;
    return grid;
}

Rules rules_of(const Options& options, std::int64_t voxels) {
    Rules rules;
    rules.bins = static_cast<std::int32_t>(options.bins);
    rules.fraction_bits = fraction_bits_of(options.bins);
    rules.itk = options.itk;
    rules.watched = options.watched;
    rules.measured = options.watched || options.convergence_threshold > 0.0;
    rules.threshold = options.convergence_threshold;
    rules.fwhm = options.fwhm;
    rules.noise = options.noise;
    rules.voxels = voxels;
    return rules;
}

void check_iterations(const Options& options) {
    std::int64_t all = 0;
    for (const std::int64_t n : options.iterations) all += n;
    if (all <= kMostIterations) return;
    throw InvalidArgument("maximum_number_of_iterations: got " + std::to_string(all) + " in all, allowed " +
                          std::to_string(kMostIterations) + " on a GPU");
}

template <class T>
void clear(T* data, std::int64_t size, const cuda::Exec& exec) {
    cuda::fill(data, static_cast<std::size_t>(size), 0, exec);
}

// Enqueues the levels, from coarse to fine.
class Fitting {
  public:
    Fitting(const Grid& grid, const Levels& levels, const Rules& rules, const Options& options, const cuda::Exec& exec)
        : box_(grid.box), levels_(levels), rules_(rules), options_(options), exec_(exec) {
        state_ = std::make_unique<cuda::Scratch<State>>(cuda::upload(&grid.state, 1, exec));
    }

    void run(const Observer& observer) {
        const Stage& first = levels_.stage.front();
        clear(levels_.histogram.count, 2 * options_.bins, exec_);
        clear(levels_.log.made, levels_.result.levels, exec_);
        clear(first.field, first.size(), exec_);
        clear(first.field_lines, first.line_floats(), exec_);
        const Stage* before = &first;  // whose field the lines hold
        for (std::size_t l = 0; l < levels_.stage.size(); ++l) {
            const Stage& stage = levels_.stage[l];
            if (l > 0) {
                refine(levels_.stage[l - 1], stage, options_.spline_order, levels_.refinement, exec_.stream);
            }
            if (options_.iterations[l] == 0) continue;
            begin_level(stage, static_cast<int>(l), state(), exec_.stream);
            if (l == 0) measure(box_, stage, rules_, levels_.histogram, false, state(), exec_.stream);
            fit_weights(box_, stage, exec_.stream);
            run_level(l, *before, observer);
            before = &stage;
        }
    }

  private:
    State* state() const { return state_->data(); }

    void iterate(const Stage& from, const Stage& to, cudaStream_t stream) const {
        sharpen(rules_, levels_.sharpen, levels_.histogram, levels_.residuals, state(), stream);
        fit_residuals(box_, from, to, rules_, levels_.residuals, state(), stream);
        expand(to, state(), stream);
        find_extremes(box_, to, state(), stream);
        measure(box_, to, rules_, levels_.histogram, rules_.measured, state(), stream);
        decide(box_, to, rules_, state(), levels_.log, stream);
    }

    std::unique_ptr<const cuda::Graph> captured(const Stage& stage) const {
        const auto enqueue = [&](cudaStream_t stream) { iterate(stage, stage, stream); };
        return std::make_unique<const cuda::Graph>(enqueue);
    }

    // The first iteration reads the field of the level before, the others are replayed.
    void run_level(std::size_t l, const Stage& before, const Observer& observer) {
        const Stage& stage = levels_.stage[l];
        const std::int64_t most = options_.iterations[l];
        std::unique_ptr<const cuda::Graph> graph;
        for (std::int64_t i = 1; i <= most; ++i) {
            if (i == 1) {
                iterate(before, stage, exec_.stream);  // and CUDA loads the kernels
            } else {
                if (graph == nullptr) graph = captured(stage);
                graph->launch(exec_.stream);
            }
            if (!observer && (i % kAskEvery != 0 || i == most)) continue;
            State now;
            cuda::fetch(&now, state(), 1, exec_);
            if (observer && now.iteration == i) observer({static_cast<std::int64_t>(l), i, now.convergence});
            if (now.done != 0) return;
        }
    }

    const Box& box_;
    const Levels& levels_;
    const Rules& rules_;
    const Options& options_;
    const cuda::Exec& exec_;
    std::unique_ptr<cuda::Scratch<State>> state_;
};

// What somebody asked for: waits once.
void read_result(const Levels& levels, const MemoryOrder& order, const Options& options, const cuda::Exec& exec,
                 Fit& fit) {
    const Result& result = levels.result;
    std::vector<char> bytes(static_cast<std::size_t>(result.bytes()));
    cuda::fetch(bytes.data(), reinterpret_cast<const char*>(levels.log.mean), bytes.size(), exec);
    std::vector<double> numbers(static_cast<std::size_t>(1 + result.steps));
    std::vector<int> made(static_cast<std::size_t>(result.levels));
    std::vector<float> field(static_cast<std::size_t>(result.points));
    const char* from = bytes.data();
    const auto take = [&](auto& to) {
        std::memcpy(to.data(), from, to.size() * sizeof(to[0]));
        from += to.size() * sizeof(to[0]);
    };
    take(numbers);
    take(made);
    take(field);
    fit.mean_log_field = numbers[0];
    fit.lattice = {levels.controls.back(), to_image_axes(field, order, levels.controls.back()), options.spline_order};
    for (std::size_t l = 0; l < made.size(); ++l) {
        for (std::int64_t i = 1; i <= made[l]; ++i) {
            const double convergence = numbers[fit.trace.size() + 1];
            fit.trace.push_back({static_cast<std::int64_t>(l), i, convergence});
        }
    }
}

void divide_image(const Target& target, const Levels& levels, const MemoryOrder& fitted, const Options& options,
                  const cuda::Exec& exec) {
    const MemoryOrder order = memory_order(target.out);
    const WholeImage whole(order, extents_of(target.out, order), levels.controls.back(), options, exec);
    const Stage& last = levels.stage.back();
    // Axes of the image: of the lattice's strides, and those of planes, rows and columns of the target.
    const int from[3] = {fitted.plane, fitted.row, fitted.column};
    const std::int64_t stride_of[3] = {last.row.controls * last.column.controls, last.column.controls, 1};
    const int to[3] = {order.plane, order.row, order.column};
    std::int64_t strides[3] = {};
    for (int m = 0; m < 3; ++m) {
        for (int k = 0; k < 3; ++k) {
            if (to[m] >= 0 && to[m] == from[k]) strides[m] = stride_of[k];
        }
    }
    expand_to(whole.axis, last.field, strides, whole.lines, exec.stream);
    divide(target, order, whole.axis[1], whole.lines, exec.stream);
}

}  // namespace
}  // namespace voxkern::n4::gpu

namespace voxkern::cuda {

n4::Fit n4_correct(const n4::Samples& samples, const n4::Target& target, const n4::Options& options,
                   const n4::Observer& observer, const Exec& exec) {
    using namespace n4::gpu;
    check_iterations(options);
    const Grid grid = make_grid(samples, n4::lent_by(target.out), options, exec);
    const Rules rules = rules_of(options, grid.counts.voxels);
    const Levels levels(grid.box, grid.origin, grid.order, options, rules, exec);
    Fitting(grid, levels, rules, options, exec).run(observer);
    if (options.watched || options.mean_preserving) {
        const Stage& last = levels.stage.back();
        expand(last, nullptr, exec.stream);
        mean_of(grid.box, last, rules.voxels, levels.totals, levels.log.mean, exec.stream);
        if (options.mean_preserving) subtract_mean(last, levels.log.mean, exec.stream);
    }
    divide_image(target, levels, grid.order, options, exec);
    n4::Fit fit;
    fit.voxels = grid.counts.voxels;
    fit.not_positive = grid.counts.not_positive;
    if (options.watched) read_result(levels, grid.order, options, exec, fit);
    return fit;
}

}  // namespace voxkern::cuda

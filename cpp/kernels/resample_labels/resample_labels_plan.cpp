// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample_labels/resample_labels_plan.hpp"

#include <algorithm>
#include <cmath>

#include "core/axes.hpp"

namespace voxkern::resample_labels {
namespace {

void check_votes(const ConstArrayView& in, const Options& options) {
    double votes = 1.0;
    for (int a = 0; a < in.rank; ++a) {
        const AxisRule axis = rule_of_axis(options, a);
        double taps = axis.rule == Rule::nearest ? 1.0 : 2.0;
        if (axis.rule == Rule::gaussian) {
            taps = 2.0 * std::ceil(axis.sigma * axis.alpha) + 1.0;
            if (taps > kMaxTaps) throw InvalidArgument("sigma, alpha: got too wide a window, allowed 15 samples");
        }
        votes *= std::min(taps, static_cast<double>(in.shape[a]));
    }
    if (votes > kMaxVotes) throw InvalidArgument("sigma, alpha: got too wide a window, allowed 1024 samples in all");
}

bool is_signed(DType dtype) {
    return dtype == DType::i8 || dtype == DType::i16 || dtype == DType::i32 || dtype == DType::i64;
}

// The axis that rows go along: the fastest one of the output with more than one sample.
int run_axis_of(const ArrayView& out) {
    int run = 0;
    for (const int a : slowest_first(out.rank, out.strides)) {
        if (out.shape[a] > 1) run = a;
    }
    return run;
}

// Scores have no cval: beyond the samples they are zero in grid_constant, and a sample without any is outside.
void take_table(const AxisTable& table, std::vector<std::int64_t>& index, std::vector<float>& weights,
                std::vector<unsigned char>& outside) {
    outside.assign(table.outside, table.outside + table.n_out);
    for (std::int64_t i = 0; i < table.n_out; ++i) {
        const std::int64_t* const taps = table.index + i * table.taps;
        const std::int64_t within = *std::max_element(taps, taps + table.taps);  // kOutside comes before all
        if (within == kOutside) outside[static_cast<std::size_t>(i)] = 1;
        for (int t = 0; t < table.taps; ++t) {
            const bool sample = taps[t] != kOutside;
            index.push_back(sample ? taps[t] : std::max<std::int64_t>(within, 0));
            weights.push_back(sample ? static_cast<float>(table.weight[i * table.taps + t]) : 0.0F);
        }
    }
}

}  // namespace

AxisRule rule_of_axis(const Options& options, int axis) {
    const auto a = static_cast<std::size_t>(axis);
    return {options.rule, options.mode, a < options.sigma.size() ? options.sigma[a] : 1.0, options.alpha};
}

OwnedAxis::OwnedAxis(const double* coordinates, std::int64_t n_out, std::int64_t n, const AxisRule& rule) {
    std::vector<Taps> all;
    for (std::int64_t i = 0; i < n_out; ++i) all.push_back(taps_at(coordinates[i], n, rule));
    fill(all);
}

void OwnedAxis::fill(const std::vector<Taps>& all) {
    int most = 1;
    // An axis whose samples are all met exactly takes one tap.
    const auto single = [](const Taps& t) { return t.count == 2 && t.weight[0] * t.weight[1] == 0.0; };
    const bool exact = std::all_of(all.begin(), all.end(), single);
    for (const Taps& taps : all) most = std::max(most, exact ? 1 : taps.count);
    for (const Taps& taps : all) {
        const int count = exact ? 1 : taps.count;
        for (int t = 0; t < most; ++t) {
            index_.push_back(t < count ? taps.index[t] : (count > 0 ? taps.index[0] : 0));
            weight_.push_back(t < count ? taps.weight[t] : 0.0);
        }
        if (exact) weight_.back() = 1.0;
        count_.push_back(count);
        nearest_.push_back(taps.nearest);
        outside_.push_back(taps.inside && count > 0 ? 0 : 1);
    }
    table_.n_out = static_cast<std::int64_t>(all.size());
    table_.taps = most;
    table_.index = index_.data();
    table_.weight = weight_.data();
    table_.count = count_.data();
    table_.nearest = nearest_.data();
    table_.outside = outside_.data();
}

Task task_of(const ConstArrayView& in, const ArrayView& out, const Options& options) {
    check_votes(in, options);
    Task task;
    task.axes = in.rank;
    task.source = static_cast<const char*>(in.data);
    task.target = static_cast<char*>(out.data);
    task.itemsize = size_of(in.dtype);
    task.sign = is_signed(in.dtype) ? std::uint64_t{1} << (8 * task.itemsize - 1) : 0;
    task.rule = options.rule;
    task.cval = options.cval;
    for (int a = 0; a < in.rank; ++a) {
        task.source_strides[a] = in.strides[a];
        task.target_strides[a] = out.strides[a];
    }
    task.run_axis = run_axis_of(out);
    task.source_length = in.shape[task.run_axis];
    return task;
}

Plan plan_of(const ConstArrayView& in, const ArrayView& out, const Coordinates& axes, const Options& options) {
    Plan plan = {task_of(in, out, options), {}};
    for (int a = 0; a < in.rank; ++a) {
        const double* const coordinates = axes[static_cast<std::size_t>(a)].data();
        plan.axes.emplace_back(coordinates, out.shape[a], in.shape[a], rule_of_axis(options, a));
        plan.task.axis[a] = plan.axes.back().table();
    }
    return plan;
}

ArgmaxPlan argmax_plan(const ConstArrayView& scores, const ArrayView& out, const Coordinates& axes, Boundary mode,
                       std::int64_t pick_lanes) {
    ArgmaxPlan plan;
    ArgmaxTask& task = plan.task;
    task.classes = scores.shape[0];
    task.source = static_cast<const char*>(scores.data);
    task.dtype = scores.dtype;
    task.itemsize = size_of(scores.dtype);
    task.class_stride = scores.strides[0];
    task.target = static_cast<char*>(out.data);
    task.target_dtype = out.dtype;
    task.target_itemsize = size_of(out.dtype);
    const double zero = 0.0;
    for (int d = 0; d < 3; ++d) {  // axes that are missing come first
        const int a = d - (3 - out.rank);
        const std::int64_t n = a < 0 ? 1 : scores.shape[a + 1];
        const double* const coordinates = a < 0 ? &zero : axes[static_cast<std::size_t>(a)].data();
        task.n_out[d] = a < 0 ? 1 : out.shape[a];
        task.strides[d] = a < 0 ? 0 : scores.strides[a + 1];
        task.target_strides[d] = a < 0 ? 0 : out.strides[a];
        task.length = n;
        const OwnedAxis axis(coordinates, task.n_out[d], n, AxisRule{Rule::argmax, mode});
        take_table(axis.table(), plan.index[d], plan.weights[d], plan.outside[d]);
        task.taps[d] = axis.table().taps;
        task.index[d] = plan.index[d].data();
        task.weight[d] = plan.weights[d].data();
        task.outside[d] = plan.outside[d].data();
    }
    task.picks = plan.picks.plan(task.n_out[2], task.taps[2], task.index[2], task.weight[2], pick_lanes);
    return plan;
}

}  // namespace voxkern::resample_labels

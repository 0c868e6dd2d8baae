// SPDX-License-Identifier: Apache-2.0
#include "kernels/resample_labels/resample_labels.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/workspace.hpp"
#include "kernels/resample_labels/resample_labels_math.hpp"
#include "kernels/resample_labels/resample_labels_task.hpp"

namespace voxkern {
namespace {

constexpr std::int64_t kGroup = 8;  // rows of one chunk

// A LabelAxis and the memory its pointers lead to.
class OwnedAxis {
  public:
    OwnedAxis(const LabelParams& params, std::size_t axis, const double* coordinates, std::int64_t n_out,
              std::int64_t n) {
        std::vector<LabelTaps> all;
        for (std::int64_t i = 0; i < n_out; ++i) all.push_back(label_taps(params, axis, coordinates[i], n));
        fill(all);
    }

    const LabelAxis& table() const { return table_; }

  private:
    void fill(const std::vector<LabelTaps>& all) {
        int most = 1;
        // An axis whose samples are all met exactly takes one tap.
        const auto single = [](const LabelTaps& t) { return t.count == 2 && t.weight[0] * t.weight[1] == 0.0; };
        const bool exact = std::all_of(all.begin(), all.end(), single);
        for (const LabelTaps& taps : all) most = std::max(most, exact ? 1 : taps.count);
        for (const LabelTaps& taps : all) {
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

    LabelAxis table_;
    std::vector<std::int64_t> index_;
    std::vector<double> weight_;
    std::vector<int> count_;
    std::vector<std::int64_t> nearest_;
    std::vector<unsigned char> outside_;
};

LabelTask make_task(const ConstArrayView& in, const ArrayView& out, const LabelParams& params) {
    LabelTask task;
    task.axes = in.rank;
    task.source = static_cast<const char*>(in.data);
    task.target = static_cast<char*>(out.data);
    task.dtype = in.dtype;
    task.itemsize = size_of(in.dtype);
    task.rule = params.rule;
    task.cval = params.cval;
    task.run_axis = 0;
    for (int a = 0; a < in.rank; ++a) {
        task.source_strides[a] = in.strides[a];
        task.target_strides[a] = out.strides[a];
        const bool nearer = std::abs(out.strides[a]) <= std::abs(out.strides[task.run_axis]);
        if (out.shape[a] > 1 && (nearer || out.shape[task.run_axis] == 1)) task.run_axis = a;
    }
    task.source_length = in.shape[task.run_axis];
    return task;
}

// Calls body(at) for every row along run_axis, its first voxel in `at`.
template <class Body>
void for_rows(const ArrayView& out, int run_axis, const Exec& exec, const Body& body) {
    const std::int64_t rows = out.size() / out.shape[run_axis];
    parallel_for((rows + kGroup - 1) / kGroup, exec, [&](std::int64_t chunk) {
        for (std::int64_t row = chunk * kGroup; row < std::min(rows, (chunk + 1) * kGroup); ++row) {
            std::int64_t at[kMaxLabelAxes] = {};
            std::int64_t rest = row;
            for (int a = out.rank - 1; a >= 0; --a) {
                if (a == run_axis) continue;
                at[a] = rest % out.shape[a];
                rest /= out.shape[a];
            }
            body(at);
        }
    });
}

void check_votes(const LabelParams& params, const ConstArrayView& in) {
    double votes = 1.0;
    for (int a = 0; a < in.rank; ++a) {
        double taps = params.rule == LabelRule::nearest ? 1.0 : 2.0;
        if (params.rule == LabelRule::gaussian) {
            taps = 2.0 * std::ceil(params.sigma[static_cast<std::size_t>(a)] * params.alpha) + 1.0;
            if (taps > kMaxLabelTaps) throw InvalidArgument("sigma, alpha: got too wide a window, allowed 15 samples");
        }
        votes *= std::min(taps, static_cast<double>(in.shape[a]));
    }
    if (votes > kMaxVotes) throw InvalidArgument("sigma, alpha: got too wide a window, allowed 1024 samples in all");
}

}  // namespace

void resample_labels(const ConstArrayView& in, const ArrayView& out, const std::vector<std::vector<double>>& axes,
                     const LabelParams& params, const Exec& exec) {
    if (out.size() == 0) return;
    check_votes(params, in);
    LabelTask task = make_task(in, out, params);
    std::vector<OwnedAxis> tables;
    for (int a = 0; a < in.rank; ++a) {
        const auto axis = static_cast<std::size_t>(a);
        tables.emplace_back(params, axis, axes[axis].data(), out.shape[a], in.shape[a]);
    }
    for (int a = 0; a < in.rank; ++a) task.axis[a] = tables[static_cast<std::size_t>(a)].table();
    const LabelOps& ops = VOXKERN_SELECT_LEVEL(label_ops);
    for_rows(out, task.run_axis, limited_to_work(exec, 4 * out.size()), [&](const std::int64_t* at) {
        Workspace workspace(Workspace::padded(task.source_length));
        ops.row(task, at, workspace.take<unsigned char>(task.source_length));
    });
}

void warp_labels(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& offset,
                 const std::vector<double>& matrix, const LabelParams& params, const Exec& exec) {
    if (out.size() == 0) return;
    check_votes(params, in);
    const LabelTask task = make_task(in, out, params);
    const LabelOps& ops = VOXKERN_SELECT_LEVEL(label_ops);
    const auto n = static_cast<std::size_t>(in.rank);
    for_rows(out, task.run_axis, limited_to_work(exec, 32 * out.size()), [&](std::int64_t* at) {
        for (std::int64_t i = 0; i < out.shape[task.run_axis]; ++i) {
            at[task.run_axis] = i;
            LabelTaps taps[kMaxLabelAxes];
            LabelAxis views[kMaxLabelAxes];
            unsigned char outside[kMaxLabelAxes];
            std::int64_t place = 0;
            for (std::size_t a = 0; a < n; ++a) {
                double c = offset[a];
                for (std::size_t j = 0; j < n; ++j) c += matrix[a * n + j] * static_cast<double>(at[j]);
                place += at[a] * out.strides[a];
                taps[a] = label_taps(params, a, c, in.shape[a]);
                outside[a] = taps[a].inside && taps[a].count > 0 ? 0 : 1;
                views[a].taps = taps[a].count;
                views[a].index = taps[a].index;
                views[a].weight = taps[a].weight;
                views[a].count = &taps[a].count;
                views[a].nearest = &taps[a].nearest;
                views[a].outside = &outside[a];
            }
            ops.voxel(task, views, out.at(place));
        }
    });
}

void resample_argmax(const ConstArrayView& scores, const ArrayView& out, const std::vector<std::vector<double>>& axes,
                     Boundary mode, const Exec& exec) {
    if (out.size() == 0) return;
    const LabelOps& ops = VOXKERN_SELECT_LEVEL(label_ops);
    LabelParams linear;
    linear.mode = mode;
    ArgmaxTask task;
    task.classes = scores.shape[0];
    task.source = static_cast<const char*>(scores.data);
    task.dtype = scores.dtype;
    task.itemsize = size_of(scores.dtype);
    task.class_stride = scores.strides[0];
    task.target = static_cast<char*>(out.data);
    task.target_dtype = out.dtype;
    task.target_itemsize = size_of(out.dtype);
    std::vector<OwnedAxis> tables;
    std::vector<float> weights[3];
    const double zero = 0.0;
    for (int d = 0; d < 3; ++d) {  // axes that are missing come first
        const int a = d - (3 - out.rank);
        const std::int64_t n = a < 0 ? 1 : scores.shape[a + 1];
        const double* const coordinates = a < 0 ? &zero : axes[static_cast<std::size_t>(a)].data();
        task.n_out[d] = a < 0 ? 1 : out.shape[a];
        task.strides[d] = a < 0 ? 0 : scores.strides[a + 1];
        task.target_strides[d] = a < 0 ? 0 : out.strides[a];
        tables.emplace_back(linear, 0, coordinates, task.n_out[d], n);
        task.length = n;
    }
    for (int d = 0; d < 3; ++d) {
        const LabelAxis& table = tables[static_cast<std::size_t>(d)].table();
        for (std::int64_t i = 0; i < table.n_out * table.taps; ++i) {
            weights[d].push_back(static_cast<float>(table.weight[i]));
        }
        task.taps[d] = table.taps;
        task.index[d] = table.index;
        task.weight[d] = weights[d].data();
        task.outside[d] = table.outside;
    }
    OwnedPicks<float> picks;
    task.picks = picks.plan(task.n_out[2], task.taps[2], task.index[2], task.weight[2], ops.pick_lanes);
    constexpr std::int64_t kSlack = 64;  // picks read and write whole vectors
    const std::int64_t rows = task.n_out[0] * task.n_out[1];
    parallel_for((rows + kGroup - 1) / kGroup, limited_to_work(exec, 4 * out.size() * task.classes),
                 [&](std::int64_t chunk) {
                     const std::int64_t length = task.length + kSlack;
                     const std::int64_t n = task.n_out[2] + kSlack;
                     Workspace workspace(4 * (5 * length + 3 * n) + 8 * 64);
                     ArgmaxScratch scratch;
                     scratch.rows = workspace.take<float>(4 * length);
                     scratch.row = workspace.take<float>(length);
                     scratch.score = workspace.take<float>(n);
                     scratch.best = workspace.take<float>(n);
                     scratch.winner = workspace.take<float>(n);
                     std::fill(scratch.row + task.length, scratch.row + length, 0.0F);
                     for (std::int64_t row = chunk * kGroup; row < std::min(rows, (chunk + 1) * kGroup); ++row) {
                         ops.argmax_row(task, row / task.n_out[1], row % task.n_out[1], scratch);
                     }
                 });
}

}  // namespace voxkern

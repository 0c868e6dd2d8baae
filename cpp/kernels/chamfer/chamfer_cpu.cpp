// SPDX-License-Identifier: Apache-2.0
#include "kernels/chamfer/chamfer.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>

#include "core/axes.hpp"
#include "core/workspace.hpp"
#include "kernels/chamfer/chamfer_task.hpp"

namespace voxkern::chamfer {
namespace {

constexpr std::int64_t kMostWays = 13;                  // that are compared at once: of three axes all
constexpr std::int64_t kBands = 4;                      // of a plane, for each thread: some can always run
constexpr std::int64_t kChunk = std::int64_t{1} << 15;  // samples that one thread takes at a time at the end

const RowOps<std::int32_t>& rows_of(const Ops& ops, std::int32_t) {
    return ops.narrow;
}
const RowOps<std::int64_t>& rows_of(const Ops& ops, std::int64_t) {
    return ops.wide;
}

// A sample of the structure in another row: the way from a sample to it.
struct Step {
    std::vector<std::int64_t> outer;  // along each axis but the last
    std::int64_t rows = 0;            // the same counted in rows
    std::int64_t along = 0;           // along the last axis
};

// Two sweeps over all rows, forwards and backwards: a sample looks at neighbours that the sweep was at before.
template <class I>
class Sweeps {
  public:
    Sweeps(const ConstArrayView& in, const ArrayView& steps, const ArrayView* indices, const Options& options)
        : in_(in),
          steps_(static_cast<std::int32_t*>(steps.data)),
          indices_(indices == nullptr ? nullptr : static_cast<std::int32_t*>(indices->data)),
          last_zero_(options.last_zero),
          outer_(in.rank - 1),
          n_(in.shape[in.rank - 1]),
          rows_(in.size() / n_),
          wide_(indices != nullptr && sizeof(I) > sizeof(std::int32_t) ? in.size() : 0),
          from_memory_(wide_ * static_cast<std::int64_t>(sizeof(I))) {
        if (wide_ > 0) {
            from_ = from_memory_.template take<I>(wide_);
        } else if (indices_ != nullptr) {  // what is left of a number is the index along axis 0
            from_ = reinterpret_cast<I*>(component(0));
        }
        list_steps(options.structure);
    }

    void run(const Exec& exec) {
        sweep(true, exec);
        sweep(false, exec);
        finish(exec);
    }

  private:
    std::int32_t* component(int axis) const { return indices_ + axis * rows_ * n_; }

    // In the order of the structure.
    void list_steps(const std::vector<bool>& structure) {
        const std::vector<std::int64_t> threes(static_cast<std::size_t>(in_.rank), 3);
        for (std::size_t i = 0; i < structure.size() / 2; ++i) {
            if (!structure[i]) continue;
            Step step;
            step.outer.resize(static_cast<std::size_t>(in_.rank));
            unravel(static_cast<std::int64_t>(i), in_.rank, threes.data(), step.outer.data());
            for (std::int64_t& s : step.outer) --s;
            step.along = step.outer.back();
            step.outer.pop_back();
            for (int a = 0; a < outer_; ++a)
                step.rows = step.rows * in_.shape[a] + step.outer[static_cast<std::size_t>(a)];
            const bool elsewhere = std::any_of(step.outer.begin(), step.outer.end(), [](auto s) { return s != 0; });
            if (elsewhere) {
                beside_.push_back(step);
            } else {
                along_ = true;  // the last one before the centre
            }
        }
    }

    // Rows (z, y) of a plane and the one before are cut into bands of y. Band b of plane z needs bands up to b + 1 of
    // plane z - 1, and band b - 1 of its own: all of the same b + 2 z can run at once.
    void sweep(bool forwards, const Exec& exec) {
        const std::int64_t height = outer_ > 0 ? in_.shape[outer_ - 1] : 1;
        const std::int64_t depth = outer_ > 1 ? in_.shape[outer_ - 2] : 1;
        const std::int64_t wanted = exec.threads == 1 ? 1 : kBands * exec.threads;
        const std::int64_t band = (height + wanted - 1) / wanted;
        const std::int64_t bands = (height + band - 1) / band;
        const std::int64_t stacks = rows_ / (height * depth);
        for (std::int64_t stack = 0; stack < stacks; ++stack) {
            for (std::int64_t wave = 0; wave < bands + 2 * (depth - 1); ++wave) {
                const std::int64_t first = wave < bands ? 0 : (wave - bands) / 2 + 1;
                const std::int64_t last = std::min(wave / 2, depth - 1);
                parallel_for(last - first + 1, exec, [&](std::int64_t i) {
                    const std::int64_t z = first + i;
                    const std::int64_t y = (wave - 2 * z) * band;
                    const std::int64_t start = (stack * depth + z) * height + y;
                    for (std::int64_t row = start; row < start + std::min(band, height - y); ++row) {
                        step_to(forwards ? row : rows_ - 1 - row, forwards);
                    }
                });
            }
        }
    }

    void step_to(std::int64_t row, bool forwards) {
        std::int64_t index[kMaxRank] = {};
        unravel(row, outer_, in_.shape, index);
        std::int32_t* const steps = steps_ + row * n_;
        I* const from = from_ == nullptr ? nullptr : from_ + row * n_;
        if (forwards) {
            std::int64_t offset = 0;
            for (int a = 0; a < outer_; ++a) offset += index[a] * in_.strides[a];
            ops_.start(in_.dtype, size_of(in_.dtype), in_.at(offset), in_.strides[outer_], steps, n_);
            if (from != nullptr) std::iota(from, from + n_, static_cast<I>(row * n_));
        }
        if (ops_.most(steps, n_) == 0) return;
        // The first sample and the last one lack some of the neighbours.
        const std::int64_t ends[] = {0, 1, std::max<std::int64_t>(n_ - 1, 1), n_};
        for (int part = 0; part < 3; ++part) {
            if (ends[part] < ends[part + 1]) step_beside(row, index, forwards, ends[part], ends[part + 1]);
        }
        if (along_) row_ops_.along(steps, from, forwards, last_zero_, n_);
        if (!forwards && ops_.most(steps, n_) == kFar) far_ = true;
    }

    // Samples [first, last) of a row, from those neighbours in other rows that all of them have.
    void step_beside(std::int64_t row, const std::int64_t* index, bool forwards, std::int64_t first,
                     std::int64_t last) {
        Way<I> ways[kMostWays];
        std::int64_t count = 0;
        const std::int64_t sign = forwards ? 1 : -1;
        const auto flush = [&] {
            I* const from = from_ == nullptr ? nullptr : from_ + row * n_ + first;
            row_ops_.beside(ways, count, steps_ + row * n_ + first, from, last_zero_, last - first);
            count = 0;
        };
        for (const Step& step : beside_) {
            bool inside = first + sign * step.along >= 0 && last + sign * step.along <= n_;
            for (int a = 0; a < outer_ && inside; ++a) {
                const std::int64_t at = index[a] + sign * step.outer[static_cast<std::size_t>(a)];
                inside = at >= 0 && at < in_.shape[a];
            }
            if (!inside) continue;
            const std::int64_t there = (row + sign * step.rows) * n_ + first + sign * step.along;
            ways[count++] = {steps_ + there, from_ == nullptr ? nullptr : from_ + there};
            if (count == kMostWays) flush();
        }
        if (count > 0) flush();
    }

    void finish(const Exec& exec) {
        if (!far_ && from_ == nullptr) return;
        const std::int64_t size = rows_ * n_;
        parallel_for((size + kChunk - 1) / kChunk, exec, [&](std::int64_t chunk) {
            const std::int64_t first = chunk * kChunk;
            const std::int64_t count = std::min(kChunk, size - first);
            if (far_) ops_.mark_far(steps_ + first, count);
            if (from_ == nullptr) return;
            for (int a = outer_; a > 0; --a) {
                row_ops_.split(from_ + first, in_.shape[a], component(a) + first, count);
            }
            if (wide_ > 0)
                std::transform(from_ + first, from_ + first + count, component(0) + first,
                               [](I index) { return static_cast<std::int32_t>(index); });
        });
    }

    const ConstArrayView& in_;
    std::int32_t* steps_;
    std::int32_t* indices_;
    bool last_zero_;
    int outer_;  // axes but the last
    std::int64_t n_;
    std::int64_t rows_;
    std::int64_t wide_;
    Workspace from_memory_;
    I* from_ = nullptr;  // the number of the nearest zero in C order
    std::vector<Step> beside_;
    bool along_ = false;
    std::atomic<bool> far_{false};
    const Ops& ops_ = VOXKERN_SELECT_LEVEL(ops);
    const RowOps<I>& row_ops_ = rows_of(ops_, I{});
};

}  // namespace
}  // namespace voxkern::chamfer

namespace voxkern::cpu {

void chamfer(const ConstArrayView& in, const ArrayView& steps, const ArrayView* indices,
             const chamfer::Options& options, const Exec& exec) {
    if (in.size() == 0) return;
    const Exec limited = limited_to_work(exec, 4 * in.size());
    if (indices == nullptr || in.size() <= std::numeric_limits<std::int32_t>::max()) {
        chamfer::Sweeps<std::int32_t>(in, steps, indices, options).run(limited);
    } else {
        chamfer::Sweeps<std::int64_t>(in, steps, indices, options).run(limited);
    }
}

}  // namespace voxkern::cpu

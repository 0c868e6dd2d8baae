// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/axes.hpp"
#include "core/workspace.hpp"
#include "kernels/morphology/morphology.hpp"
#include "kernels/morphology/morphology_plan.hpp"
#include "kernels/morphology/morphology_task.hpp"

namespace voxkern::morphology {
namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 16;  // samples that one thread reads or writes at a time
constexpr std::int64_t kWords = std::int64_t{1} << 12;  // words that one thread combines at a time, or more

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

// Bits of all samples: before and after a step, of runs of the structure, of the mask.
class Bits {
  public:
    Bits(const Plan& plan, const std::vector<int>& order, bool mask, const Exec& exec)
        : layout_(plan.layout),
          order_(order),
          tail_(layout_.width() % 64 == 0 ? 0 : ~std::uint64_t{0} << (layout_.width() % 64)),
          exec_(exec),
          saves_(std::any_of(plan.steps.begin(), plan.steps.end(),
                             [](const PlannedStep& s) { return s.iterations < 1 && !s.settles; })),
          runs_(std::any_of(plan.steps.begin(), plan.steps.end(),
                            [](const PlannedStep& s) { return s.passes.size() > 1; })),
          memory_(Workspace::bytes_of<std::uint64_t>({layout_.total, layout_.total, runs_ ? layout_.total : 0,
                                                      mask ? layout_.total : 0, saves_ ? layout_.total : 0})) {
        buffers_[0] = memory_.take<std::uint64_t>(layout_.total);
        buffers_[1] = memory_.take<std::uint64_t>(layout_.total);
        if (runs_) buffers_[2] = memory_.take<std::uint64_t>(layout_.total);
        if (mask) mask_ = memory_.take<std::uint64_t>(layout_.total);
        if (saves_) saved_ = memory_.take<std::uint64_t>(layout_.total);
    }

    void read(const ConstArrayView& in, const ConstArrayView* mask) {
        for (std::uint64_t* const buffer : buffers_) fill(buffer, border_);
        read(in, buffer(Buffer::before));
        if (mask == nullptr) return;
        fill(mask_, 0);
        read(*mask, mask_);
    }

    void run(const PlannedStep& step) {
        set_border(step.border);
        std::int64_t next_saved = 1;
        for (std::int64_t i = 0; step.iterations < 1 || i < step.iterations; ++i) {
            const bool changed = apply(step);
            std::swap(buffers_[0], buffers_[1]);
            if (!changed) return;
            if (step.iterations >= 1 || step.settles) continue;
            // R. P. Brent, "An improved Monte Carlo factorization algorithm", 1980: finds any cycle.
            const std::size_t bytes = static_cast<std::size_t>(layout_.total) * sizeof(std::uint64_t);
            if (i > 0 && std::memcmp(saved_, buffer(Buffer::before), bytes) == 0) {
                throw InvalidArgument(
                    "iterations: got a number below 1 for a result that alternates, allowed 1 or more");
            }
            if (i + 1 < next_saved) continue;
            next_saved *= 2;
            std::memcpy(saved_, buffer(Buffer::before), bytes);
        }
    }

    void write(const ArrayView& out) {
        for_rows([&](const std::int64_t* index, std::int64_t word) {
            std::int64_t offset = 0;
            for (int a = 0; a < layout_.rank - 1; ++a) offset += index[a] * stride(out, a);
            active_ops().unpack(out.dtype, buffer(Buffer::before) + word, layout_.width(), out.at(offset),
                                stride(out, layout_.rank - 1));
        });
    }

  private:
    std::uint64_t* buffer(Buffer which) const { return buffers_[static_cast<std::size_t>(which)]; }

    template <class View>
    std::int64_t stride(const View& view, int a) const {
        return view.strides[order_[static_cast<std::size_t>(a)]];
    }

    // Calls body(index, word) for each row.
    template <class Body>
    void for_rows(Body&& body) const {
        const std::int64_t rows = layout_.strips() * layout_.rows();
        const std::int64_t group = std::max<std::int64_t>(kChunk / layout_.width(), 1);
        parallel_for((rows + group - 1) / group, exec_, [&](std::int64_t chunk) {
            for (std::int64_t r = chunk * group; r < std::min((chunk + 1) * group, rows); ++r) {
                std::int64_t index[kMaxRank];
                unravel(r, layout_.rank - 1, layout_.shape, index);
                body(index, word_of(index));
            }
        });
    }

    void fill(std::uint64_t* words, std::uint64_t value) const {
        if (words == nullptr) return;
        parallel_for((layout_.total + kChunk - 1) / kChunk, exec_, [&](std::int64_t chunk) {
            std::fill(words + chunk * kChunk, words + std::min((chunk + 1) * kChunk, layout_.total), value);
        });
    }

    std::int64_t word_of(const std::int64_t* index) const {
        std::int64_t word = layout_.first;
        for (int a = 0; a < layout_.rank - 1; ++a) word += index[a] * layout_.strides[a];
        return word;
    }

    // Rows whose samples are far apart are read 64 at a time, where these lie side by side.
    void read(const ConstArrayView& in, std::uint64_t* words) {
        const int last = layout_.rank - 1;
        int beside = -1;
        for (int a = 0; a < last && stride(in, last) != 1; ++a) beside = stride(in, a) == 1 ? a : beside;
        const std::int64_t together = beside < 0 ? 1 : 64;
        std::int64_t blocks[kMaxRank];
        std::copy_n(layout_.shape, layout_.rank, blocks);
        if (beside >= 0) blocks[beside] = (blocks[beside] + together - 1) / together;
        std::int64_t count = 1;
        for (int a = 0; a < last; ++a) count *= blocks[a];
        const std::int64_t group = std::max<std::int64_t>(kChunk / (layout_.width() * together), 1);
        parallel_for((count + group - 1) / group, exec_, [&](std::int64_t chunk) {
            for (std::int64_t b = chunk * group; b < std::min((chunk + 1) * group, count); ++b) {
                std::int64_t index[kMaxRank];
                unravel(b, last, blocks, index);
                std::int64_t rows = 1;
                if (beside >= 0) {
                    index[beside] *= together;
                    rows = std::min(together, layout_.shape[beside] - index[beside]);
                }
                std::int64_t offset = 0;
                for (int a = 0; a < last; ++a) offset += index[a] * stride(in, a);
                std::uint64_t* const to = words + word_of(index);
                const std::int64_t step = beside < 0 ? 0 : layout_.strides[beside];
                if (beside < 0) {
                    active_ops().pack(in.dtype, size_of(in.dtype), in.at(offset), stride(in, last), layout_.width(),
                                      to);
                } else {
                    active_ops().pack_columns(in.dtype, in.at(offset), stride(in, last) * size_of(in.dtype), rows,
                                              layout_.width(), to, step);
                }
            }
        });
    }

    // The bits behind the last sample of a row are outside.
    void end_row(std::uint64_t* row) const {
        std::uint64_t& word = row[layout_.words - 1];
        word = (word & ~tail_) | (border_ & tail_);
    }

    void set_border(bool set) {
        const std::uint64_t border = set ? ~std::uint64_t{0} : 0;
        if (border == border_) return;
        border_ = border;
        fill(buffer(Buffer::after), border_);
        fill(buffer(Buffer::runs), border_);
        for_rows([&](const std::int64_t*, std::int64_t word) {
            std::copy_n(buffer(Buffer::before) + word, layout_.words, buffer(Buffer::after) + word);
            end_row(buffer(Buffer::after) + word);
        });
        std::swap(buffers_[0], buffers_[1]);
        fill(buffer(Buffer::after), border_);
    }

    // One iteration, from `before` to `after`. Tells whether they differ.
    bool apply(const PlannedStep& step) {
        // Strips of rows, or parts of one, or several.
        const std::int64_t row_step = layout_.row_step();
        const std::int64_t part = std::max<std::int64_t>(kWords / row_step, 1);
        const std::int64_t parts = (layout_.rows() + part - 1) / part;
        const std::int64_t units = layout_.strips() * parts;
        const std::int64_t group = std::max<std::int64_t>(kWords / (row_step * std::min(part, layout_.rows())), 1);
        std::atomic<bool> changed{false};
        for (const Pass& pass : step.passes) {
            const bool last = &pass == &step.passes.back();
            parallel_for((units + group - 1) / group, exec_, [&](std::int64_t chunk) {
                std::vector<Source> sources(pass.taps.size());
                for (std::int64_t u = chunk * group; u < std::min((chunk + 1) * group, units); ++u) {
                    const std::int64_t first = u % parts * part;
                    const std::int64_t rows = std::min(part, layout_.rows() - first);
                    const std::int64_t word = layout_.word_of_strip(u / parts) + first * row_step;
                    combine(step, pass, last, word, rows, sources);
                    if (last && differ(word, (rows - 1) * row_step + layout_.words)) changed = true;
                }
            });
        }
        return changed;
    }

    void combine(const PlannedStep& step, const Pass& pass, bool last, std::int64_t word, std::int64_t rows,
                 std::vector<Source>& sources) const {
        for (std::size_t s = 0; s < sources.size(); ++s) {
            sources[s] = {buffer(pass.taps[s].from) + word + pass.taps[s].offset, pass.taps[s].shift};
        }
        const std::uint64_t start = step.any == step.outside_decides ? ~std::uint64_t{0} : 0;
        std::uint64_t* const to = buffer(pass.to) + word;
        const std::int64_t n = (rows - 1) * layout_.row_step() + layout_.words;
        active_ops().combine(sources.data(), pass.unshifted, static_cast<std::int64_t>(sources.size()), step.any, start,
                             to, n);
        if (last && mask_ != nullptr) active_ops().choose(mask_ + word, buffer(Buffer::before) + word, to, n);
        for (std::int64_t r = 0; r < rows; ++r) {
            std::uint64_t* const row = to + r * layout_.row_step();
            end_row(row);
            if (r + 1 < rows) std::fill(row + layout_.words, row + layout_.row_step(), border_);
        }
    }

    bool differ(std::int64_t word, std::int64_t n) const {
        return std::memcmp(buffer(Buffer::before) + word, buffer(Buffer::after) + word,
                           static_cast<std::size_t>(n) * sizeof(std::uint64_t)) != 0;
    }

    const Layout& layout_;
    const std::vector<int>& order_;
    std::uint64_t border_ = 0;
    std::uint64_t tail_;
    Exec exec_;
    bool saves_;
    bool runs_;
    Workspace memory_;
    std::uint64_t* buffers_[3] = {};
    std::uint64_t* mask_ = nullptr;
    std::uint64_t* saved_ = nullptr;
};

}  // namespace
}  // namespace voxkern::morphology

namespace voxkern::cpu {

void morphology(const ConstArrayView& in, const ConstArrayView* mask, const ArrayView& out,
                const std::vector<voxkern::morphology::Step>& steps, const Exec& exec) {
    using namespace voxkern::morphology;
    if (in.size() == 0) return;
    const std::vector<int> order = order_of(out);
    const Plan plan = plan_of(in.shape, order, steps);
    Bits bits(plan, order, mask != nullptr, limited_to_work(exec, in.size()));
    bits.read(in, mask);
    for (const PlannedStep& step : plan.steps) bits.run(step);
    bits.write(out);
}

}  // namespace voxkern::cpu

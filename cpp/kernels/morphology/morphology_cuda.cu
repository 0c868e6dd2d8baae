// SPDX-License-Identifier: Apache-2.0
// morphology on the GPU: the CPU's bits and passes. A thread makes a word of 64 samples; words of neighbours lie at
// fixed offsets, so that all reads are side by side. An iteration behind one that changed nothing returns at once.
#include <algorithm>

#include "core/cuda/bits.hpp"
#include "core/cuda/exec.hpp"
#include "kernels/morphology/morphology.hpp"
#include "kernels/morphology/morphology_plan.hpp"

namespace voxkern::morphology {
namespace {

constexpr int kSamples = 64;              // of a word
constexpr std::int64_t kIterations = 64;  // whose changes are told apart
constexpr std::int64_t kUnasked = 16 * kIterations;

// The words of all rows: offsets of a word, and its number in its row.
struct Words {
    cuda::Positions<2> positions;
    std::int64_t last = 0;      // number of the last word of a row
    std::uint64_t outside = 0;  // its bits behind the last sample
    std::uint64_t border = 0;

    __device__ __forceinline__ std::uint64_t ended(std::uint64_t word, std::int64_t number) const {
        return number == last ? (word & ~outside) | (border & outside) : word;
    }
};

struct Combination {
    int count = 0;  // of taps
    bool any = false;
    Words words;
    const Tap* taps = nullptr;
    std::uint64_t start = 0;
    const std::uint64_t* from[3] = {};
    const std::uint64_t* mask = nullptr;  // null but in the last pass
    const unsigned* earlier = nullptr;    // whether the iteration before changed anything
    unsigned* changed = nullptr;          // null but in the last pass
    std::uint64_t* to = nullptr;
};

__global__ void combine(Combination c) {
    if (c.earlier != nullptr && *c.earlier == 0) return;
    bool changed = false;
    for (std::int64_t p = cuda::first_position(); p < c.words.positions.size; p += cuda::position_step()) {
        const auto at = c.words.positions.at(p);
        std::uint64_t word = c.start;
        for (int t = 0; t < c.count; ++t) {
            const Tap tap = c.taps[t];
            const std::uint64_t* const from = c.from[static_cast<int>(tap.from)] + at.of[0] + tap.offset;
            std::uint64_t bits = from[0];
            if (tap.shift != 0) bits = bits >> tap.shift | from[1] << (kSamples - tap.shift);
            word = c.any ? word | bits : word & bits;
        }
        const std::uint64_t before = c.from[static_cast<int>(Buffer::before)][at.of[0]];
        if (c.mask != nullptr) {
            const std::uint64_t mask = c.mask[at.of[0]];
            word = (word & mask) | (before & ~mask);
        }
        word = c.words.ended(word, at.of[1]);
        c.to[at.of[0]] = word;
        changed = changed || word != before;
    }
    if (changed && c.changed != nullptr) cuda::store_relaxed(c.changed, 1U);
}

// The same bits, with another border behind each row.
__global__ void end_rows(Words words, const std::uint64_t* from, std::uint64_t* to) {
    for (std::int64_t p = cuda::first_position(); p < words.positions.size; p += cuda::position_step()) {
        const auto at = words.positions.at(p);
        to[at.of[0]] = words.ended(from[at.of[0]], at.of[1]);
    }
}

__global__ void compare(Words words, const std::uint64_t* a, const std::uint64_t* b, unsigned* differ) {
    for (std::int64_t p = cuda::first_position(); p < words.positions.size; p += cuda::position_step()) {
        const std::int64_t at = words.positions.at(p).of[0];
        if (a[at] != b[at]) cuda::store_relaxed(differ, 1U);
    }
}

template <class T>
__global__ void unpack_bits(const std::uint64_t* words, cuda::BitRows rows, T one, T* out) {
    cuda::for_words(rows, [&](std::int64_t, const auto& at) {
        const std::uint64_t word = words[at.of[1]];
        for (int i = cuda::lane_of_row(); i < kSamples && at.of[2] + i < rows.width; i += cuda::kWarp) {
            out[at.of[0] + i * rows.stride] = (word >> i & 1) != 0 ? one : T{0};
        }
    });
}

// --- host side ---

// Bits of all samples: before and after a step, of runs of the structure, of the mask.
class Bits {
  public:
    Bits(const Plan& plan, const std::vector<int>& order, bool mask, const cuda::Exec& exec)
        : layout_(plan.layout),
          order_(order),
          exec_(exec),
          before_(buffer_if(true)),
          after_(buffer_if(true)),
          runs_(buffer_if(has(plan, [](const PlannedStep& s) { return s.passes.size() > 1; }))),
          mask_(buffer_if(mask)),
          saved_(buffer_if(has(plan, [](const PlannedStep& s) { return s.iterations < 1 && !s.settles; }))),
          changes_(static_cast<std::size_t>(kIterations) + 1, exec),
          buffers_{before_.data(), after_.data(), runs_.data()} {
        Axes<2> words;
        for (int a = 0; a < layout_.rank - 1; ++a) words.push(layout_.shape[a], {layout_.strides[a], 0});
        words.push(layout_.words, {1, 1});
        words.merge();
        words_.positions = cuda::positions_of(words);
        words_.last = layout_.words - 1;
        const int tail = static_cast<int>(layout_.width() % kSamples);
        words_.outside = tail == 0 ? 0 : ~std::uint64_t{0} << tail;
    }

    void read(const ConstArrayView& in, const ConstArrayView* mask, bool border) {
        words_.border = border ? ~std::uint64_t{0} : 0;
        for (std::uint64_t* const buffer : buffers_) fill(buffer, border);
        pack(in, rows_over(in), false, border, buffer(Buffer::before) + layout_.first, exec_.stream);
        if (mask != nullptr) pack(*mask, rows_over(*mask), false, false, mask_.data() + layout_.first, exec_.stream);
    }

    void run(const PlannedStep& step) {
        set_border(step.border);
        const cuda::Scratch<Tap> taps = upload_taps(step);
        if (step.iterations >= 1) {
            for (std::int64_t done = 0; done < step.iterations;) {
                const std::int64_t more = std::min(step.iterations - done, kIterations);
                iterate(step, taps.data(), more, done > 0, step.iterations > 1);
                done += more;
                // A huge number means: until nothing changes. It must not be a day of empty launches.
                if (done % kUnasked == 0 && !told(kIterations)) return;
            }
            return;
        }
        std::int64_t next_saved = 1;
        for (std::int64_t i = 0;; ++i) {
            iterate(step, taps.data(), step.settles ? kIterations : 1, false, true);
            if (!told(step.settles ? kIterations : 1)) return;
            if (step.settles) continue;
            // Any cycle is found, as on the CPU (Brent 1980).
            if (i > 0 && !differs_from_saved()) {
                throw InvalidArgument(
                    "iterations: got a number below 1 for a result that alternates, allowed 1 or more");
            }
            if (i + 1 < next_saved) continue;
            next_saved *= 2;
            cuda::check(
                cudaMemcpyAsync(saved_.data(), buffer(Buffer::before), bytes(), cudaMemcpyDeviceToDevice, exec_.stream),
                "morphology");
        }
    }

    void write(const ArrayView& out) const {
        const cuda::BitRows rows = rows_over(out);
        const std::uint64_t* const words = buffer(Buffer::before) + layout_.first;
        const auto in = [&](auto one) {
            using T = decltype(one);
            cuda::launch("unpack_bits", cuda::config_for(rows, exec_.stream), unpack_bits<T>, words, rows, one,
                         static_cast<T*>(out.data));
        };
        switch (out.dtype) {  // the bits of 1
            case DType::f16: return in(std::uint16_t{0x3C00});
            case DType::f32: return in(std::uint32_t{0x3F800000});
            case DType::f64: return in(std::uint64_t{0x3FF0000000000000});
            default: break;
        }
        switch (size_of(out.dtype)) {
            case 1: return in(std::uint8_t{1});
            case 2: return in(std::uint16_t{1});
            case 4: return in(std::uint32_t{1});
            default: return in(std::uint64_t{1});
        }
    }

  private:
    template <class Test>
    static bool has(const Plan& plan, const Test& test) {
        return std::any_of(plan.steps.begin(), plan.steps.end(), test);
    }

    cuda::Scratch<std::uint64_t> buffer_if(bool wanted) const {
        return {wanted ? static_cast<std::size_t>(layout_.total) : 0, exec_};
    }

    std::uint64_t* buffer(Buffer which) const { return buffers_[static_cast<std::size_t>(which)]; }

    std::size_t bytes() const { return static_cast<std::size_t>(layout_.total) * sizeof(std::uint64_t); }

    template <class View>
    cuda::BitRows rows_over(const View& view) const {
        const auto stride = [&](int a) { return view.strides[order_[static_cast<std::size_t>(a)]]; };
        Axes<2> rows;
        for (int a = 0; a < layout_.rank - 1; ++a) rows.push(layout_.shape[a], {stride(a), layout_.strides[a]});
        return cuda::bit_rows(rows, layout_.width(), stride(layout_.rank - 1), kSamples, 1);
    }

    void fill(std::uint64_t* buffer, bool set) const {
        if (buffer == nullptr) return;
        cuda::fill(reinterpret_cast<char*>(buffer), bytes(), set ? 0xFF : 0, exec_);
    }

    void set_border(bool set) {
        const std::uint64_t border = set ? ~std::uint64_t{0} : 0;
        if (border == words_.border) return;
        words_.border = border;
        fill(buffer(Buffer::after), set);
        fill(buffer(Buffer::runs), set);
        cuda::launch("end_rows", cuda::config_for(words_.positions.size, exec_.stream), end_rows, words_,
                     buffer(Buffer::before) + layout_.first, buffer(Buffer::after) + layout_.first);
        std::swap(buffers_[0], buffers_[1]);
        fill(buffer(Buffer::after), set);
    }

    cuda::Scratch<Tap> upload_taps(const PlannedStep& step) const {
        std::vector<Tap> taps;
        for (const Pass& pass : step.passes) taps.insert(taps.end(), pass.taps.begin(), pass.taps.end());
        return cuda::upload(taps, exec_);
    }

    // Whether iteration i of the last ones changed anything, as the host sees it: it waits.
    bool told(std::int64_t i) const {
        unsigned changed = 0;
        cuda::fetch(&changed, changes_.data() + i, 1, exec_);
        return changed != 0;
    }

    // At most kIterations. `goes_on`: after others of the same step.
    void iterate(const PlannedStep& step, const Tap* taps, std::int64_t iterations, bool goes_on, bool tell) {
        unsigned* const changes = changes_.data();
        if (goes_on) {
            cuda::check(cudaMemcpyAsync(changes, changes + kIterations, sizeof(unsigned), cudaMemcpyDeviceToDevice,
                                        exec_.stream),
                        "morphology");
        }
        if (tell) {
            cuda::fill(changes + 1, static_cast<std::size_t>(kIterations), 0, exec_);
        }
        for (std::int64_t i = 1; i <= iterations; ++i) {
            Combination c;
            c.words = words_;
            c.any = step.any;
            c.start = step.any == step.outside_decides ? ~std::uint64_t{0} : 0;
            for (std::size_t b = 0; b < 3; ++b) c.from[b] = at_first(buffers_[b]);
            c.earlier = i > 1 || goes_on ? changes + i - 1 : nullptr;
            c.taps = taps;
            for (const Pass& pass : step.passes) {
                const bool last = &pass == &step.passes.back();
                c.count = static_cast<int>(pass.taps.size());
                c.mask = last ? at_first(mask_.data()) : nullptr;
                c.changed = last && tell ? changes + i : nullptr;
                c.to = at_first(buffer(pass.to));
                cuda::launch("combine", cuda::config_for(words_.positions.size, exec_.stream), combine, c);
                c.taps += pass.taps.size();
            }
            std::swap(buffers_[0], buffers_[1]);
        }
    }

    std::uint64_t* at_first(std::uint64_t* buffer) const {
        return buffer == nullptr ? nullptr : buffer + layout_.first;
    }

    bool differs_from_saved() const {
        cuda::fill(changes_.data(), 1, 0, exec_);
        cuda::launch("compare", cuda::config_for(words_.positions.size, exec_.stream), compare, words_,
                     at_first(buffer(Buffer::before)), at_first(saved_.data()), changes_.data());
        return told(0);
    }

    const Layout& layout_;
    const std::vector<int>& order_;
    const cuda::Exec& exec_;
    cuda::Scratch<std::uint64_t> before_;
    cuda::Scratch<std::uint64_t> after_;
    cuda::Scratch<std::uint64_t> runs_;
    cuda::Scratch<std::uint64_t> mask_;
    cuda::Scratch<std::uint64_t> saved_;
    cuda::Scratch<unsigned> changes_;  // of each iteration, the first one's at 1
    std::uint64_t* buffers_[3];
    Words words_;
};

}  // namespace
}  // namespace voxkern::morphology

namespace voxkern::cuda {

void morphology(const ConstArrayView& in, const ConstArrayView* mask, const ArrayView& out,
                const std::vector<voxkern::morphology::Step>& steps, const Exec& exec) {
    using namespace voxkern::morphology;
    if (in.size() == 0) return;
    const std::vector<int> order = order_of(out);
    const Plan plan = plan_of(in.shape, order, steps);
    Bits bits(plan, order, mask != nullptr, exec);
    bits.read(in, mask, !steps.empty() && steps.front().border);
    for (const PlannedStep& step : plan.steps) bits.run(step);
    bits.write(out);
}

}  // namespace voxkern::cuda

// SPDX-License-Identifier: Apache-2.0
// Samples of each label side by side, their order statistics, and histograms.
#include <numeric>
#include <utility>

#include "core/quantiles.hpp"
#include "core/words.hpp"
#include "kernels/measure/measure.hpp"
#include "kernels/regions/regions_run.hpp"

namespace voxkern::regions {
namespace {

template <class W>
void copy_samples(const void* from, std::int64_t stride, void* to, std::int64_t at, std::int64_t n) {
    const W* const x = static_cast<const W*>(from);
    W* const y = static_cast<W*>(to) + at;
    for (std::int64_t i = 0; i < n; ++i) y[i] = x[i * stride];
}

using CopySamples = void (*)(const void* from, std::int64_t stride, void* to, std::int64_t at, std::int64_t n);

CopySamples copy_of(DType dtype) {
    return visit(dtype, [](auto t) -> CopySamples { return copy_samples<Word<typename decltype(t)::type>>; });
}

// The samples of a run go to `at` and the places behind it.
void write_run(const Job& job, const GroupsOut& out, const Walk<3>& walk, std::int64_t begin, std::int64_t n,
               std::int64_t at) {
    const int row = job.axes.rank() - 1;
    const Axes<3>::Axis& axis = job.axes[row];
    if (out.samples != nullptr) {
        const void* const from = job.image->at(walk.offsets()[kImage] + begin * axis.strides[kImage]);
        copy_of(job.image->dtype)(from, axis.strides[kImage], out.samples, at, n);
    }
    if (out.positions != nullptr) {
        const std::int64_t first = walk.offsets()[kPosition] + begin * axis.strides[kPosition];
        for (std::int64_t i = 0; i < n; ++i) out.positions[at + i] = first + i * axis.strides[kPosition];
    }
}

// The same along each axis; `total` samples have a place.
void write_indices(const Job& job, std::int64_t* indices, std::int64_t total, const Walk<3>& walk, std::int64_t begin,
                   std::int64_t n, std::int64_t at) {
    const int row = job.axes.rank() - 1;
    const auto along = [&](int a) { return indices + job.order[static_cast<std::size_t>(a)] * total + at; };
    for (int a = 0; a < row; ++a) std::fill_n(along(a), n, walk.index(a));
    std::iota(along(row), along(row) + n, walk.index(row) + begin);
}

// Counts of pairs of a row and a bin in one chunk: a list of all where they are few, else those that occur.
class PairCounts {
  public:
    PairCounts() = default;
    explicit PairCounts(std::int64_t pairs) : all_(pairs <= kFew ? static_cast<std::size_t>(pairs) : 0) {}

    // `bin` is -1 for what lies in none.
    void add(std::int64_t first, const std::int32_t* bin, std::int64_t n) {
        std::int32_t* const all = all_.data() + (all_.empty() ? 0 : first);
        for (std::int64_t i = 0; i < n; ++i) {
            if (bin[i] < 0) continue;
            if (!all_.empty()) {
                ++all[bin[i]];
                continue;
            }
            const auto slot = static_cast<std::size_t>(slots_.of(first + bin[i]));
            if (slot == some_.size()) some_.push_back(0);
            ++some_[slot];
        }
    }

    void add_to(std::int64_t* table) const {
        for (std::size_t k = 0; k < all_.size(); ++k) table[k] += all_[k];
        for (std::size_t k = 0; k < some_.size(); ++k) table[slots_.keys()[k]] += some_[k];
    }

  private:
    static constexpr std::int64_t kFew = std::int64_t{1} << 16;

    std::vector<std::int32_t> all_;
    Slots slots_;
    std::vector<std::int32_t> some_;
};

constexpr std::int64_t kLong = std::int64_t{1} << 20;  // samples of a label that all threads share

template <class T>
bool is_number(const T& x) {
    if constexpr (kFloating<T>) {
        const auto value = static_cast<double>(static_cast<std::conditional_t<kSame<T, Half>, float, T>>(x));
        return value == value;
    } else {
        return true;
    }
}

template <class T>
bool less(const T& a, const T& b) {
    if constexpr (kSame<T, Half>) {
        return static_cast<float>(a) < static_cast<float>(b);
    } else {
        return a < b;
    }
}

// Neighbours of all quantiles among x[0] to x[count - 1], the first `numbers` of which are no NaN.
template <class T>
void select(T* x, std::int64_t count, std::int64_t numbers, const std::vector<double>& quantiles,
            const std::vector<std::size_t>& rising, T* neighbours) {
    std::int64_t done = 0;  // samples before it are no larger than those behind
    for (const std::size_t k : rising) {
        const QuantilePlace place = quantile_place(quantiles[k], count);
        for (std::size_t side = 0; side < 2; ++side) {
            const std::int64_t rank = side == 0 ? place.rank : place.next;
            if (rank >= done && rank < numbers) {
                std::nth_element(x + done, x + rank, x + numbers, less<T>);
                done = rank + 1;
            }
            neighbours[2 * k + side] = x[rank];
        }
    }
}

template <class T>
void quantiles_of(T* samples, const std::vector<std::int64_t>& offsets, const std::vector<double>& quantiles,
                  T* neighbours, Ranks& ranks, const Exec& exec) {
    const auto rows = static_cast<std::int64_t>(offsets.size()) - 1;
    const auto each = static_cast<std::int64_t>(quantiles.size());
    std::vector<std::size_t> rising(quantiles.size());
    std::iota(rising.begin(), rising.end(), std::size_t{0});
    std::stable_sort(rising.begin(), rising.end(),
                     [&](std::size_t a, std::size_t b) { return quantiles[a] < quantiles[b]; });
    const auto row_of = [&](std::int64_t row, bool shared) {
        const auto k = static_cast<std::size_t>(row);
        T* const x = samples + offsets[k];
        const std::int64_t count = offsets[k + 1] - offsets[k];
        if (count == 0 || (count >= kLong) != shared) return;
        const std::int64_t numbers = kFloating<T> ? std::partition(x, x + count, is_number<T>) - x : count;
        ranks.not_numbers[k] = count - numbers;
        for (std::int64_t q = 0; q < each; ++q) {
            ranks.fractions[k * quantiles.size() + static_cast<std::size_t>(q)] =
                quantile_place(quantiles[static_cast<std::size_t>(q)], count).fraction;
        }
        if (!shared || numbers < count) {
            select(x, count, numbers, quantiles, rising, neighbours + row * each * 2);
            return;
        }
        const std::int64_t shape[] = {count};
        const std::int64_t pairs[] = {each, 2};
        measure::Image image = {as_const(erase_type(contiguous_view<T, 1>(x, shape))), std::nullopt};
        cpu::measure_quantiles(image, quantiles, erase_type(contiguous_view<T, 2>(neighbours + row * each * 2, pairs)),
                               exec);
    };
    constexpr std::int64_t kRows = 64;  // rows that one thread takes at a time
    parallel_for((rows + kRows - 1) / kRows, limited_to_work(exec, offsets.back() * 8), [&](std::int64_t part) {
        for (std::int64_t row = part * kRows; row < std::min(rows, (part + 1) * kRows); ++row) row_of(row, false);
    });
    for (std::int64_t row = 0; row < rows; ++row) row_of(row, true);
}

}  // namespace
}  // namespace voxkern::regions

namespace voxkern {

regions::Groups cpu::region_groups(const ConstArrayView& labels, const std::optional<ConstArrayView>& image,
                                   const regions::Names& names, bool in_order, const Exec& exec) {
    using namespace voxkern::regions;
    const Job job = job_of(labels, image ? &*image : nullptr, names, in_order, false);
    Groups groups;
    groups.in_order = in_order;
    groups.offsets.assign(static_cast<std::size_t>(names.count()) + 1, 0);
    groups.chunks.resize(static_cast<std::size_t>(job.chunks));
    parallel_for(job.chunks, limited_to_work(exec, job.size), [&](std::int64_t chunk) {
        Slots slots(job.keys());
        std::vector<std::int64_t> counts;
        for_segments(
            job, chunk, [&](std::int64_t row) { return slots.of(row); },
            [&](const Walk<3>&, const Segment& segment) {
                counts.resize(slots.size());
                for (std::int64_t r = 0; r < segment.runs.count; ++r) {
                    counts[static_cast<std::size_t>(segment.slots[r])] += segment.runs.ends[r] - segment.runs.begins[r];
                }
            });
        groups.chunks[static_cast<std::size_t>(chunk)] = {std::move(slots).keys(), std::move(counts)};
    });
    for (const Groups::Chunk& chunk : groups.chunks) {
        for (std::size_t k = 0; k < chunk.rows.size(); ++k) {
            groups.offsets[static_cast<std::size_t>(chunk.rows[k]) + 1] += chunk.begins[k];
        }
    }
    std::partial_sum(groups.offsets.begin(), groups.offsets.end(), groups.offsets.begin());
    std::vector<std::int64_t> next(groups.offsets.begin(), groups.offsets.end() - 1);
    for (Groups::Chunk& chunk : groups.chunks) {  // counts become places
        for (std::size_t k = 0; k < chunk.rows.size(); ++k) {
            std::int64_t& place = next[static_cast<std::size_t>(chunk.rows[k])];
            place += std::exchange(chunk.begins[k], place);
        }
    }
    return groups;
}

void cpu::write_groups(const regions::Groups& groups, const ConstArrayView& labels,
                       const std::optional<ConstArrayView>& image, const regions::Names& names,
                       const regions::GroupsOut& out, const Exec& exec) {
    using namespace voxkern::regions;
    const bool apart = out.indices != nullptr;
    const Job job = job_of(labels, image ? &*image : nullptr, names, groups.in_order, apart);
    parallel_for(job.chunks, limited_to_work(exec, job.size), [&](std::int64_t chunk) {
        const Groups::Chunk& part = groups.chunks[static_cast<std::size_t>(chunk)];
        Slots slots(job.keys());
        for (const std::int64_t row : part.rows) slots.of(row);
        std::vector<std::int64_t> next = part.begins;
        for_segments(
            job, chunk, [&](std::int64_t row) { return slots.of(row); },
            [&](const Walk<3>& walk, const Segment& segment) {
                for (std::int64_t r = 0; r < segment.runs.count; ++r) {
                    const std::int64_t begin = segment.runs.begins[r];
                    const std::int64_t n = segment.runs.ends[r] - begin;
                    std::int64_t& at = next[static_cast<std::size_t>(segment.slots[r])];
                    write_run(job, out, walk, begin, n, at);
                    if (apart) write_indices(job, out.indices, groups.offsets.back(), walk, begin, n, at);
                    at += n;
                }
            });
    });
}

regions::Ranks cpu::region_quantiles(const ArrayView& samples, const std::vector<std::int64_t>& offsets,
                                     const std::vector<double>& quantiles, void* neighbours, const Exec& exec) {
    using namespace voxkern::regions;
    const std::size_t rows = offsets.size() - 1;
    Ranks ranks = {std::vector<double>(rows * quantiles.size()), std::vector<std::int64_t>(rows)};
    visit(samples.dtype, [&](auto t) {
        using T = typename decltype(t)::type;
        quantiles_of(static_cast<T*>(samples.data), offsets, quantiles, static_cast<T*>(neighbours), ranks, exec);
    });
    return ranks;
}

std::vector<std::int64_t> cpu::region_histograms(const ConstArrayView& labels, const ConstArrayView& image,
                                                 const regions::Names& names, const std::vector<double>& edges,
                                                 const Exec& exec) {
    using namespace voxkern::regions;
    const auto count = static_cast<std::int64_t>(edges.size()) - 1;
    const Bins bins = {edges.data(), count, static_cast<double>(count) / (edges.back() - edges.front())};
    const Job job = job_of(labels, &image, names, false, false);
    const std::int64_t pairs = names.count() * count;
    std::vector<std::int64_t> table(static_cast<std::size_t>(pairs));
    const auto make = [&](std::int64_t chunk) {
        PairCounts found(pairs);
        Workspace memory(Workspace::bytes_of<double>({kSegment}) + Workspace::bytes_of<std::int32_t>({kSegment}));
        double* const samples = memory.take<double>(kSegment);
        std::int32_t* const bin = memory.take<std::int32_t>(kSegment);
        const std::int64_t stride = job.axes[job.axes.rank() - 1].strides[kImage];
        for_segments(
            job, chunk, [](std::int64_t row) { return static_cast<std::int32_t>(row); },
            [&](const Walk<3>& walk, const Segment& segment) {
                const std::int64_t n = segment.last - segment.first;
                const void* const from = image.at(walk.offsets()[kImage] + segment.first * stride);
                job.ops.load(image.dtype, from, stride, n, samples);
                job.ops.bins(bins, samples, n, bin);
                for (std::int64_t r = 0; r < segment.runs.count; ++r) {
                    const std::int64_t begin = segment.runs.begins[r] - segment.first;
                    const std::int64_t end = segment.runs.ends[r] - segment.first;
                    found.add(segment.slots[r] * count, bin + begin, end - begin);
                }
            });
        return found;
    };
    make_and_join(job.chunks, limited_to_work(exec, 2 * job.size), make,
                  [&](const PairCounts& part) { part.add_to(table.data()); });
    return table;
}

}  // namespace voxkern

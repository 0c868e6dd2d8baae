// SPDX-License-Identifier: Apache-2.0
#include "kernels/regions/regions_run.hpp"
#include "kernels/regions/regions_table.hpp"

namespace voxkern::regions {
namespace {

// Adds the segments of one chunk to its table.
class Adder {
  public:
    Adder(const Job& job, Table& table) : job_(job), table_(table), row_axis_(job.axes.rank() - 1) {
        if (job.image != nullptr) dtype_ = job.image->dtype;
        stride_ = job.axes[row_axis_].strides[kImage];
    }

    // Of `rows` rows so far.
    void add(std::size_t rows, const Walk<3>& walk, const Segment& segment) {
        const Wanted& wanted = table_.wanted;
        if (table_.counts.size() < rows) {
            table_.resize(rows);
            if (wanted.moments) sums_of_powers_.resize(rows);
        }
        add_counts(segment);
        if (job_.image != nullptr) {
            image_ = job_.image->at(walk.offsets()[kImage]);
            const void* const from = job_.image->at(walk.offsets()[kImage] + segment.first * stride_);
            job_.ops.load(dtype_, from, stride_, segment.last - segment.first, samples_ + segment.first);
        }
        if (wanted.sums || wanted.centres) job_.ops.sums(samples_, segment.runs, sums_);
        if (wanted.sums) add_sums(segment);
        if (wanted.moments) add_moments(segment);
        if (wanted.centres) add_centres(walk, segment);
        if (wanted.boxes || wanted.indices) add_places(walk, segment);
        if (!wanted.extremes) return;
        if (dtype_ == DType::i64) {
            add_extremes(walk, segment, static_cast<const std::int64_t*>(image_), stride_);
        } else if (dtype_ == DType::u64) {
            add_extremes(walk, segment, static_cast<const std::uint64_t*>(image_), stride_);
        } else {
            add_extremes(walk, segment, samples_, 1);
        }
    }

    void finish() {
        for (std::size_t k = 0; k < sums_of_powers_.size(); ++k) {
            const SumsOfPowers& sums = sums_of_powers_[k];
            const double mean = sums.first / static_cast<double>(table_.counts[k]);
            const double squares = sums.second - sums.first * mean;
            table_.spreads[k] = {sums.pivot, mean, squares < 0.0 ? 0.0 : squares};
        }
    }

  private:
    // Of x - pivot, the first sample, in this chunk. Where the pivot is far from all others, squares about the mean
    // lose as many roundings as the chunk has samples: 1e-9 of them at most.
    struct SumsOfPowers {
        double pivot = 0.0;
        double first = 0.0;
        double second = 0.0;
    };

    static std::size_t slot(const Segment& segment, std::int64_t r) {
        return static_cast<std::size_t>(segment.slots[r]);
    }

    void add_counts(const Segment& segment) {
        for (std::int64_t r = 0; r < segment.runs.count; ++r) {
            std::int64_t& count = table_.counts[slot(segment, r)];
            fresh_[r] = count == 0;
            count += segment.runs.ends[r] - segment.runs.begins[r];
        }
    }

    // Narrow integers have an exact sum in float64 for each run; sums of 64-bit integers are made of the integers.
    void add_sums(const Segment& segment) {
        const bool wide = dtype_ == DType::i64 || dtype_ == DType::u64;
        for (std::int64_t r = 0; r < segment.runs.count; ++r) {
            Sum& to = table_.sums[slot(segment, r)];
            to.sum += sums_[r];
            if (is_float(dtype_)) continue;
            std::uint64_t whole = wide ? 0 : static_cast<std::uint64_t>(static_cast<std::int64_t>(sums_[r]));
            const auto* const x = static_cast<const std::uint64_t*>(image_);
            for (std::int64_t i = segment.runs.begins[r]; wide && i < segment.runs.ends[r]; ++i)
                whole += x[i * stride_];
            to.whole = static_cast<std::int64_t>(static_cast<std::uint64_t>(to.whole) + whole);
        }
    }

    void add_moments(const Segment& segment) {
        for (std::int64_t r = 0; r < segment.runs.count; ++r) {
            SumsOfPowers& to = sums_of_powers_[slot(segment, r)];
            if (fresh_[r]) to.pivot = samples_[segment.runs.begins[r]];
            pivots_[r] = to.pivot;
        }
        job_.ops.moments(samples_, segment.runs, pivots_, firsts_, seconds_);
        for (std::int64_t r = 0; r < segment.runs.count; ++r) {
            SumsOfPowers& to = sums_of_powers_[slot(segment, r)];
            to.first += firsts_[r];
            to.second += seconds_[r];
        }
    }

    void add_centres(const Walk<3>& walk, const Segment& segment) {
        job_.ops.weighted(samples_, segment.runs, static_cast<double>(walk.index(row_axis_)), firsts_);
        for (std::int64_t r = 0; r < segment.runs.count; ++r) {
            double* const to = table_.centres.data() + slot(segment, r) * static_cast<std::size_t>(table_.rank);
            for (int a = 0; a < row_axis_; ++a) {
                to[job_.order[static_cast<std::size_t>(a)]] += static_cast<double>(walk.index(a)) * sums_[r];
            }
            to[job_.order[static_cast<std::size_t>(row_axis_)]] += firsts_[r];
        }
    }

    void add_places(const Walk<3>& walk, const Segment& segment) {
        for (std::int64_t r = 0; r < segment.runs.count; ++r) {
            const std::int64_t n = segment.runs.ends[r] - segment.runs.begins[r];
            const std::size_t row = slot(segment, r) * static_cast<std::size_t>(table_.rank);
            for (int a = 0; a <= row_axis_; ++a) {
                const bool along = a == row_axis_;
                const std::int64_t low = walk.index(a) + (along ? segment.runs.begins[r] : 0);
                const std::int64_t high = along ? low + n - 1 : low;
                const std::size_t to = row + static_cast<std::size_t>(job_.order[static_cast<std::size_t>(a)]);
                if (table_.wanted.boxes) widen(&table_.boxes[2 * to], fresh_[r], low, high);
                // Of 2 n numbers half are meant; the product is even.
                if (table_.wanted.indices) table_.indices[to] += (low + high) * n / 2;
            }
        }
    }

    // The smallest value and the largest of each run, and whether there is a NaN.
    void find_extremes(const double* x, std::int64_t, const Segment& segment, double* lows, double* highs) {
        job_.ops.extremes(x, segment.runs, lows, highs, not_numbers_);
    }
    template <class T>
    void find_extremes(const T* x, std::int64_t stride, const Segment& segment, T* lows, T* highs) {
        for (std::int64_t r = 0; r < segment.runs.count; ++r) {
            lows[r] = highs[r] = x[segment.runs.begins[r] * stride];
            not_numbers_[r] = 0;
            for (std::int64_t i = segment.runs.begins[r] + 1; i < segment.runs.ends[r]; ++i) {
                lows[r] = std::min(lows[r], x[i * stride]);
                highs[r] = std::max(highs[r], x[i * stride]);
            }
        }
    }

    template <class T>
    void add_extremes(const Walk<3>& walk, const Segment& segment, const T* x, std::int64_t stride) {
        T lows[kSegment];
        T highs[kSegment];
        find_extremes(x, stride, segment, lows, highs);
        const std::int64_t step = job_.axes[row_axis_].strides[kPosition];
        for (std::int64_t r = 0; r < segment.runs.count; ++r) {
            Extremes& to = table_.extremes[slot(segment, r)];
            const std::int64_t start = walk.offsets()[kPosition] + segment.runs.begins[r] * step;
            // Calls take(position) with the first sample of the run that passes.
            const auto first_that = [&](const auto& passes, const auto& take) {
                for (std::int64_t i = segment.runs.begins[r]; i < segment.runs.ends[r]; ++i) {
                    if (passes(x[i * stride])) return take(walk.offsets()[kPosition] + i * step);
                }
            };
            if (is_better<T, true>(lows[r], start, to.minimum, to.minimum_at)) {
                first_that([&](T v) { return v == lows[r]; },
                           [&](std::int64_t at) { take_better<T, true>(lows[r], at, to.minimum, to.minimum_at); });
            }
            if (is_better<T, false>(highs[r], start, to.maximum, to.maximum_at)) {
                first_that([&](T v) { return v == highs[r]; },
                           [&](std::int64_t at) { take_better<T, false>(highs[r], at, to.maximum, to.maximum_at); });
            }
            if (not_numbers_[r] != 0 && (to.not_number_at < 0 || start < to.not_number_at)) {
                first_that([&](T v) { return v != v; },
                           [&](std::int64_t at) {
                               to.not_number_at = to.not_number_at < 0 ? at : std::min(to.not_number_at, at);
                           });
            }
        }
    }

    template <class T, bool kSmaller>
    static void take_better(T value, std::int64_t value_at, std::uint64_t& best, std::int64_t& at) {
        if (!is_better<T, kSmaller>(value, value_at, best, at)) return;
        best = bits_of(value);
        at = value_at;
    }

    const Job& job_;
    Table& table_;
    int row_axis_;
    std::int64_t stride_ = 1;
    DType dtype_ = DType::f64;
    const void* image_ = nullptr;  // where the segment starts
    std::vector<SumsOfPowers> sums_of_powers_;
    // Row loops read whole vectors: what lies behind the last sample.
    static constexpr std::int64_t kPadded = kSegment + 8;
    Workspace memory_{Workspace::bytes_of<double>({kPadded, kSegment, kSegment, kSegment, kSegment}) +
                      Workspace::bytes_of<std::uint8_t>({kSegment, kSegment})};
    double* samples_ = memory_.take<double>(kPadded);
    double* sums_ = memory_.take<double>(kSegment);
    double* pivots_ = memory_.take<double>(kSegment);
    double* firsts_ = memory_.take<double>(kSegment);
    double* seconds_ = memory_.take<double>(kSegment);
    std::uint8_t* not_numbers_ = memory_.take<std::uint8_t>(kSegment);
    bool* fresh_ = memory_.take<bool>(kSegment);
};

// One chunk's table; row k is of the label, or has the row in the whole table, that keys[k] says.
struct Part {
    Table table;
    std::vector<std::int64_t> keys;
};

Part part_of(const Job& job, const Wanted& wanted, std::int64_t chunk) {
    Part part;
    part.table.rank = job.labels.rank;
    part.table.wanted = wanted;
    Slots slots(job.keys());
    Adder adder(job, part.table);
    for_segments(
        job, chunk, [&](std::int64_t key) { return slots.of(key); },
        [&](const Walk<3>& walk, const Segment& segment) { adder.add(slots.size(), walk, segment); });
    adder.finish();
    part.keys = std::move(slots).keys();
    return part;
}

}  // namespace
}  // namespace voxkern::regions

namespace voxkern {

regions::Table cpu::regions(const ConstArrayView& labels, const std::optional<ConstArrayView>& image,
                            const regions::Names& names, const regions::Wanted& wanted, const Exec& exec) {
    using namespace voxkern::regions;
    const bool apart = wanted.boxes || wanted.indices || wanted.centres;
    const Job job = job_of(labels, image ? &*image : nullptr, names, false, apart);
    Table table;
    table.rank = labels.rank;
    table.wanted = wanted;
    table.resize(static_cast<std::size_t>(names.count()));
    Slots found;
    make_and_join(
        job.chunks, limited_to_work(exec, job.size), [&](std::int64_t chunk) { return part_of(job, wanted, chunk); },
        [&](const Part& part) {
            std::vector<std::int64_t> rows = part.keys;
            if (names.open()) {
                for (std::int64_t& row : rows) row = found.of(row);
                table.resize(found.size());
            }
            for (std::size_t k = 0; k < rows.size(); ++k) {
                const std::int64_t row = rows[k];
                join_row(table, static_cast<std::size_t>(row), part.table, k, image ? image->dtype : DType::f64);
            }
        });
    table.labels = std::move(found).keys();
    return table;
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "kernels/measure/measure.hpp"
#include "kernels/measure/measure_run.hpp"

namespace voxkern::measure {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

Extremes both(const Extremes& a, const Extremes& b) {
    return {a.count + b.count, a.not_numbers + b.not_numbers, std::min(a.minimum, b.minimum),
            std::max(a.maximum, b.maximum)};
}

// Runs join(part, values, n) on the blocks of each piece; returns the parts of the pieces in their order.
template <class Part, class Join>
std::vector<Part> parts_of(const Job& job, const Part& none, const Exec& exec, const Join& join) {
    std::vector<Part> parts(static_cast<std::size_t>(job.pieces), none);
    parallel_for(job.pieces, limited_to_work(exec, job.size), [&](std::int64_t piece) {
        Part& part = parts[static_cast<std::size_t>(piece)];
        for_blocks(job, piece, [&](const void* values, std::int64_t n) { join(part, values, n); });
    });
    return parts;
}

constexpr std::int64_t kFew = 4096;  // elements that are sorted faster than counts are cleared

// The neighbours of a few elements, their whole keys known.
std::vector<Sought> sort(const Job& job, const std::vector<double>& quantiles, Quantiles& found) {
    std::vector<std::uint64_t> keys(static_cast<std::size_t>(job.size));
    for_blocks(job, 0, [&](const void* values, std::int64_t n) {
        job.ops.keys(values, n, keys.data() + found.count);
        found.count += n;
    });
    keys.resize(static_cast<std::size_t>(found.count));
    std::sort(keys.begin(), keys.end());
    if (is_float(job.image.voxels.dtype)) {
        const std::uint64_t last = ~std::uint64_t{0} >> (64 - 8 * job.itemsize);
        found.not_numbers = keys.end() - std::lower_bound(keys.begin(), keys.end(), last);
    }
    if (found.count == 0 || found.not_numbers > 0) return {};
    std::vector<Sought> sought = sought_of(quantiles, found.count, found);
    for (Sought& s : sought) s.prefix = keys[static_cast<std::size_t>(s.rank)];
    return sought;
}

// The next digits, the highest first. Elements whose known digits agree share a pass over the image and its counts.
void take_digits(const Job& job, std::vector<Sought>& sought, int shift, const Exec& exec) {
    constexpr std::int64_t kMost = 8;  // prefixes of a pass: 4 MB of counts per thread
    for (; shift >= 0; shift -= kDigitBits) {
        for (std::size_t begin = 0; begin < sought.size();) {
            std::vector<Digit> digits;
            std::vector<std::size_t> ends;
            std::size_t end = begin;
            for (; end < sought.size(); ++end) {
                if (digits.empty() || sought[end].prefix != digits.back().prefix) {
                    if (static_cast<std::int64_t>(digits.size()) == kMost) break;
                    digits.push_back({shift, sought[end].prefix});
                    ends.push_back(end);
                }
                ends.back() = end + 1;
            }
            Tallies tallies(static_cast<std::int64_t>(digits.size()) * kDigits);
            tally(job, tallies, exec, [&](const void* values, std::int64_t n, std::int64_t* counts) {
                for (const Digit& digit : digits) {
                    job.ops.digits(digit, values, n, counts);
                    counts += kDigits;
                }
            });
            const std::int64_t* counts = tallies.sum();
            for (std::size_t k = 0; k < digits.size(); ++k) {
                take_digit(counts, sought.data() + (k == 0 ? begin : ends[k - 1]), sought.data() + ends[k]);
                counts += kDigits;
            }
            begin = end;
        }
    }
}

// The neighbours of many elements, digit by digit.
std::vector<Sought> select(const Job& job, const std::vector<double>& quantiles, Quantiles& found, const Exec& exec) {
    const Digit top = {std::max(8 * static_cast<int>(job.itemsize) - kDigitBits, 0), 0};
    Tallies tallies(kDigits);
    tally(job, tallies, exec,
          [&](const void* values, std::int64_t n, std::int64_t* counts) { job.ops.digits(top, values, n, counts); });
    const std::int64_t* const counts = tallies.sum();
    for (std::int64_t i = 0; i < kDigits; ++i) found.count += counts[i];
    // A NaN's key is all ones, and nothing else has its highest digit.
    if (is_float(job.image.voxels.dtype)) found.not_numbers = counts[kDigits - 1];
    if (found.count == 0 || found.not_numbers > 0) return {};
    std::vector<Sought> sought = sought_of(quantiles, found.count, found);
    take_digit(counts, sought.data(), sought.data() + sought.size());
    take_digits(job, sought, top.shift - kDigitBits, exec);
    return sought;
}

void widen(Box& box, int axis, std::int64_t first, std::int64_t last) {
    box.first[axis] = std::min(box.first[axis], first);
    box.last[axis] = std::max(box.last[axis], last);
}

Box empty_box() {
    Box box;
    std::fill(box.first, box.first + kMaxRank, std::numeric_limits<std::int64_t>::max());
    std::fill(box.last, box.last + kMaxRank, -1);
    return box;
}

}  // namespace
}  // namespace voxkern::measure

namespace voxkern {

Moments cpu::measure(const measure::Image& image, const Exec& exec) {
    using namespace voxkern::measure;
    struct Part {
        Moments moments;
        double centre = 0.0;
    };
    const Job job = job_of(image);
    const Exec flushed = image.voxels.dtype == DType::f64 ? exec : flushing_subnormals(exec);
    // The mean of the first block is near enough to all of a piece: where others lie apart, the deviation is as large.
    const auto join = [&](Part& part, const void* values, std::int64_t n) {
        if (part.moments.count == 0.0) part.centre = job.ops.mean(values, n);
        part.moments = joined(part.moments, job.ops.moments(part.centre, values, n));
    };
    Moments all;
    for (const Part& part : parts_of(job, Part{}, flushed, join)) all = joined(all, part.moments);
    return all;
}

measure::Extremes cpu::measure_extremes(const measure::Image& image, const Exec& exec) {
    using namespace voxkern::measure;
    const Job job = job_of(image);
    const auto join = [&](Extremes& part, const void* values, std::int64_t n) {
        part = both(part, job.ops.extremes(values, n));
    };
    Extremes all = {0, 0, kInfinite, -kInfinite};
    for (const Extremes& part : parts_of(job, all, exec, join)) all = both(all, part);
    return all;
}

std::vector<std::int64_t> cpu::measure_histogram(const measure::Image& image, const std::vector<double>& edges,
                                                 const Exec& exec) {
    using namespace voxkern::measure;
    const auto count = static_cast<std::int64_t>(edges.size()) - 1;
    const Bins bins = {edges.data(), count, static_cast<double>(count) / (edges.back() - edges.front())};
    const Job job = job_of(image);
    Tallies tallies(count);
    tally(job, tallies, limited_to_work(exec, 2 * job.size),
          [&](const void* values, std::int64_t n, std::int64_t* counts) { job.ops.bins(bins, values, n, counts); });
    const std::int64_t* const counts = tallies.sum();
    return {counts, counts + count};
}

measure::Quantiles cpu::measure_quantiles(const measure::Image& image, const std::vector<double>& quantiles,
                                          const ArrayView& neighbours, const Exec& exec) {
    using namespace voxkern::measure;
    const Job job = job_of(image);
    Quantiles found;
    const std::vector<Sought> sought =
        job.size <= kFew ? sort(job, quantiles, found) : select(job, quantiles, found, limited_to_work(exec, job.size));
    for (const Sought& s : sought) job.ops.element(s.prefix, neighbours.at(s.place));
    return found;
}

measure::Box cpu::measure_box(const ConstArrayView& in, const std::optional<double>& threshold, const Exec& exec) {
    using namespace voxkern::measure;
    const Ops ops = VOXKERN_SELECT_LEVEL(level).ops(in.dtype);
    Axes<1> axes;  // not merged: each has its own indices
    std::vector<int> order = slowest_first(in.rank, in.strides);
    for (const int a : order) axes.push(in.shape[a], {in.strides[a]});
    if (in.rank == 0) axes.push(1, {1});
    const int row = axes.rank() - 1;
    const std::int64_t size = in.size();
    Box box = empty_box();
    std::mutex mutex;
    parallel_for((size + kPiece - 1) / kPiece, limited_to_work(exec, size / 4), [&](std::int64_t piece) {
        Box mine = empty_box();  // in the order of the walk
        const std::int64_t last = std::min((piece + 1) * kPiece, size);
        for_stretches(axes, piece * kPiece, last, kPiece, [&](const Walk<1>& walk, std::int64_t n) {
            const void* const from = in.at(walk.offsets()[0]);
            const std::int64_t stride = axes[row].strides[0];
            const Stretch s = threshold ? ops.above(*threshold, from, stride, n) : ops.nonzero(from, stride, n);
            if (s.first > s.last) return;
            for (int a = 0; a < row; ++a) widen(mine, a, walk.index(a), walk.index(a));
            widen(mine, row, walk.index(row) + s.first, walk.index(row) + s.last);
        });
        const std::lock_guard<std::mutex> lock(mutex);
        for (int a = 0; a < in.rank; ++a) widen(box, order[static_cast<std::size_t>(a)], mine.first[a], mine.last[a]);
    });
    return box;
}

}  // namespace voxkern

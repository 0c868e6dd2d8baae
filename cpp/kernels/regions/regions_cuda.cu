// SPDX-License-Identifier: Apache-2.0
// Tables of regions on the GPU. What a warp finds of a label in one stretch is added to the tables by atomics of whole
// numbers, whose order does not matter. Sums of floats become whole numbers too: a first pass finds the count and the
// extremes of each label, so that a sum is kept in 124 bits below the largest sum that its label can have.
#include <cmath>

#include "kernels/regions/regions_cuda_table.inl.hpp"
#include "kernels/regions/regions_cuda_task.hpp"

namespace voxkern::regions {
namespace {

// Adds a number as a whole one and 2^-bits of another; `fine` is 2^bits.
__device__ void add_scaled(Signed* pair, double x, double fine) {
    const double whole = std::rint(x);
    const double rest = std::rint((x - whole) * fine);
    auto* const to = reinterpret_cast<Unsigned*>(pair);
    if (whole != 0.0) atomicAdd(&to[0], static_cast<Unsigned>(static_cast<Signed>(whole)));
    if (rest != 0.0) atomicAdd(&to[1], static_cast<Unsigned>(static_cast<Signed>(rest)));
}

// --- first pass: counts, places, extremes, sums of integers ----------------------------------------------------------

// C is what the image is compared in.
template <class C>
struct Survey {
    bool keys = false;
    bool whole = false;
    bool places = false;
    int rank = 0;  // of the arrays
    Columns to;

    struct Own {
        int count = 0;
        Unsigned low = ~Unsigned{0};
        Unsigned high = 0;
        Unsigned whole = 0;
        Signed not_number = kNowhere;
        Signed first = kNowhere;  // along the row
        Signed last = -1;
        Signed index = 0;  // the sum
    };

    __device__ Own start(int) const { return Own(); }

    __device__ void take(Own& own, const Stretches& all, const Stretch& stretch, std::int64_t i) const {
        ++own.count;
        if (places) {
            own.first = least_of<Signed>(own.first, i);
            own.last = most_of<Signed>(own.last, i);
            own.index += i;
        }
        if (!keys && !whole) return;
        const C x = cuda::load_sample<C>(all.image, all.image_dtype, stretch.at[kImage] + i * all.step[kImage]);
        if (whole) {
            if constexpr (kSame<C, std::uint64_t>) {
                own.whole += x;
            } else {
                own.whole += static_cast<Unsigned>(static_cast<Signed>(x));
            }
        }
        if (!keys) return;
        if constexpr (kSame<C, double>) {
            if (x != x) {
                own.not_number = least_of<Signed>(own.not_number, stretch.at[kPosition] + i * all.step[kPosition]);
                return;
            }
        }
        const Unsigned key = key_of(x);
        own.low = least_of(own.low, key);
        own.high = most_of(own.high, key);
    }

    __device__ void flush(const Own& own, int row, const Stretches& all, const Stretch& stretch) const {
        const bool leads = lane() == 0;
        const int count = __shfl_sync(cuda::kAllLanes, cuda::warp_sum(own.count), 0);
        if (leads) atomicAdd(reinterpret_cast<Unsigned*>(&to.counts[row]), static_cast<Unsigned>(count));
        if (whole) {
            const Unsigned sum = cuda::warp_sum(own.whole);
            if (leads) atomicAdd(&to.whole[row], sum);
        }
        if (keys) {
            const Unsigned low = cuda::warp_reduce(own.low, least_of<Unsigned>);
            const Unsigned high = cuda::warp_reduce(own.high, most_of<Unsigned>);
            const Signed nowhere = cuda::warp_reduce(own.not_number, least_of<Signed>);
            if (leads) lower(&to.low[row], low);
            if (leads) raise(&to.high[row], high);
            if (leads) lower(&to.not_number[row], nowhere);
        }
        if (!places) return;
        Signed first = cuda::warp_reduce(own.first, least_of<Signed>);
        Signed last = cuda::warp_reduce(own.last, most_of<Signed>);
        Signed index = cuda::warp_sum(own.index);
        first = __shfl_sync(cuda::kAllLanes, first, 0);
        last = __shfl_sync(cuda::kAllLanes, last, 0);
        index = __shfl_sync(cuda::kAllLanes, index, 0);
        if (lane() > all.rank) return;  // a lane for each axis, and one for that along the row
        int axis = all.inner;
        if (lane() < all.rank) {
            axis = all.order[lane()];
            first = last = all.index(stretch.row, lane());
            index = first * count;
        }
        const std::int64_t at = std::int64_t{row} * rank + axis;
        if (to.firsts != nullptr) lower(&to.firsts[at], first);
        if (to.lasts != nullptr) raise(&to.lasts[at], last);
        if (to.indices != nullptr && index != 0) {
            atomicAdd(reinterpret_cast<Unsigned*>(&to.indices[at]), static_cast<Unsigned>(index));
        }
    }
};

// --- second pass: sums, and where the extremes are -------------------------------------------------------------------

template <class C>
struct Collect {
    bool scaled = false;
    bool extremes = false;
    int rank = 0;
    double narrow = 1.0;  // a power of two: indices times it are below 1
    Columns to;

    struct Own {
        double scale = 0.0;
        double sum = 0.0;
        double weighted = 0.0;  // by the index along the row
        C low = C{0};
        C high = C{0};
        Signed low_at = kNowhere;
        Signed high_at = kNowhere;
    };

    __device__ Own start(int row) const {
        Own own;
        if (scaled) own.scale = to.scale[row];
        own.low = value_of<C>(to.low[row]);
        own.high = value_of<C>(to.high[row]);
        return own;
    }

    __device__ void take(Own& own, const Stretches& all, const Stretch& stretch, std::int64_t i) const {
        const C x = cuda::load_sample<C>(all.image, all.image_dtype, stretch.at[kImage] + i * all.step[kImage]);
        const double scaled_x = static_cast<double>(x) * own.scale;
        own.sum += scaled_x;
        own.weighted = std::fma(scaled_x, static_cast<double>(i), own.weighted);
        if (!extremes) return;
        const Signed at = stretch.at[kPosition] + i * all.step[kPosition];
        if (x == own.low) own.low_at = least_of(own.low_at, at);
        if (x == own.high) own.high_at = least_of(own.high_at, at);
    }

    __device__ void flush(const Own& own, int row, const Stretches& all, const Stretch& stretch) const {
        if (extremes) {
            const Signed low_at = cuda::warp_reduce(own.low_at, least_of<Signed>);
            const Signed high_at = cuda::warp_reduce(own.high_at, least_of<Signed>);
            if (lane() == 0) lower(&to.low_at[row], low_at);
            if (lane() == 0) lower(&to.high_at[row], high_at);
        }
        if (own.scale == 0.0) return;  // that of the row: all lanes
        const double sum = __shfl_sync(cuda::kAllLanes, cuda::warp_sum(own.sum), 0);
        const double fine = to.fine[row];
        if (lane() == 0) add_scaled(&to.sums[2 * std::int64_t{row}], sum, fine);
        if (to.centres == nullptr) return;
        const double weighted = __shfl_sync(cuda::kAllLanes, cuda::warp_sum(own.weighted), 0);
        if (lane() > all.rank) return;
        const bool along = lane() == all.rank;
        const int axis = along ? all.inner : all.order[lane()];
        const double moment = along ? weighted : static_cast<double>(all.index(stretch.row, lane())) * sum;
        add_scaled(&to.centres[2 * (std::int64_t{row} * rank + axis)], moment * narrow, fine);
    }
};

// --- third pass: squares about the mean ------------------------------------------------------------------------------

struct Spreads {
    Columns to;

    struct Own {
        double mean = 0.0;
        double scale = 0.0;
        double squares = 0.0;
    };

    __device__ Own start(int row) const {
        Own own;
        own.mean = to.mean[row];
        own.scale = to.spread[row];
        return own;
    }
    __device__ void take(Own& own, const Stretches& all, const Stretch& stretch, std::int64_t i) const {
        const double x =
            cuda::load_sample<double>(all.image, all.image_dtype, stretch.at[kImage] + i * all.step[kImage]);
        const double d = (x - own.mean) * own.scale;
        own.squares = std::fma(d, d, own.squares);
    }
    __device__ void flush(const Own& own, int row, const Stretches&, const Stretch&) const {
        if (own.scale == 0.0) return;
        const double squares = cuda::warp_sum(own.squares);
        if (lane() == 0) add_scaled(&to.squares[2 * std::int64_t{row}], squares, to.fine[row]);
    }
};

// --- between the passes ----------------------------------------------------------------------------------------------

// Bits that a number may have where `count` of them are added up in 62 bits.
__device__ int bits_for(Signed count) {
    int bits = 62;
    for (Signed n = 1; n < count; n *= 2) --bits;
    return bits;
}

__device__ double power_of_two(int exponent) {
    return std::ldexp(1.0, exponent < 1023 ? exponent : 1023);
}

template <class C>
__global__ void scale_sums(Columns to, std::int64_t rows) {
    for (std::int64_t row = cuda::first_position(); row < rows; row += cuda::position_step()) {
        const Signed count = to.counts[row];
        const int bits = bits_for(count);
        const double low = std::fabs(static_cast<double>(value_of<C>(to.low[row])));
        const double high = std::fabs(static_cast<double>(value_of<C>(to.high[row])));
        const double most = low < high ? high : low;
        const bool finite = count > 0 && to.not_number[row] == kNowhere && most < HUGE_VAL;
        to.fine[row] = power_of_two(bits);
        to.scale[row] = finite ? power_of_two(most > 0.0 ? bits - std::ilogb(most) - 1 : 0) : 0.0;
    }
}

template <class C>
__global__ void scale_squares(Columns to, std::int64_t rows) {
    for (std::int64_t row = cuda::first_position(); row < rows; row += cuda::position_step()) {
        to.mean[row] = 0.0;
        to.spread[row] = 0.0;
        if (to.scale[row] == 0.0) continue;
        const auto count = static_cast<double>(to.counts[row]);
        const double mean = unscaled(&to.sums[2 * row], to.fine[row], count) / to.scale[row];
        const double below = mean - static_cast<double>(value_of<C>(to.low[row]));
        const double above = static_cast<double>(value_of<C>(to.high[row])) - mean;
        const double most = below < above ? above : below;
        to.mean[row] = mean;
        if (to.low[row] == to.high[row] || !(most > 0.0 && most < HUGE_VAL)) continue;
        to.spread[row] = power_of_two(bits_for(to.counts[row]) / 2 - std::ilogb(most) - 1);
    }
}

// --- host side -------------------------------------------------------------------------------------------------------

template <class C>
void run_passes(const Stretches& all, const DeviceNames& names, const Passes& passes, int rank, double narrow,
                std::int64_t rows, const Columns& to, const cuda::Exec& exec) {
    const Wanted& wanted = passes.wanted;
    const cudaLaunchConfig_t over_samples = config_for(all, exec.stream);
    const cudaLaunchConfig_t over_rows = cuda::config_for(rows, exec.stream);
    const Survey<C> survey = {passes.keys, passes.whole, wanted.boxes || wanted.indices, rank, to};
    cuda::launch("survey", over_samples, gather<Survey<C>>, all, names, survey);
    if (passes.scaled) cuda::launch("scale_sums", over_rows, scale_sums<C>, to, rows);
    if (passes.second()) {
        const Collect<C> collect = {passes.scaled, wanted.extremes, rank, narrow, to};
        cuda::launch("collect", over_samples, gather<Collect<C>>, all, names, collect);
    }
    if (!wanted.moments) return;
    cuda::launch("scale_squares", over_rows, scale_squares<C>, to, rows);
    cuda::launch("spreads", over_samples, gather<Spreads>, all, names, Spreads{to});
}

// Calls run(C{}) with what an image is compared in.
template <class Run>
void with_compared(const ConstArrayView* image, const Run& run) {
    if (image != nullptr && image->dtype == DType::i64) {
        run(std::int64_t{});
    } else if (image != nullptr && image->dtype == DType::u64) {
        run(std::uint64_t{});
    } else {
        run(double{});
    }
}

// Rows of the columns that make the table, and their labels: all of closed names, else those that have samples.
std::vector<std::size_t> chosen_rows(const Columns& columns, const Names& asked, const Names& known, Table& table) {
    std::vector<std::size_t> rows;
    for (std::int64_t k = 0; k < known.count(); ++k) {
        const auto row = static_cast<std::size_t>(k);
        if (asked.open()) {
            const bool listed = known.kind() == Names::Kind::listed;
            const auto label = listed ? known.labels()[row]
                                      : static_cast<std::int64_t>(static_cast<std::uint64_t>(known.lowest()) + row);
            if (columns.counts[row] == 0 || (asked.kind() == Names::Kind::not_zero && label == 0)) continue;
            table.labels.push_back(label);
        }
        rows.push_back(row);
    }
    return rows;
}

}  // namespace
}  // namespace voxkern::regions

namespace voxkern {

regions::Table cuda::regions(const ConstArrayView& labels, const std::optional<ConstArrayView>& image,
                             const regions::Names& names, const regions::Wanted& wanted, const Exec& exec) {
    using namespace voxkern::regions;
    const ConstArrayView* const beside = image ? &*image : nullptr;
    const bool apart = wanted.boxes || wanted.indices || wanted.centres;
    const Stretches all = stretches_of(labels, beside, apart);
    const Names known = known_names(names, labels, exec);
    const auto rows = static_cast<std::size_t>(known.count());
    const auto rank = static_cast<std::size_t>(labels.rank);
    const Passes passes(wanted, beside);
    double narrow = 1.0;
    for (int a = 0; a < labels.rank; ++a) {
        while (static_cast<double>(labels.shape[a]) * narrow > 1.0) narrow /= 2.0;
    }
    Layout layout;
    columns_at(nullptr, passes, rows, rank, layout);
    const Scratch<Signed> memory(layout.all, exec);
    fill(memory.data(), layout.zeros, 0, exec);
    fill(memory.data() + layout.zeros, layout.nowhere, kNowhere & 0xFF, exec);
    fill(memory.data() + layout.zeros + layout.nowhere, layout.ones, 0xFF, exec);
    const NamesThere there(known, labels.dtype, exec);
    std::vector<Signed> copy(layout.all);
    Table table;
    table.rank = labels.rank;
    table.wanted = wanted;
    with_compared(beside, [&](auto compared) {
        using C = decltype(compared);
        const Columns columns = columns_at(memory.data(), passes, rows, rank, layout);
        if (rows > 0 && labels.size() > 0) {
            run_passes<C>(all, there.names(), passes, labels.rank, narrow, known.count(), columns, exec);
        }
        if (rows > 0) fetch(copy.data(), memory.data(), layout.all, exec);
        const Columns host = columns_at(copy.data(), passes, rows, rank, layout);
        const std::vector<std::size_t> chosen = chosen_rows(host, names, known, table);
        table.resize(chosen.size());
        for (std::size_t row = 0; row < chosen.size(); ++row) {
            table.counts[row] = host.counts[chosen[row]];
            finish_places(host, chosen[row], table, row);
            if (image) finish_image<C>(host, passes, chosen[row], narrow, table, row);
        }
    });
    return table;
}

}  // namespace voxkern

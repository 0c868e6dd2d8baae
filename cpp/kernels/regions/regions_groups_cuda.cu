// SPDX-License-Identifier: Apache-2.0
// Samples of each label side by side, and their order statistics, on the GPU: a radix sort that keeps the order of
// equal digits. Warps rank their elements by ballots, so that the order is that of the array, whoever comes first.
#include <array>
#include <cstring>
#include <memory>

#include "core/cuda/keys.hpp"
#include "core/cuda/positions.hpp"
#include "core/quantiles.hpp"
#include "core/words.hpp"
#include "kernels/regions/regions_cuda.inl.hpp"

namespace voxkern::regions {
namespace {

constexpr int kBits = 8;  // of a digit
constexpr int kDigits = 1 << kBits;
constexpr int kSteps = 8;  // elements of a thread
constexpr int kWarps = cuda::kBlockThreads / cuda::kWarp;
constexpr std::int64_t kTile = kSteps * cuda::kBlockThreads;
static_assert(kDigits == cuda::kBlockThreads, "a thread for each digit");

// What is sorted: positions or keys, with the row of each.
template <class A>
struct Pair {
    A value;
    std::uint32_t row;
};

template <class A>
struct Pairs {
    using Value = A;
    A* values = nullptr;
    std::uint32_t* rows = nullptr;  // null: nobody asks for them any more

    __device__ bool load(std::int64_t k, Pair<A>& pair) const {
        pair = {values[k], rows[k]};
        return true;
    }
};

// Positions in C order of samples whose label has a row.
template <class A>
struct Labelled {
    using Value = A;
    DType dtype = DType::u8;
    DeviceNames names;
    const void* labels = nullptr;
    cuda::Positions<1> positions;

    __device__ bool load(std::int64_t k, Pair<A>& pair) const {
        const int row = names.find(cuda::load_sample<std::int64_t>(labels, dtype, positions.at(k).of[0]));
        pair = {static_cast<A>(k), static_cast<std::uint32_t>(row)};
        return row >= 0;
    }
};

// A digit of the rows, or of the values.
struct Digit {
    bool of_row = true;
    int shift = 0;

    template <class A>
    __device__ unsigned of(const Pair<A>& pair) const {
        return static_cast<unsigned>((of_row ? pair.row : pair.value) >> shift) & (kDigits - 1);
    }
};

struct OwnDigits {
    unsigned count[kDigits];
};

// counts[digit][block]
template <class Source>
__global__ void count_digits(Source source, std::int64_t size, Digit digit, unsigned* counts) {
    unsigned* const own = cuda::block_shared<OwnDigits>().count;
    own[threadIdx.x] = 0;
    __syncthreads();
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kTile;
    for (std::int64_t k = first + threadIdx.x; k < first + kTile && k < size; k += cuda::kBlockThreads) {
        Pair<typename Source::Value> pair;
        if (source.load(k, pair)) atomicAdd(&own[digit.of(pair)], 1U);
    }
    __syncthreads();
    counts[static_cast<std::int64_t>(threadIdx.x) * gridDim.x + blockIdx.x] = own[threadIdx.x];
}

// A block for each digit: counts before each block of the sort, and all of them.
__global__ void sum_counts(unsigned* counts, std::int64_t blocks, unsigned* totals) {
    unsigned* const mine = counts + blockIdx.x * blocks;
    unsigned before = 0;
    for (std::int64_t first = 0; first < blocks; first += blockDim.x) {
        const std::int64_t b = first + threadIdx.x;
        unsigned all = 0;
        const unsigned earlier = cuda::block_scan(b < blocks ? mine[b] : 0U, all);
        if (b < blocks) mine[b] = before + earlier;
        before += all;
    }
    if (threadIdx.x == 0) totals[blockIdx.x] = before;
}

// Lanes that are active and have this lane's digit.
__device__ unsigned lanes_alike(bool active, unsigned digit) {
    unsigned alike = __ballot_sync(cuda::kAllLanes, active ? 1 : 0);
    for (int bit = 0; bit < kBits; ++bit) {
        const bool set = (digit >> bit & 1) != 0;
        const unsigned lanes = __ballot_sync(cuda::kAllLanes, set ? 1 : 0);
        alike &= set ? lanes : ~lanes;
    }
    return alike;
}

struct WarpDigits {
    unsigned count[kWarps][kDigits];
};

template <class Source>
__global__ void scatter(Source source, std::int64_t size, Digit digit, const unsigned* counts, const unsigned* totals,
                        Pairs<typename Source::Value> out) {
    auto& digits = cuda::block_shared<WarpDigits>();
    const int warp = static_cast<int>(threadIdx.x) / cuda::kWarp;
    unsigned* const own = digits.count[warp];
    for (int d = lane(); d < kDigits; d += cuda::kWarp) own[d] = 0;
    __syncwarp();
    Pair<typename Source::Value> pair[kSteps];
    unsigned rank[kSteps];  // among those of its warp with its digit
    unsigned active = 0;
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kTile + warp * kSteps * cuda::kWarp + lane();
#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
        const std::int64_t k = first + s * cuda::kWarp;
        pair[s] = {};
        const bool here = k < size && source.load(k, pair[s]);
        const unsigned d = digit.of(pair[s]);
        const unsigned alike = lanes_alike(here, d);
        const unsigned before = alike & ((1U << lane()) - 1);
        rank[s] = own[d] + static_cast<unsigned>(__popc(before));
        active |= here ? 1U << s : 0U;
        __syncwarp();
        if (here && before == 0) own[d] += static_cast<unsigned>(__popc(alike));
        __syncwarp();
    }
    __syncthreads();
    // A thread for each digit: where those of each warp begin.
    unsigned all = 0;
    unsigned at = cuda::block_scan(totals[threadIdx.x], all);
    at += counts[static_cast<std::int64_t>(threadIdx.x) * gridDim.x + blockIdx.x];
    for (int w = 0; w < kWarps; ++w) {
        const unsigned those = digits.count[w][threadIdx.x];
        digits.count[w][threadIdx.x] = at;
        at += those;
    }
    __syncthreads();
#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
        if ((active >> s & 1) == 0) continue;
        const std::int64_t to = std::int64_t{own[digit.of(pair[s])]} + rank[s];
        out.values[to] = pair[s].value;
        if (out.rows != nullptr) out.rows[to] = pair[s].row;
    }
}

// --- what the sort is for --------------------------------------------------------------------------------------------

// Samples, positions and indices of grouped samples.
struct Writer {
    int rank = 0;
    int bytes = 0;  // of a sample
    const void* image = nullptr;
    void* samples = nullptr;
    std::int64_t* positions = nullptr;
    std::int64_t* indices = nullptr;
    cuda::Positions<1> places;  // of the image, in C order
    std::int64_t shape[kMaxRank] = {};

    template <class W>
    __device__ void copy(std::int64_t k, std::int64_t position) const {
        static_cast<W*>(samples)[k] = static_cast<const W*>(image)[places.at(position).of[0]];
    }
    __device__ void write(std::int64_t k, std::int64_t size, std::int64_t position) const {
        if (samples != nullptr) {
            if (bytes == 1) copy<std::uint8_t>(k, position);
            if (bytes == 2) copy<std::uint16_t>(k, position);
            if (bytes == 4) copy<std::uint32_t>(k, position);
            if (bytes == 8) copy<std::uint64_t>(k, position);
        }
        if (positions != nullptr) positions[k] = position;
#pragma unroll 1
        for (int a = rank - 1; a >= 0 && indices != nullptr; --a) {
            indices[a * size + k] = position % shape[a];
            position /= shape[a];
        }
    }
};

template <class A>
__global__ void write_pairs(const A* sorted, std::int64_t size, Writer writer) {
    for (std::int64_t k = cuda::first_position(); k < size; k += cuda::position_step()) {
        writer.write(k, size, static_cast<std::int64_t>(sorted[k]));
    }
}

// Keys of grouped samples and their rows.
template <class K>
__global__ void make_keys(const void* samples, cuda::Keys<K> keys, const std::int64_t* offsets, std::int64_t rows,
                          std::int64_t size, Pairs<K> out) {
    for (std::int64_t k = cuda::first_position(); k < size; k += cuda::position_step()) {
        keys.with_input([&](auto type) {
            using T = typename decltype(type)::type;
            out.values[k] = keys.load(static_cast<const T*>(samples)[k]);
        });
        std::int64_t first = 0;  // the last row that does not begin behind k
        for (std::int64_t last = rows; last - first > 1;) {
            const std::int64_t middle = (first + last) / 2;
            (offsets[middle] <= k ? first : last) = middle;
        }
        out.rows[k] = static_cast<std::uint32_t>(first);
    }
}

// Elements of the sorted keys, as samples.
template <class K>
__global__ void take_ranks(const K* sorted, cuda::Keys<K> keys, const std::int64_t* places, std::int64_t count,
                           void* neighbours) {
    for (std::int64_t k = cuda::first_position(); k < count; k += cuda::position_step()) {
        if (places[k] < 0) continue;
        keys.with_output([&](auto type) {
            using T = typename decltype(type)::type;
            static_cast<T*>(neighbours)[k] = keys.template save<T>(sorted[places[k]]);
        });
    }
}

template <class K>
__global__ void count_nan(const K* sorted, K nan, const std::int64_t* offsets, std::int64_t rows,
                          std::int64_t* counts) {
    for (std::int64_t row = cuda::first_position(); row < rows; row += cuda::position_step()) {
        std::int64_t first = offsets[row];
        const std::int64_t end = offsets[row + 1];
        for (std::int64_t left = end - first; left > 0;) {
            const std::int64_t half = left / 2;
            const bool below = sorted[first + half] < nan;
            first = below ? first + half + 1 : first;
            left = below ? left - half - 1 : half;
        }
        counts[row] = end - first;
    }
}

// --- host side -------------------------------------------------------------------------------------------------------

constexpr std::int64_t kMost = std::int64_t{1} << 32;  // samples that are sorted

// Two arrays of pairs: one pass reads what the other wrote.
template <class A>
class Sort {
  public:
    // `size` pairs at the end; the first pass may read more.
    Sort(std::int64_t size, bool needs_rows, const cuda::Exec& exec)
        : exec_(exec), size_(size), needs_rows_(needs_rows), totals_(kDigits, exec) {
        if (size >= kMost) throw InvalidArgument("labels: got 2^32 samples to sort, allowed fewer on a GPU");
    }

    template <class Source>
    void pass(const Source& source, std::int64_t size, const Digit& digit) {
        const std::int64_t blocks = cuda::ceil_div(size, kTile);
        const cuda::Scratch<unsigned> counts(static_cast<std::size_t>(blocks * kDigits), exec_);
        const auto over = [&](std::int64_t n) {
            return cuda::config(cuda::blocks_x(n), cuda::kBlockThreads, 0, exec_.stream);
        };
        cuda::launch("count_digits", over(blocks), count_digits<Source>, source, size, digit, counts.data());
        cuda::launch("sum_counts", over(kDigits), sum_counts, counts.data(), blocks, totals_.data());
        cuda::launch("scatter", over(blocks), scatter<Source>, source, size, digit, counts.data(), totals_.data(),
                     to());
        now_ = 1 - now_;
    }
    void again(const Digit& digit) { pass(from(), size_, digit); }

    // Where the next pass writes, and what the last one wrote.
    Pairs<A> to() { return of(1 - now_); }
    Pairs<A> from() { return of(now_); }
    // What was written otherwise counts as a pass.
    void written() { now_ = 1 - now_; }

  private:
    struct Memory {
        cuda::Scratch<A> values;
        cuda::Scratch<std::uint32_t> rows;
    };

    // Memory is taken when it is first asked for.
    Pairs<A> of(int side) {
        std::unique_ptr<Memory>& memory = memory_[side];
        const auto n = static_cast<std::size_t>(size_);
        if (!memory) {
            memory.reset(
                new Memory{cuda::Scratch<A>(n, exec_), cuda::Scratch<std::uint32_t>(needs_rows_ ? n : 0, exec_)});
        }
        return {memory->values.data(), memory->rows.data()};
    }

    const cuda::Exec& exec_;
    std::int64_t size_;
    bool needs_rows_;
    cuda::Scratch<unsigned> totals_;
    std::unique_ptr<Memory> memory_[2];
    int now_ = 0;
};

// Bits of the largest row.
int bits_of_rows(std::int64_t rows) {
    int bits = 0;
    while ((rows - 1) >> bits != 0) ++bits;
    return bits;
}

// In C order.
template <class View>
cuda::Positions<1> places_of(const View& view) {
    Axes<1> axes;
    for (int a = 0; a < view.rank; ++a) {
        const std::array<std::int64_t, 1> strides = {{view.strides[a]}};  // nvcc loses braces within the call
        if (view.shape[a] != 1) axes.push(view.shape[a], strides);
    }
    axes.merge();
    return cuda::positions_of(axes);
}

template <class A>
void write_sorted(const Groups& groups, const ConstArrayView& labels, const Names& names, const Writer& writer,
                  const cuda::Exec& exec) {
    const std::int64_t size = groups.offsets.back();
    const int bits = bits_of_rows(names.count());
    const NamesThere there(names, labels.dtype, exec);
    Labelled<A> source;
    source.dtype = labels.dtype;
    source.names = there.names();
    source.labels = labels.data;
    source.positions = places_of(labels);
    Sort<A> sort(size, bits > kBits, exec);
    sort.pass(source, labels.size(), {true, 0});
    for (int shift = kBits; shift < bits; shift += kBits) sort.again({true, shift});
    cuda::launch("write_pairs", cuda::config_for(size, exec.stream), write_pairs<A>, sort.from().values, size, writer);
}

template <class K>
void find_quantiles(const ArrayView& samples, const cuda::Keys<K>& keys, const std::vector<std::int64_t>& offsets,
                    const std::vector<std::int64_t>& places, void* neighbours, Ranks& ranks, const cuda::Exec& exec) {
    const std::int64_t size = samples.size();
    const auto rows = static_cast<std::int64_t>(offsets.size()) - 1;
    const auto begins = cuda::upload(offsets, exec);
    Sort<K> sort(size, true, exec);
    cuda::launch("make_keys", cuda::config_for(size, exec.stream), make_keys<K>, samples.data, keys, begins.data(),
                 rows, size, sort.to());
    sort.written();
    for (int shift = 0; shift < 8 * keys.bytes; shift += kBits) sort.again({false, shift});
    for (int shift = 0; shift < bits_of_rows(rows); shift += kBits) sort.again({true, shift});
    const K* const sorted = sort.from().values;
    const auto taken = cuda::upload(places, exec);
    const std::size_t bytes = places.size() * static_cast<std::size_t>(keys.bytes);
    const auto found = cuda::filled<char>(bytes, 0, exec);
    cuda::launch("take_ranks", cuda::config_for(static_cast<std::int64_t>(places.size()), exec.stream), take_ranks<K>,
                 sorted, keys, taken.data(), static_cast<std::int64_t>(places.size()), found.data());
    cuda::fetch(static_cast<char*>(neighbours), found.data(), bytes, exec);
    if (!keys.rule.floating) return;
    const cuda::Scratch<std::int64_t> counts(static_cast<std::size_t>(rows), exec);
    cuda::launch("count_nan", cuda::config_for(rows, exec.stream), count_nan<K>, sorted, keys.rule.nan, begins.data(),
                 rows, counts.data());
    cuda::fetch(ranks.not_numbers.data(), counts.data(), counts.size(), exec);
}

}  // namespace
}  // namespace voxkern::regions

namespace voxkern {

regions::Groups cuda::region_groups(const ConstArrayView& labels, const std::optional<ConstArrayView>&,
                                    const regions::Names& names, bool, const Exec& exec) {
    const regions::Table table = cuda::regions(labels, std::nullopt, names, {}, exec);
    regions::Groups groups;  // always in the order of C
    groups.offsets.assign(1, 0);
    for (const std::int64_t count : table.counts) groups.offsets.push_back(groups.offsets.back() + count);
    return groups;
}

void cuda::write_groups(const regions::Groups& groups, const ConstArrayView& labels,
                        const std::optional<ConstArrayView>& image, const regions::Names& names,
                        const regions::GroupsOut& out, const Exec& exec) {
    using namespace voxkern::regions;
    if (groups.offsets.back() == 0) return;
    Writer writer;
    writer.rank = labels.rank;
    writer.samples = out.samples;
    writer.positions = out.positions;
    writer.indices = out.indices;
    std::copy_n(labels.shape, labels.rank, writer.shape);
    if (out.samples != nullptr) {
        writer.bytes = static_cast<int>(size_of(image->dtype));
        writer.image = image->data;
        writer.places = places_of(*image);
    }
    if (labels.size() < kMost) {
        write_sorted<std::uint32_t>(groups, labels, names, writer, exec);
    } else {
        write_sorted<std::uint64_t>(groups, labels, names, writer, exec);
    }
}

regions::Ranks cuda::region_quantiles(const ArrayView& samples, const std::vector<std::int64_t>& offsets,
                                      const std::vector<double>& quantiles, void* neighbours, const Exec& exec) {
    using namespace voxkern::regions;
    const std::size_t rows = offsets.size() - 1;
    Ranks ranks = {std::vector<double>(rows * quantiles.size()), std::vector<std::int64_t>(rows)};
    if (samples.size() == 0) return ranks;
    std::vector<std::int64_t> places;
    for (std::size_t row = 0; row < rows; ++row) {
        const std::int64_t count = offsets[row + 1] - offsets[row];
        for (std::size_t q = 0; q < quantiles.size(); ++q) {
            const QuantilePlace place = quantile_place(quantiles[q], std::max<std::int64_t>(count, 1));
            ranks.fractions[row * quantiles.size() + q] = place.fraction;
            places.push_back(count == 0 ? -1 : offsets[row] + place.rank);
            places.push_back(count == 0 ? -1 : offsets[row] + place.next);
        }
    }
    cuda::with_keys(samples.dtype, Order::ascending, NanKey::highest,
                    [&](const auto& keys) { find_quantiles(samples, keys, offsets, places, neighbours, ranks, exec); });
    return ranks;
}

void cuda::region_samples(const ConstArrayView& image, const std::vector<std::int64_t>& positions, void* samples,
                          const Exec& exec) {
    using namespace voxkern::regions;
    const auto bytes = static_cast<std::size_t>(size_of(image.dtype));
    const Scratch<std::int64_t> there = upload(positions, exec);
    const Scratch<char> found(positions.size() * bytes, exec);
    Writer writer;
    writer.bytes = static_cast<int>(bytes);
    writer.image = image.data;
    writer.samples = found.data();
    writer.places = places_of(image);
    const auto size = static_cast<std::int64_t>(positions.size());
    launch("write_pairs", config_for(size, exec.stream), write_pairs<std::int64_t>, there.data(), size, writer);
    if (size > 0) fetch(static_cast<char*>(samples), found.data(), found.size(), exec);
}

}  // namespace voxkern

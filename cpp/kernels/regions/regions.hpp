// SPDX-License-Identifier: Apache-2.0
// What the voxels of each label have in common: how many, where, sums and extremes of an image there, histograms, order
// statistics, surfaces and diameters; see README.md in this folder.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "core/parallel.hpp"
#include "core/view.hpp"
#include "kernels/regions/regions_slots.hpp"

namespace voxkern::regions {

// Which labels have a row in a table.
class Names {
  public:
    static Names every(bool zero);  // a row for each label that occurs, for 0 too or not
    static Names range(std::int64_t lowest, std::int64_t count);
    static Names listed(const std::vector<std::int64_t>& labels);  // distinct; row k is labels[k]
    static Names positive();                                       // one row for all labels above 0

    enum class Kind { every, not_zero, range, listed, positive };

    Kind kind() const { return kind_; }
    bool open() const { return kind_ == Kind::every || kind_ == Kind::not_zero; }
    std::int64_t lowest() const { return lowest_; }  // of a range
    std::int64_t count() const { return count_; }    // of rows; 0 where they are still open
    // Those that are listed, by row.
    const std::vector<std::int64_t>& labels() const { return listed_.keys(); }

    // Whether a label has a row, and which; open names are their own rows. Bits of unsigned labels are passed as they
    // are.
    bool find(std::int64_t label, bool is_unsigned, std::int64_t& row) const {
        switch (kind_) {
            case Kind::every: row = label; return true;
            case Kind::not_zero: row = label; return label != 0;
            case Kind::positive: row = 0; return is_unsigned ? label != 0 : label > 0;
            case Kind::listed: row = listed_.find(label); return row >= 0;
            case Kind::range: break;
        }
        // One comparison for both ends: what lies below the first label wraps round.
        const std::uint64_t place = static_cast<std::uint64_t>(label) - static_cast<std::uint64_t>(lowest_);
        row = static_cast<std::int64_t>(place);
        return place < static_cast<std::uint64_t>(count_);
    }

  private:
    explicit Names(Kind kind, std::int64_t lowest = 0, std::int64_t count = 0)
        : kind_(kind), lowest_(lowest), count_(count) {}

    Kind kind_;
    std::int64_t lowest_;
    std::int64_t count_;
    Slots listed_;
};

// Columns of a table beside the count. All but boxes and indices are of the image.
struct Wanted {
    bool sums = false;
    bool moments = false;
    bool extremes = false;
    bool boxes = false;
    bool indices = false;
    bool centres = false;
};

struct Sum {
    double sum = 0.0;
    std::int64_t whole = 0;  // of an image of integers: the exact sum modulo 2^64
};

// Counted from one of the samples, so that a large mean costs no digits.
struct Spread {
    double pivot = 0.0;    // that sample
    double mean = 0.0;     // of x - pivot
    double squares = 0.0;  // sum of (x - pivot - mean)^2
};

struct Extremes {
    std::uint64_t minimum = 0;        // bits of what the image is compared in: 64-bit integers, else double
    std::uint64_t maximum = 0;        //
    std::int64_t minimum_at = -1;     // the first such sample, counted in C order; -1: all are NaN
    std::int64_t maximum_at = -1;     //
    std::int64_t not_number_at = -1;  // the first NaN
};

// One row per label; a column that is not wanted is empty.
struct Table {
    int rank = 0;
    Wanted wanted;
    std::vector<std::int64_t> labels;  // of open names
    std::vector<std::int64_t> counts;
    std::vector<Sum> sums;
    std::vector<Spread> spreads;
    std::vector<Extremes> extremes;
    std::vector<std::int64_t> boxes;    // for each axis the smallest index and the largest
    std::vector<std::int64_t> indices;  // for each axis the sum of all
    std::vector<double> centres;        // for each axis the sum of x * index

    void resize(std::size_t rows);
};

// Samples of one row side by side: those of row k from offsets[k] on to offsets[k + 1].
struct Groups {
    struct Chunk {
        std::vector<std::int64_t> rows;
        std::vector<std::int64_t> begins;  // where the samples of each of them go
    };

    bool in_order = true;  // of C, else of the memory
    std::vector<std::int64_t> offsets;
    std::vector<Chunk> chunks;
};

// Where grouped samples go: any of the three.
struct GroupsOut {
    void* samples = nullptr;            // of the image's dtype
    std::int64_t* positions = nullptr;  // counted in C order
    std::int64_t* indices = nullptr;    // a row for each axis
};

// Order statistics of grouped samples: two neighbours for each row and quantile, side by side, NaN last.
struct Ranks {
    std::vector<double> fractions;          // how far a quantile lies from the first neighbour to the second
    std::vector<std::int64_t> not_numbers;  // for each row
};

constexpr int kDirections = 13;

// Steps to a neighbour, one of each pair of opposite ones: the first that is not 0 is 1; in C order.
std::array<std::array<int, 3>, kDirections> directions();

}  // namespace voxkern::regions

namespace voxkern::cpu {

// `labels` are integers; those without a name are passed over. `image` has their shape.
regions::Table regions(const ConstArrayView& labels, const std::optional<ConstArrayView>& image,
                       const regions::Names& names, const regions::Wanted& wanted, const Exec& exec);

// Counts of samples in bins, a row for each label: edges[i] <= x < edges[i + 1], the last with both. The edges rise in
// equal steps but for their rounding.
std::vector<std::int64_t> region_histograms(const ConstArrayView& labels, const ConstArrayView& image,
                                            const regions::Names& names, const std::vector<double>& edges,
                                            const Exec& exec);

// In the order of C samples of a row come as in C, else in any order that is the same each time.
regions::Groups region_groups(const ConstArrayView& labels, const std::optional<ConstArrayView>& image,
                              const regions::Names& names, bool in_order, const Exec& exec);
void write_groups(const regions::Groups& groups, const ConstArrayView& labels,
                  const std::optional<ConstArrayView>& image, const regions::Names& names,
                  const regions::GroupsOut& out, const Exec& exec);

// The values with the ranks floor(h) and floor(h) + 1, h = (count - 1) * q, of each row that has samples. `samples` lie
// side by side and are reordered within their rows. `neighbours`: rows, quantiles and two, of their dtype.
regions::Ranks region_quantiles(const ArrayView& samples, const std::vector<std::int64_t>& offsets,
                                const std::vector<double>& quantiles, void* neighbours, const Exec& exec);

// For each row and direction: pairs of neighbours of which one has the label. Outside lies no label. Three axes.
std::vector<std::int64_t> region_crossings(const ConstArrayView& labels, const regions::Names& names, const Exec& exec);

// The largest distance between two voxels of each row, of three axes; -1 of none. `matrix` maps indices to lengths.
std::vector<double> region_diameters(const ConstArrayView& labels, const regions::Names& names,
                                     const std::array<double, 9>& matrix, const Exec& exec);

}  // namespace voxkern::cpu

namespace voxkern::cuda {

struct Exec;

// The same on the GPU, enqueued on the stream of `exec`; nothing of it depends on the order of threads. Tables and
// groups are of the host, so they wait for a copy of one row per label. What write_groups writes and region_quantiles
// reads is memory of the device; it leaves the samples as they are, and `neighbours` is memory of the host.
regions::Table regions(const ConstArrayView& labels, const std::optional<ConstArrayView>& image,
                       const regions::Names& names, const regions::Wanted& wanted, const Exec& exec);
std::vector<std::int64_t> region_histograms(const ConstArrayView& labels, const ConstArrayView& image,
                                            const regions::Names& names, const std::vector<double>& edges,
                                            const Exec& exec);
regions::Groups region_groups(const ConstArrayView& labels, const std::optional<ConstArrayView>& image,
                              const regions::Names& names, bool in_order, const Exec& exec);
void write_groups(const regions::Groups& groups, const ConstArrayView& labels,
                  const std::optional<ConstArrayView>& image, const regions::Names& names,
                  const regions::GroupsOut& out, const Exec& exec);
regions::Ranks region_quantiles(const ArrayView& samples, const std::vector<std::int64_t>& offsets,
                                const std::vector<double>& quantiles, void* neighbours, const Exec& exec);
std::vector<std::int64_t> region_crossings(const ConstArrayView& labels, const regions::Names& names, const Exec& exec);

// Samples of an image at positions counted in C order, brought to the host.
void region_samples(const ConstArrayView& image, const std::vector<std::int64_t>& positions, void* samples,
                    const Exec& exec);

}  // namespace voxkern::cuda

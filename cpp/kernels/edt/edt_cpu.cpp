// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/axes.hpp"
#include "core/workspace.hpp"
#include "kernels/edt/edt.hpp"
#include "kernels/edt/edt_plan.hpp"
#include "kernels/edt/edt_task.hpp"

namespace voxkern::edt {
namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 15;  // samples that one thread takes at a time, or more
constexpr std::int64_t kManyPlanes = 16;  // then each is one chunk, and stays in cache between its two axes

const LevelOps<std::int32_t>& active(Type<std::int32_t>) {
    return VOXKERN_SELECT_LEVEL(ops).whole;
}
const LevelOps<double>& active(Type<double>) {
    return VOXKERN_SELECT_LEVEL(ops).real;
}

// The axes of the array. Of one or two, axes of one sample are put behind the first: the last two are a plane.
struct Grid {
    int rank = 0;
    std::int64_t shape[kMaxRank + 2] = {};
    std::int64_t in_strides[kMaxRank + 2] = {};
    std::int64_t out_strides[kMaxRank + 2] = {};
    double sampling[kMaxRank + 2] = {};
    int component[kMaxRank + 2] = {};  // of the indices; -1: of none

    std::int64_t extent(int first, int last) const {
        std::int64_t n = 1;
        for (int a = first; a < last; ++a) n *= shape[a];
        return n;
    }
};

Grid grid_of(const ConstArrayView& in, const ArrayView* distances, const std::vector<double>& sampling) {
    Grid grid;
    const int added = std::max(3 - in.rank, 0);
    grid.rank = in.rank + added;
    for (int a = 0; a < grid.rank; ++a) {
        const int from = a == 0 ? 0 : a - added;
        const bool real = a == 0 || from > 0;
        grid.shape[a] = real ? in.shape[from] : 1;
        grid.in_strides[a] = real ? in.strides[from] : 0;
        grid.out_strides[a] = real && distances != nullptr ? distances->strides[from] : 0;
        grid.sampling[a] = real ? sampling[static_cast<std::size_t>(from)] : 1.0;
        grid.component[a] = real ? from : -1;
    }
    return grid;
}

// Where the steps of a walk over axes [0, rank) lie.
std::int64_t offset_of(std::int64_t position, int rank, const std::int64_t* shape, const std::int64_t* strides) {
    std::int64_t index[kMaxRank + 2];
    unravel(position, rank, shape, index);
    std::int64_t offset = 0;
    for (int a = 0; a < rank; ++a) offset += index[a] * strides[a];
    return offset;
}

// What is wanted. `near` is uint8 and excludes the others: it tells which samples are no further than the radius from
// what is not zero, or which are further from zeros.
struct Wanted {
    const ArrayView* distances = nullptr;
    const ArrayView* indices = nullptr;
    const ArrayView* near = nullptr;
    double radius = 0.0;
    bool zeros = true;  // from these
};

template <class T>
class Transform {
  public:
    Transform(const ConstArrayView& in, const Wanted& wanted, const Grid& grid, double scale)
        : in_(in),
          wanted_(wanted),
          distances_(wanted.distances),
          far_(wanted.near == nullptr ? kFar<T> : static_cast<T>(behind(wanted.radius / scale, T{}))),
          grid_(grid),
          scale_(scale),
          last_(grid.rank - 1),
          size_(in.size()),
          width_(grid.shape[last_]),
          work_memory_(size_ * static_cast<std::int64_t>(sizeof(T))),
          work_(work_memory_.take<T>(size_)),
          indices_(wanted.indices) {
        for (int a = 0; a < grid.rank; ++a) {
            const double step = grid.sampling[a] * grid.sampling[a];
            std::vector<T> squares;
            for (std::int64_t k = 0; k <= grid.shape[a]; ++k) {
                squares.push_back(static_cast<T>(static_cast<double>(k * k) * step));
            }
            squares_.push_back(squares);
            axes_.push_back({nullptr, static_cast<T>(step), grid.shape[a]});
            longest_ = std::max(longest_, grid.shape[a]);
        }
        for (std::size_t a = 0; a < axes_.size(); ++a) axes_[a].squares = squares_[a].data();
    }

    void run(const Exec& exec) {
        scan(exec);
        for (int a = 1; a <= last_; ++a) {  // an axis of one sample is not searched
            if (grid_.shape[a] == 1 && index_of(a) != nullptr) std::fill_n(index_of(a), size_, 0);
        }
        const int column = last_ - 1;
        for (int a = 1; a < column; ++a) columns(a, exec);
        const std::int64_t planes = grid_.extent(0, column);
        if (planes >= kManyPlanes) {
            const std::int64_t group = std::max<std::int64_t>(kChunk / (size_ / planes), 1);
            parallel_for((planes + group - 1) / group, exec, [&](std::int64_t chunk) {
                for (std::int64_t p = chunk * group; p < std::min((chunk + 1) * group, planes); ++p) {
                    columns_of(column, p, 0, width_);
                    rows_of(p * grid_.shape[column], (p + 1) * grid_.shape[column]);
                }
            });
        } else {
            columns(column, exec);
            const std::int64_t rows = size_ / width_;
            const std::int64_t group = std::max<std::int64_t>(kChunk / width_, 1);
            parallel_for((rows + group - 1) / group, exec,
                         [&](std::int64_t chunk) { rows_of(chunk * group, std::min((chunk + 1) * group, rows)); });
        }
        if (indices_ != nullptr) follow(exec);
    }

  private:
    std::int32_t* index_of(int axis) const {
        const int component = grid_.component[axis];
        if (indices_ == nullptr || component < 0) return nullptr;
        return static_cast<std::int32_t*>(indices_->data) + component * size_;
    }

    const Axis<T>& axis(int a) const { return axes_[static_cast<std::size_t>(a)]; }

    Workspace scratch_memory(std::int64_t more) const {
        const std::int64_t n = longest_ + kSlack;
        return Workspace(Workspace::bytes_of<T>({n, n, more}) + Workspace::bytes_of<std::int32_t>({n}) +
                         Workspace::bytes_of<std::int64_t>({n, n}));
    }

    Scratch<T> scratch_in(Workspace& memory) const {
        const std::int64_t n = longest_ + kSlack;
        Scratch<T> scratch;
        scratch.line = memory.take<T>(n);
        scratch.result = memory.take<T>(n);
        scratch.index = memory.take<std::int32_t>(n);
        scratch.sites = memory.take<std::int64_t>(n);
        scratch.starts = memory.take<std::int64_t>(n);
        return scratch;
    }

    // Axis 0: pieces of rows, with all the samples behind them.
    void scan(const Exec& exec) {
        const std::int64_t n = grid_.shape[0];
        const std::int64_t slab = size_ / n;
        const std::int64_t piece = std::min(width_, std::max<std::int64_t>((std::int64_t{1} << 16) / n, kColumns));
        const std::int64_t pieces = (width_ + piece - 1) / piece;
        const std::int64_t rows = slab / width_;
        const std::int64_t group = std::max<std::int64_t>(kChunk / (n * piece), 1);
        std::atomic<bool> found{false};
        parallel_for((rows * pieces + group - 1) / group, exec, [&](std::int64_t chunk) {
            Workspace memory(Workspace::bytes_of<std::int32_t>({(n + 1) * piece}));
            std::int32_t* const counts = memory.take<std::int32_t>((n + 1) * piece);
            for (std::int64_t i = chunk * group; i < std::min((chunk + 1) * group, rows * pieces); ++i) {
                const std::int64_t row = i / pieces;
                const std::int64_t x = i % pieces * piece;
                const std::int64_t from =
                    offset_of(row, last_ - 1, grid_.shape + 1, grid_.in_strides + 1) + x * grid_.in_strides[last_];
                const std::int64_t to = row * width_ + x;
                std::int32_t* const index = index_of(0);
                if (ops_.scan(in_.dtype, size_of(in_.dtype), in_.at(from), grid_.in_strides[0], grid_.in_strides[last_],
                              axis(0), wanted_.zeros, far_, std::min(piece, width_ - x), work_ + to,
                              index == nullptr ? nullptr : index + to, slab, counts)) {
                    found = true;
                }
            }
        });
        if (found || wanted_.near != nullptr) return;
        for (std::int64_t z = 0; z < n; ++z) {  // one zero before the first sample
            work_[z * slab] = axis(0).squares[z + 1];
            if (indices_ != nullptr) index_of(0)[z * slab] = -1;
        }
    }

    void columns(int a, const Exec& exec) {
        if (grid_.shape[a] == 1) return;
        const std::int64_t inner = grid_.extent(a + 1, grid_.rank);
        const std::int64_t blocks = (inner + kColumns - 1) / kColumns;
        parallel_for(grid_.extent(0, a) * blocks, exec, [&](std::int64_t chunk) {
            const std::int64_t first = chunk % blocks * kColumns;
            columns_of(a, chunk / blocks, first, std::min(first + kColumns, inner));
        });
    }

    // Columns [first, last) along axis `a`, at step `outer` of the axes before it.
    void columns_of(int a, std::int64_t outer, std::int64_t first, std::int64_t last) {
        const std::int64_t n = grid_.shape[a];
        if (n == 1) return;
        const std::int64_t inner = grid_.extent(a + 1, grid_.rank);
        Workspace memory = scratch_memory(n * kColumns);
        const Scratch<T> scratch = scratch_in(memory);
        T* const block = memory.take<T>(n * kColumns);
        for (std::int64_t c = first; c < last; c += kColumns) {
            const std::int64_t count = std::min(kColumns, last - c);
            const std::int64_t start = outer * n * inner + c;
            for (std::int64_t i = 0; i < n; ++i) {
                std::copy_n(work_ + start + i * inner, count, block + i * kColumns);
                std::fill(block + i * kColumns + count, block + (i + 1) * kColumns, kFar<T>);
            }
            std::int32_t* const index = index_of(a);
            ops_.columns(axis(a), block, count, work_ + start, index == nullptr ? nullptr : index + start, inner,
                         scratch);
        }
    }

    void rows_of(std::int64_t first, std::int64_t last) {
        Workspace memory = scratch_memory(3 * width_ + kSlack);
        const Scratch<T> scratch = scratch_in(memory);
        T* const padded = memory.take<T>(3 * width_ + kSlack);
        std::fill(padded, padded + 3 * width_ + kSlack, kFar<T>);
        for (std::int64_t r = first; r < last; ++r) {
            T* const row = work_ + r * width_;
            if (width_ > 1) {
                std::copy_n(row, width_, padded + width_);
                std::int32_t* const index = index_of(last_);
                ops_.row(axis(last_), padded + width_, row, index == nullptr ? nullptr : index + r * width_, scratch);
            }
            const std::int64_t to = offset_of(r, last_, grid_.shape, grid_.out_strides);
            if (wanted_.near != nullptr) {
                ops_.near(row, far_, wanted_.zeros, static_cast<std::uint8_t*>(wanted_.near->at(to)),
                          grid_.out_strides[last_], width_);
            }
            if (distances_ == nullptr) continue;
            ops_.roots(row, scale_, static_cast<double*>(distances_->at(to)), grid_.out_strides[last_], width_);
        }
    }

    // The index along the last axis says in which column the nearest zero lies; that column knows the others.
    void follow(const Exec& exec) {
        const int rank = indices_->rank - 1;
        const std::int64_t* const shape = indices_->shape + 1;
        const std::int64_t slab = size_ / shape[0];
        std::vector<std::int64_t> strides(static_cast<std::size_t>(rank), 1);
        for (int a = rank - 1; a > 0; --a) {
            const auto at = static_cast<std::size_t>(a);
            strides[at - 1] = strides[at] * shape[a];
        }
        std::int32_t* const all = static_cast<std::int32_t*>(indices_->data);
        parallel_for(rank > 1 ? shape[0] : 0, exec, [&](std::int64_t z) {
            Workspace memory(Workspace::bytes_of<std::int32_t>({(rank - 1) * slab}));
            std::int32_t* const before = memory.take<std::int32_t>((rank - 1) * slab);
            for (int a = 0; a < rank - 1; ++a) std::copy_n(all + a * size_ + z * slab, slab, before + a * slab);
            for (std::int64_t i = 0; i < slab; ++i) {
                std::int64_t there = i;
                std::int64_t rest = i;  // indices along the axes that are not followed yet
                for (int a = rank - 1; a > 0; --a) {
                    const std::int64_t stride = strides[static_cast<std::size_t>(a)];
                    const std::int64_t here = rest / stride % shape[a];
                    std::int32_t* const value = all + a * size_ + z * slab + i;
                    if (a < rank - 1) *value = before[a * slab + there];
                    there += (*value - here) * stride;
                }
                all[z * slab + i] = before[there];
            }
        });
    }

    const ConstArrayView& in_;
    const Wanted& wanted_;
    const ArrayView* distances_;
    T far_;
    const Grid& grid_;
    double scale_;
    int last_;
    std::int64_t size_;
    std::int64_t width_;
    Workspace work_memory_;
    T* work_;
    const ArrayView* indices_;
    std::vector<std::vector<T>> squares_;
    std::vector<Axis<T>> axes_;
    std::int64_t longest_ = 1;
    const LevelOps<T>& ops_ = active(Type<T>{});
};

void transform(const ConstArrayView& in, const Wanted& wanted, const std::vector<double>& sampling, const Exec& exec) {
    if (in.size() == 0) return;
    const ArrayView* const out = wanted.near != nullptr ? wanted.near : wanted.distances;
    const Exec limited = limited_to_work(exec, 8 * in.size());
    std::vector<double> steps(sampling.size());
    const double part = whole_steps(in, sampling, steps);
    if (part > 0.0) {
        Transform<std::int32_t>(in, wanted, grid_of(in, out, steps), part).run(limited);
    } else {
        Transform<double>(in, wanted, grid_of(in, out, sampling), 1.0).run(limited);
    }
}

}  // namespace
}  // namespace voxkern::edt

namespace voxkern::cpu {

void edt(const ConstArrayView& in, const ArrayView* distances, const ArrayView* indices,
         const std::vector<double>& sampling, bool zeros, const Exec& exec) {
    edt::Wanted wanted;
    wanted.distances = distances;
    wanted.indices = indices;
    wanted.zeros = zeros;
    edt::transform(in, wanted, sampling, exec);
}

void within_distance(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& sampling, double radius,
                     bool zeros, const Exec& exec) {
    edt::Wanted wanted;
    wanted.near = &out;
    wanted.radius = radius;
    wanted.zeros = zeros;
    edt::transform(in, wanted, sampling, exec);
}

}  // namespace voxkern::cpu

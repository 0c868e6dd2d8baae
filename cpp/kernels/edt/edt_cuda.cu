// SPDX-License-Identifier: Apache-2.0
// edt on the GPU: a volume of squares, 0 or far at first, then one pass along
// each axis. A block stages lines in shared memory. A thread looks outwards
// from its sample until no zero further away can be nearer, as the CPU does:
// the same sums, and the same choice of equal ones. Neighbours are about
// equally far from a zero, so that a warp ends together.
#include "core/axes.hpp"
#include "core/cuda/bits.hpp"
#include "core/cuda/exec.hpp"
#include "kernels/edt/edt.hpp"
#include "kernels/edt/edt_plan.hpp"

namespace voxkern::edt {
namespace {

constexpr int kThreads = 256;
constexpr int kMostLanes = 32;
// Of lines: there are 48 KiB without asking, and the smallest square of each line takes its part.
constexpr std::int64_t kSharedBytes = (std::int64_t{48} << 10) - kMostLanes * static_cast<std::int64_t>(sizeof(double));
constexpr int kLeastLanes = 8;                                // neighbours that fill a sector of memory
constexpr std::int64_t kMostThreads = std::int64_t{1} << 20;  // where each asks once whether a zero was found

// --- what is done with the squares of an axis ---

enum class Made : std::int8_t {
    nothing,
    squares,      // of the other axes
    roots,        // of the last one
    inner_roots,  // minus those that are not 0; all are NaN where nothing was found in one of two searches
    near          // 1 on this side of `far`, or beyond it
};

// Chosen at run time: the search takes longer.
template <class T>
struct Store {
    Made made = Made::nothing;
    bool beyond = false;
    T far = T{0};
    void* to = nullptr;
    cuda::Positions<1> positions;
    double scale = 1.0;
    const unsigned* found = nullptr;

    __device__ void operator()(std::int64_t p, T square) const {
        if (made == Made::nothing) return;
        if (made == Made::squares) {
            static_cast<T*>(to)[p] = square;
            return;
        }
        const std::int64_t at = positions.at(p).of[0];
        if (made == Made::near) {
            static_cast<std::uint8_t*>(to)[at] = (square < far) != beyond ? 1 : 0;
            return;
        }
        double* const root = static_cast<double*>(to) + at;
        const bool inner = made == Made::inner_roots;
        if (inner && (found[0] == 0 || found[1] == 0)) {
            *root = static_cast<double>(NAN);
        } else if (!inner || square > T{0}) {
            const double distance = std::sqrt(static_cast<double>(square)) * scale;
            *root = inner ? -distance : distance;
        }
    }
};

// --- kernels ---

// 0 where a sample is zero, or is not, else far; `found` tells whether there is
// one. Samples are read as the unsigned integers that their bits are; those of
// `counted` count.
template <class W, class T>
__global__ void start_squares(const W* in, W counted, cuda::Positions<1> positions, bool zeros, T far, T* squares,
                              unsigned* found) {
    bool any = false;
    for (std::int64_t p = cuda::first_position(); p < positions.size; p += cuda::position_step()) {
        const bool wanted = (static_cast<W>(in[positions.at(p).of[0]] & counted) == 0) == zeros;
        squares[p] = wanted ? T{0} : far;
        any = any || wanted;
    }
    if (any && cuda::load_relaxed(found) == 0) cuda::store_relaxed(found, 1U);
}

// Lines of an array in C order, along one axis. Line l starts at l / stride *
// stride * n + l % stride.
template <class T>
struct Lines {
    const T* from = nullptr;
    std::int32_t* index = nullptr;  // where along the axis the nearest zero's sum
                                    // came from; may be null
    std::int64_t count = 0;
    std::int64_t n = 1;
    std::int64_t stride = 1;
    int lanes = 1;        // lines of a block
    bool along = false;   // lines are contiguous
    bool narrow = false;  // divisions fit in 32 bits
    T step = 1;           // the square of one

    __device__ __forceinline__ std::int64_t start(std::int64_t line) const {
        if (narrow) {
            const auto inner = static_cast<std::uint32_t>(line) % static_cast<std::uint32_t>(stride);
            return (line - inner) * n + inner;
        }
        const std::int64_t inner = line % stride;
        return (line - inner) * n + inner;
    }
};

template <class T>
struct Lows {
    T low[kMostLanes];
};

// The lines of a block, where they are read.
template <class T>
struct Staged {
    const T* samples;
    std::int64_t lane_step, step;

    __device__ T at(std::int64_t lane, std::int64_t i) const { return samples[lane * lane_step + i * step]; }
};

template <class T>
struct InPlace {
    const Lines<T>& lines;
    std::int64_t first;

    __device__ T at(std::int64_t lane, std::int64_t i) const {
        return lines.from[lines.start(first + lane) + i * lines.stride];
    }
};

// The smallest sum of a sample of the line and the square of the way to it.
template <class T, class Source>
__device__ T search(const Lines<T>& lines, const Source& source, std::int64_t lane, std::int64_t i, T low,
                    std::int32_t& place) {
    T best = source.at(lane, i);
    std::int64_t from = i;
    const std::int64_t behind = lines.n - 1 - i;
    const std::int64_t furthest = i > behind ? i : behind;
#pragma unroll 1
    for (std::int64_t k = 1; k <= furthest; ++k) {
        const T square = static_cast<T>(k) * static_cast<T>(k) * lines.step;
        const T room = best - low;
        if (room < square || (room == square && lines.index == nullptr)) break;
        // Of two equal sums that from the smaller index counts.
        if (k <= i) {
            const T sum = source.at(lane, i - k) + square;
            if (sum <= best) {
                best = sum;
                from = i - k;
            }
        }
        if (k <= behind) {
            const T sum = source.at(lane, i + k) + square;
            if (sum < best) {
                best = sum;
                from = i + k;
            }
        }
    }
    place = static_cast<std::int32_t>(from);
    return best;
}

// Calls body(lane, i) for the samples of a block's lines, neighbours in memory
// by neighbouring threads.
template <class T, class Body>
__device__ void for_samples(const Lines<T>& lines, std::int64_t lanes, const Body& body) {
    for (std::int64_t e = threadIdx.x; e < lanes * lines.n; e += blockDim.x) {
        const auto here = static_cast<std::uint32_t>(e);
        const auto n = static_cast<std::uint32_t>(lines.along ? lines.n : lanes);
        const std::uint32_t outer = here / n;
        const std::uint32_t inner = here % n;
        body(lines.along ? outer : inner, lines.along ? inner : outer);
    }
}

template <class T, class Source>
__device__ void search_lines(const Lines<T>& lines, const Source& source, std::int64_t first, std::int64_t lanes,
                             const Store<T>& store) {
    T* const low = cuda::block_shared<Lows<T>>().low;
    const int warp = static_cast<int>(threadIdx.x) / cuda::kWarp;
    const int lane_of_warp = static_cast<int>(threadIdx.x) % cuda::kWarp;
    for (std::int64_t lane = warp; lane < lanes; lane += kThreads / cuda::kWarp) {
        T least = kFar<T>;
#pragma unroll 1
        for (std::int64_t i = lane_of_warp; i < lines.n; i += cuda::kWarp) {
            const T square = source.at(lane, i);
            least = square < least ? square : least;
        }
        least = cuda::warp_reduce(least, [](T a, T b) { return b < a ? b : a; });
        if (lane_of_warp == 0) low[lane] = least;
    }
    __syncthreads();
    for_samples(lines, lanes, [&](std::int64_t lane, std::int64_t i) {
        std::int32_t place = 0;
        const T best = search(lines, source, lane, i, low[lane], place);
        const std::int64_t p = lines.start(first + lane) + i * lines.stride;
        if (lines.index != nullptr) lines.index[p] = place;
        store(p, best);
    });
}

template <bool kStaged, class T>
__global__ void search_axis(Lines<T> lines, Store<T> store) {
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * lines.lanes;
    const std::int64_t left = lines.count - first;
    const std::int64_t lanes = left < lines.lanes ? left : lines.lanes;
    if constexpr (kStaged) {
        T* const samples = cuda::dynamic_shared<T>();
        const std::int64_t lane_step = lines.along ? lines.n : 1;
        const std::int64_t step = lines.along ? 1 : lines.lanes + 1;  // odd: a line lies in all banks
        for_samples(lines, lanes, [&](std::int64_t lane, std::int64_t i) {
            samples[lane * lane_step + i * step] = lines.from[lines.start(first + lane) + i * lines.stride];
        });
        __syncthreads();
        search_lines(lines, Staged<T>{samples, lane_step, step}, first, lanes, store);
    } else {
        search_lines(lines, InPlace<T>{lines, first}, first, lanes, store);
    }
}

// Without any zero the nearest one lies before the first sample, along axis 0.
template <class T>
__global__ void place_before(const unsigned* found, std::int64_t n, std::int64_t slab, T step, T* squares,
                             std::int32_t* index) {
    if (*found != 0) return;
    for (std::int64_t z = cuda::first_position(); z < n; z += cuda::position_step()) {
        const T steps = static_cast<T>(z + 1);
        squares[z * slab] = steps * steps * step;
        if (index != nullptr) index[z * slab] = -1;
    }
}

// Axes in C order. One axis has one of a single sample behind it: the last axis
// is that of the results.
struct Grid {
    int rank = 0;
    int components = 0;  // of indices
    std::int64_t size = 1;
    std::int64_t shape[kMaxRank + 1] = {};
    std::int64_t strides[kMaxRank + 1] = {};
};

// The index along the last axis says in which column the nearest zero lies;
// that column knows the others.
__global__ void follow(Grid grid, const std::int32_t* columns, std::int32_t* indices) {
    for (std::int64_t p = cuda::first_position(); p < grid.size; p += cuda::position_step()) {
        std::int64_t there = p;
        for (int a = grid.components - 1; a >= 0; --a) {
            std::int32_t* const at = &indices[a * grid.size + p];
            if (a < grid.components - 1) *at = columns[a * grid.size + there];
            there += (*at - p / grid.strides[a] % grid.shape[a]) * grid.strides[a];
        }
    }
}

// --- host side ---

Grid grid_of(const ConstArrayView& in) {
    Grid grid;
    grid.components = in.rank;
    grid.rank = std::max(in.rank, 2);
    for (int a = grid.rank - 1; a >= 0; --a) {
        grid.shape[a] = a < in.rank ? in.shape[a] : 1;
        grid.strides[a] = grid.size;
        grid.size *= grid.shape[a];
    }
    return grid;
}

// Positions in C order.
template <class View>
cuda::Positions<1> positions_of(const View& view) {
    Axes<1> axes;
    for (int a = 0; a < view.rank; ++a) axes.push(view.shape[a], {{view.strides[a]}});
    axes.merge();
    return cuda::positions_of(axes);
}

template <class T>
class Transform {
  public:
    Transform(const ConstArrayView& in, const std::vector<double>& steps, T far, bool zeros, const ArrayView* indices,
              unsigned* found, const cuda::Exec& exec)
        : grid_(grid_of(in)),
          exec_(exec),
          found_(found),
          indices_(indices == nullptr ? nullptr : static_cast<std::int32_t*>(indices->data)),
          work_(static_cast<std::size_t>(grid_.size), exec),
          other_(all_fit() ? 0 : static_cast<std::size_t>(grid_.size), exec),
          columns_(indices == nullptr ? 0 : static_cast<std::size_t>((grid_.components - 1) * grid_.size), exec),
          squares_(work_.data()) {
        for (int a = 0; a < grid_.rank; ++a) {
            const double step = a < in.rank ? steps[static_cast<std::size_t>(a)] : 1.0;
            steps_.push_back(static_cast<T>(step * step));
        }
        const cuda::Positions<1> positions = edt::positions_of(in);
        cuda::with_counted_bits(in.dtype, [&](auto counted) {
            using W = decltype(counted);
            cuda::launch("start_squares", cuda::config_for(std::min(grid_.size, kMostThreads), exec_.stream),
                         start_squares<W, T>, static_cast<const W*>(in.data), counted, positions, zeros, far, squares_,
                         found_);
        });
    }

    // All axes; `store` takes the squares of the last one. `before`: without any
    // zero there is one before the first.
    void run(bool before, const Store<T>& store) {
        const int last = grid_.rank - 1;
        for (int a = 0; a < last; ++a) {
            if (grid_.shape[a] > 1) {
                T* const to = fits(a) ? squares_ : spare();
                search(a, squares_in(to));
                squares_ = to;
            } else if (index_of(a) != nullptr) {
                cuda::fill(index_of(a), static_cast<std::size_t>(grid_.size), 0, exec_);
            }
            if (a == 0 && before) {
                cuda::launch("place_before", cuda::config_for(grid_.shape[0], exec_.stream), place_before<T>, found_,
                             grid_.shape[0], grid_.strides[0], steps_[0], squares_, index_of(0));
            }
        }
        search(last, store);
        if (indices_ == nullptr || grid_.components == 1) return;
        cuda::launch("follow", cuda::config_for(grid_.size, exec_.stream), follow, grid_, columns_.data(), indices_);
    }

  private:
    int lanes_of(int a) const {
        int lanes = kMostLanes;
        while (lanes > kLeastLanes && bytes_of(a, lanes) > kSharedBytes) lanes /= 2;
        return lanes;
    }
    // Of so many lines, staged: side by side they have a gap.
    std::int64_t bytes_of(int a, int lanes) const {
        const int apart = grid_.strides[a] == 1 ? lanes : lanes + 1;
        return apart * grid_.shape[a] * static_cast<std::int64_t>(sizeof(T));
    }
    bool fits(int a) const { return bytes_of(a, lanes_of(a)) <= kSharedBytes; }
    bool all_fit() const {
        for (int a = 0; a < grid_.rank - 1; ++a) {
            if (!fits(a)) return false;
        }
        return true;
    }

    T* spare() const { return squares_ == work_.data() ? other_.data() : work_.data(); }

    std::int32_t* index_of(int a) const {
        if (indices_ == nullptr || a >= grid_.components) return nullptr;
        return (a == grid_.components - 1 ? indices_ : columns_.data()) + a * grid_.size;
    }

    static Store<T> squares_in(T* to) {
        Store<T> store;
        store.made = Made::squares;
        store.to = to;
        return store;
    }

    void search(int a, const Store<T>& store) {
        Lines<T> lines;
        lines.from = squares_;
        lines.index = index_of(a);
        lines.n = grid_.shape[a];
        lines.count = grid_.size / lines.n;
        lines.stride = grid_.strides[a];
        lines.lanes = lanes_of(a);
        lines.along = lines.stride == 1;
        lines.narrow = grid_.size <= INT32_MAX;
        lines.step = steps_[static_cast<std::size_t>(a)];
        const unsigned blocks = cuda::blocks_x(cuda::ceil_div(lines.count, lines.lanes));
        const auto with = [&](auto kernel, std::int64_t shared) {
            cuda::launch("search_axis", cuda::config(blocks, kThreads, static_cast<std::size_t>(shared), exec_.stream),
                         kernel, lines, store);
        };
        if (fits(a)) {
            with(search_axis<true, T>, bytes_of(a, lines.lanes));
        } else {
            with(search_axis<false, T>, 0);
        }
    }

    Grid grid_;
    const cuda::Exec& exec_;
    unsigned* found_;
    std::int32_t* indices_;
    cuda::Scratch<T> work_;
    cuda::Scratch<T> other_;
    cuda::Scratch<std::int32_t> columns_;  // of indices, but for the last axis
    T* squares_;
    std::vector<T> steps_;
};

// Calls run(type, steps, size of one) for whole steps or any.
template <class Run>
void with_steps(const ConstArrayView& in, const std::vector<double>& sampling, const Run& run) {
    std::vector<double> steps(sampling.size());
    const double part = whole_steps(in, sampling, steps);
    if (part > 0.0) {
        run(Type<std::int32_t>{}, steps, part);
    } else {
        run(Type<double>{}, sampling, 1.0);
    }
}

// Whether each of two searches found a sample: not yet.
cuda::Scratch<unsigned> nothing_found(const cuda::Exec& exec) {
    return cuda::filled<unsigned>(2, 0, exec);
}

template <class T>
Store<T> roots_in(const ArrayView& out, double scale) {
    Store<T> store;
    store.made = Made::roots;
    store.to = out.data;
    store.positions = positions_of(out);
    store.scale = scale;
    return store;
}

}  // namespace
}  // namespace voxkern::edt

namespace voxkern::cuda {

void edt(const ConstArrayView& in, const ArrayView* distances, const ArrayView* indices,
         const std::vector<double>& sampling, bool zeros, const Exec& exec) {
    if (in.size() == 0) return;
    const auto found = edt::nothing_found(exec);
    edt::with_steps(in, sampling, [&](auto type, const std::vector<double>& steps, double part) {
        using T = typename decltype(type)::type;
        edt::Transform<T> transform(in, steps, edt::kFar<T>, zeros, indices, found.data(), exec);
        if (distances != nullptr) {
            transform.run(true, edt::roots_in<T>(*distances, part));
        } else {
            transform.run(true, edt::Store<T>());
        }
    });
}

void signed_edt(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& sampling, const Exec& exec) {
    if (in.size() == 0) return;
    const auto found = edt::nothing_found(exec);
    edt::with_steps(in, sampling, [&](auto type, const std::vector<double>& steps, double part) {
        using T = typename decltype(type)::type;
        const edt::Store<T> roots = edt::roots_in<T>(out, part);
        edt::Store<T> inner = roots;
        inner.made = edt::Made::inner_roots;
        inner.found = found.data();
        edt::Transform<T>(in, steps, edt::kFar<T>, false, nullptr, found.data(), exec).run(false, roots);
        edt::Transform<T>(in, steps, edt::kFar<T>, true, nullptr, found.data() + 1, exec).run(false, inner);
    });
}

void within_distance(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& sampling, double radius,
                     bool zeros, const Exec& exec) {
    if (in.size() == 0) return;
    const auto found = edt::nothing_found(exec);
    edt::with_steps(in, sampling, [&](auto type, const std::vector<double>& steps, double part) {
        using T = typename decltype(type)::type;
        const T far = static_cast<T>(edt::behind(radius / part, T{}));
        edt::Store<T> near;
        near.made = edt::Made::near;
        near.to = out.data;
        near.far = far;
        near.beyond = zeros;
        near.positions = edt::positions_of(out);
        edt::Transform<T>(in, steps, far, zeros, nullptr, found.data(), exec).run(false, near);
    });
}

}  // namespace voxkern::cuda

// SPDX-License-Identifier: Apache-2.0
// Windows of any shape around each sample. A block makes a tile of results: planes of rows along the last three axes of
// an order. Planes of the input, with what the windows reach around the tile, are staged in shared memory one by one;
// each serves all results whose windows hold it. Windows that are larger than shared memory are staged in pieces.
// A codec makes values of samples and samples of results: with_input(run) and with_output(run) call run(Type<T>{}) for
// the type that lies in memory, load(T) and save<T>(Value) convert.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/axes.hpp"
#include "core/cuda/convert.hpp"
#include "core/cuda/index.hpp"
#include "core/cuda/launch.hpp"
#include "core/cuda/shared.hpp"

namespace voxkern::cuda {

inline constexpr int kWindowThreads = 256;
// Results of a thread: so many planes, and rows blockDim.y apart.
inline constexpr int kWindowPlanes = 4;
inline constexpr int kWindowRows = 4;

// An axis of the arrays and of the window: out[i] depends on in[i - before .. i - before + size - 1].
struct WindowSide {
    std::int64_t size = 1;
    std::int64_t before = 0;
    Boundary mode = Boundary::reflect;
};

// Positions have 32 bits, offsets 64.
struct WindowAxis {
    int n = 1;
    int size = 1;
    int before = 0;
    std::int64_t in_stride = 0;
    std::int64_t out_stride = 0;
    Boundary mode = Boundary::reflect;
};

struct Windows {
    const void* in = nullptr;
    void* out = nullptr;
    WindowAxis z, y, x;
    int rank = 0;  // of the other axes
    WindowAxis far[kMaxRank];
    int slabs = 1;   // places of a window along them
    int planes = 1;  // of a tile, and rows of a thread
    int rows = 1;
    int threads_x = 32;
    int threads_y = 8;
    int piece_y = 1;  // samples of a window that are staged at a time
    int piece_x = 1;
    int pitch = 0;  // elements of a staged row
    int tiles_x = 1, tiles_y = 1, tiles_z = 1;
    std::int64_t tiles = 1;

    // Rows and columns that are staged at a time, at most.
    int staged_rows() const { return rows * threads_y + piece_y - 1; }
    std::size_t staged() const { return static_cast<std::size_t>(staged_rows()) * static_cast<std::size_t>(pitch); }
};

inline int power_of_two_from(std::int64_t n, int least, int most) {
    int power = least;
    while (power < n && power < most) power *= 2;
    return power;
}

// `order` is that of window_axes(): threads follow the last of its axes, then the one before. `itemsize` is that of a
// staged sample.
inline Windows make_windows(const ConstArrayView& in, const ArrayView& out, const std::vector<WindowSide>& sides,
                            const std::vector<int>& order, std::size_t itemsize, int planes = kWindowPlanes,
                            int rows = kWindowRows) {
    Windows w;
    w.in = in.data;
    w.out = out.data;
    const auto axis = [&](int a) {
        const WindowSide& side = sides[static_cast<std::size_t>(a)];
        check_positions(in.shape[a], side.size);
        return WindowAxis{static_cast<int>(in.shape[a]),
                          static_cast<int>(side.size),
                          static_cast<int>(side.before),
                          in.strides[a],
                          out.strides[a],
                          side.mode};
    };
    const std::size_t n = order.size();
    if (n > 0) w.x = axis(order[n - 1]);
    if (n > 1) w.y = axis(order[n - 2]);
    if (n > 2) w.z = axis(order[n - 3]);
    for (std::size_t k = 0; k + 3 < n; ++k) {
        w.far[w.rank] = axis(order[k]);
        w.slabs *= w.far[w.rank].size;
        w.tiles *= w.far[w.rank++].n;
    }
    w.threads_x = power_of_two_from(w.x.n, 4, 32);
    w.threads_y = power_of_two_from(w.y.n, 1, kWindowThreads / w.threads_x);
    w.threads_x = power_of_two_from(w.x.n, w.threads_x, kWindowThreads / w.threads_y);
    w.planes = static_cast<int>(std::min<std::int64_t>(planes, w.z.n));
    w.rows = static_cast<int>(std::min<std::int64_t>(rows, ceil_div(w.y.n, w.threads_y)));
    // Whole rows of a window if they fit, and as many of them as do; else pieces of one row, so that samples come in
    // their order.
    constexpr std::size_t kStagedBytes = std::size_t{32} << 10;
    const auto room = static_cast<std::int64_t>(kStagedBytes / itemsize);
    const std::int64_t made = w.rows * w.threads_y;
    const std::int64_t columns = room / made - w.threads_x + 1;
    w.piece_x = static_cast<int>(std::min<std::int64_t>(w.x.size, std::max<std::int64_t>(columns, 1)));
    w.pitch = w.threads_x + w.piece_x - 1;
    if (w.piece_x == w.x.size) {
        w.piece_y = static_cast<int>(std::clamp<std::int64_t>(room / w.pitch - made + 1, 1, w.y.size));
    }
    w.tiles_x = static_cast<int>(ceil_div(w.x.n, w.threads_x));
    w.tiles_y = static_cast<int>(ceil_div(w.y.n, made));
    w.tiles_z = static_cast<int>(ceil_div(w.z.n, w.planes));
    w.tiles *= static_cast<std::int64_t>(w.tiles_x) * w.tiles_y * w.tiles_z;
    return w;
}

inline cudaLaunchConfig_t config_of(const Windows& w, std::size_t itemsize, cudaStream_t stream) {
    const dim3 threads(static_cast<unsigned>(w.threads_x), static_cast<unsigned>(w.threads_y));
    constexpr std::size_t kResults = kWindowThreads * kWindowRows;  // of a plane, on their way out
    return config(blocks_x(w.tiles), threads, std::max(w.staged(), kResults) * itemsize, stream);
}

// The first result of a block's tile.
struct WindowTile {
    int far = 0;  // position along the other axes
    int z = 0, y = 0, x = 0;
};

__device__ inline WindowTile window_tile(const Windows& w) {
    WindowTile tile;
    int index = static_cast<int>(blockIdx.x);
    tile.x = index % w.tiles_x * w.threads_x;
    index /= w.tiles_x;
    tile.y = index % w.tiles_y * (w.rows * w.threads_y);
    index /= w.tiles_y;
    tile.z = index % w.tiles_z * w.planes;
    tile.far = index / w.tiles_z;
    return tile;
}

// Where the input of a slab begins; kOutside along one of the other axes: it lies outside.
__device__ inline bool slab_is_inside(const Windows& w, int position, int slab, std::int64_t& offset) {
    offset = 0;
    for (int a = w.rank - 1; a >= 0; --a) {
        const WindowAxis& axis = w.far[a];
        const int i = folded<int>(position % axis.n - axis.before + slab % axis.size, axis.n, axis.mode);
        position /= axis.n;
        slab /= axis.size;
        if (i < 0) return false;
        offset += i * axis.in_stride;
    }
    return true;
}

// Samples of a plane from row y and column x on, which may lie beyond its edges.
template <class T, class Codec>
__device__ void stage_samples(const Windows& w, const Codec& codec, std::int64_t offset, int y, int rows, int x,
                              int columns, typename Codec::Value outside, typename Codec::Value* staged) {
    const T* const in = static_cast<const T*>(w.in) + offset;
    for (int r = static_cast<int>(threadIdx.y); r < rows; r += static_cast<int>(blockDim.y)) {
        const int j = folded<int>(y + r, w.y.n, w.y.mode);
#pragma unroll 1  // once for each dtype, and most rows take a step or two
        for (int c = static_cast<int>(threadIdx.x); c < columns; c += static_cast<int>(blockDim.x)) {
            const int i = folded<int>(x + c, w.x.n, w.x.mode);
            staged[r * w.pitch + c] = i < 0 || j < 0 ? outside : codec.load(in[j * w.y.in_stride + i * w.x.in_stride]);
        }
    }
}

// The same of a plane at `z` that may lie outside; all threads of the block, with a barrier on either side.
template <class Codec>
__device__ void stage_plane(const Windows& w, const Codec& codec, bool inside, std::int64_t offset, int z, int y,
                            int rows, int x, int columns, typename Codec::Value outside,
                            typename Codec::Value* staged) {
    const int plane = folded<int>(z, w.z.n, w.z.mode);
    __syncthreads();  // the last plane has been read
    if (inside && plane >= 0) {
        codec.with_input([&](auto type) {
            using T = typename decltype(type)::type;
            stage_samples<T>(w, codec, offset + plane * w.z.in_stride, y, rows, x, columns, outside, staged);
        });
    } else {
        for (int r = static_cast<int>(threadIdx.y); r < rows; r += static_cast<int>(blockDim.y)) {
#pragma unroll 1
            for (int c = static_cast<int>(threadIdx.x); c < columns; c += static_cast<int>(blockDim.x)) {
                staged[r * w.pitch + c] = outside;
            }
        }
    }
    __syncthreads();
}

// A part of a plane of windows: its samples from row y and column x on.
struct WindowPiece {
    int plane;  // counted from the first that the tile reads
    int y, x;
    int rows, columns;
};

// The samples of a piece that has been staged; see for_window_samples().
template <class C, class W, class Visit, class Turn>
__device__ void visit_piece(const Windows& w, const WindowPiece& piece, int planes, const W* weights, const C* staged,
                            const Visit& visit, const Turn& turn) {
    const int row_step = static_cast<int>(blockDim.y) * w.pitch;
    for (int t = 0; t < piece.rows; ++t) {
        const C* const from = staged + (static_cast<int>(threadIdx.y) + t) * w.pitch + static_cast<int>(threadIdx.x);
        for (int s = 0; s < piece.columns; ++s) {
            C sample[kWindowRows] = {};
#pragma unroll
            for (int r = 0; r < kWindowRows; ++r) {
                if (r < w.rows) sample[r] = from[r * row_step + s];
            }
#pragma unroll
            for (int k = 0; k < kWindowPlanes; ++k) {
                const int at = piece.plane - k;  // of the plane in the windows of results on plane k
                if (at < 0 || at >= w.z.size || k >= planes) continue;
                const W weight = weights[(at * w.y.size + piece.y + t) * w.x.size + piece.x + s];
                if (weight == W{0}) continue;
#pragma unroll
                for (int r = 0; r < kWindowRows; ++r) {
                    if (r < w.rows) visit(k, r, sample[r], weight);
                }
            }
        }
        turn(piece.columns);
    }
}

// Calls visit(plane, row, sample, weight) for the samples of the windows of this thread's results whose weight is not
// zero, for each result in the order of the weights: [slab][z][y][x]. After each row of them it calls turn(their
// number).
template <class Codec, class W, class Visit, class Turn>
__device__ void for_window_samples(const Windows& w, const Codec& codec, const WindowTile& tile, const W* weights,
                                   typename Codec::Value outside, const Visit& visit, const Turn& turn) {
    typename Codec::Value* const staged = dynamic_shared<typename Codec::Value>();
    const int planes = least<int>(w.planes, w.z.n - tile.z);
    const int rows = least<int>(w.rows * w.threads_y, w.y.n - tile.y);
    const int columns = least<int>(w.threads_x, w.x.n - tile.x);
    const bool idle = static_cast<int>(threadIdx.x) >= columns;
    WindowPiece piece;
    for (int slab = 0; slab < w.slabs; ++slab) {
        std::int64_t offset = 0;
        const bool inside = slab_is_inside(w, tile.far, slab, offset);
        for (piece.plane = 0; piece.plane < planes + w.z.size - 1; ++piece.plane) {
            for (piece.y = 0; piece.y < w.y.size; piece.y += w.piece_y) {
                piece.rows = least<int>(w.piece_y, w.y.size - piece.y);
                for (piece.x = 0; piece.x < w.x.size; piece.x += w.piece_x) {
                    piece.columns = least<int>(w.piece_x, w.x.size - piece.x);
                    stage_plane(w, codec, inside, offset, tile.z - w.z.before + piece.plane,
                                tile.y - w.y.before + piece.y, rows + piece.rows - 1, tile.x - w.x.before + piece.x,
                                columns + piece.columns - 1, outside, staged);
                    if (!idle) visit_piece(w, piece, planes, weights, staged, visit, turn);
                }
            }
        }
        weights += w.z.size * w.y.size * w.x.size;
    }
}

// Where the results of this thread's column lie.
__device__ inline std::int64_t window_column(const Windows& w, const WindowTile& tile) {
    std::int64_t base = (tile.x + static_cast<int>(threadIdx.x)) * w.x.out_stride;
    int position = tile.far;
    for (int a = w.rank - 1; a >= 0; --a) {
        base += position % w.far[a].n * w.far[a].out_stride;
        position /= w.far[a].n;
    }
    return base;
}

// Writes value(plane, row) for this thread's results. They go by way of shared memory, whose places a loop can number:
// unrolled, conversions to each dtype would be most of a kernel.
template <class Codec, class Value>
__device__ void store_window_results(const Windows& w, const Codec& codec, const WindowTile& tile, const Value& value) {
    using C = typename Codec::Value;
    C* const own = dynamic_shared<C>() + threadIdx.y * blockDim.x + threadIdx.x;
    __syncthreads();  // the last plane has been read
    if (tile.x + static_cast<int>(threadIdx.x) >= w.x.n) return;
    const std::int64_t base = window_column(w, tile);
#pragma unroll
    for (int k = 0; k < kWindowPlanes; ++k) {
        if (k >= w.planes || tile.z + k >= w.z.n) continue;
#pragma unroll
        for (int r = 0; r < kWindowRows; ++r) own[r * kWindowThreads] = value(k, r);
        codec.with_output([&](auto type) {
            using T = typename decltype(type)::type;
#pragma unroll 1
            for (int r = 0; r < w.rows; ++r) {
                const int y = tile.y + static_cast<int>(threadIdx.y) + r * static_cast<int>(blockDim.y);
                const std::int64_t at = base + (tile.z + k) * w.z.out_stride + y * w.y.out_stride;
                if (y < w.y.n) static_cast<T*>(w.out)[at] = codec.template save<T>(own[r * kWindowThreads]);
            }
        });
    }
}

// The axes that matter, for make_windows(): as they lie in memory, the slowest first, or in C order.
inline std::vector<int> window_axes(const ArrayView& out, const std::vector<WindowSide>& sides, bool any_order) {
    std::vector<int> order(static_cast<std::size_t>(out.rank));
    std::iota(order.begin(), order.end(), 0);
    if (any_order) {
        order = slowest_first(out.rank, out.strides);
        std::stable_partition(order.begin(), order.end(), [&](int a) { return out.shape[a] == 1; });
    }
    const auto idle = [&](int a) { return out.shape[a] == 1 && sides[static_cast<std::size_t>(a)].size == 1; };
    order.erase(std::remove_if(order.begin(), order.end(), idle), order.end());
    return order;
}

// A table over the axes of an array in C order, as weights are: [slab][z][y][x].
template <class W>
std::vector<W> in_window_order(const std::vector<W>& table, const std::vector<WindowSide>& sides,
                               const std::vector<int>& order) {
    std::vector<std::int64_t> strides(sides.size(), 1);
    for (std::size_t a = sides.size(); a-- > 1;) strides[a - 1] = strides[a] * sides[a].size;
    Axes<1> axes;
    for (const int a : order) {
        axes.push(sides[static_cast<std::size_t>(a)].size, {strides[static_cast<std::size_t>(a)]});
    }
    std::vector<W> ordered;
    ordered.reserve(table.size());
    for (std::int64_t i = 0; i < axes.size(); ++i) ordered.push_back(table[static_cast<std::size_t>(axes.at(i)[0])]);
    return ordered;
}

}  // namespace voxkern::cuda

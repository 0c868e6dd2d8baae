// SPDX-License-Identifier: Apache-2.0
// extrema1d on the GPU. A box runs axis by axis: a block stages pieces of lines in shared memory and makes extrema of
// windows of 4, 16, 64 ... samples of them, each from four of the last ones. They overlap, which does not hurt an
// extremum: no thread waits for a sum that another carries along. A footprint is gone through sample by sample.
// Samples are compared by keys in reversed order for minima: everything is a maximum of unsigned integers. A NaN has
// the lowest key, 0.
#include "core/cuda/block.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/keys.hpp"
#include "core/cuda/walk.hpp"
#include "core/cuda/window.hpp"
#include "kernels/correlate1d/correlate1d.hpp"
#include "kernels/extrema1d/extrema1d_plan.hpp"

namespace voxkern::extrema1d {
namespace {

template <class K>
__device__ __forceinline__ K larger(K a, K b) {
    return a < b ? b : a;
}

// --- boxes ---

constexpr int kThreads = 256;
constexpr int kResults = 8;                                // of a thread, at most
constexpr std::size_t kTileBytes = std::size_t{40} << 10;  // of both tiles: 48 KiB are there without asking

// One pass. A tile holds `samples` of `lanes` lines: along its rows where lines are contiguous, else across them.
struct Pass {
    int n = 1;
    int size = 1;
    int before = 0;
    int tiles_of_line = 1;
    std::int64_t in_step = 1;
    std::int64_t out_step = 1;
    Boundary mode = Boundary::reflect;
    bool along = false;
    int lanes = 32;
    int results = 64;  // of a line
    int piece = 1;     // samples of a window at a time
    int samples = 1;   // results + piece - 1
    const void* in = nullptr;
    void* out = nullptr;
    cuda::Walk<0> lines;

    __device__ int element(int lane, int sample) const {
        return along ? lane * samples + sample : sample * lanes + lane;
    }
};

struct Lanes {
    std::int64_t in[32];
    std::int64_t out[32];
};

// Samples from `first` on, which may lie beyond the ends, of so many lines.
template <class T, class Codec>
__device__ void load_lines(const Pass& pass, const Codec& codec, const Lanes& lane, int lanes, int first, int count,
                           typename Codec::Value outside, typename Codec::Value* tile) {
    const T* const in = static_cast<const T*>(pass.in);
    const int outer = pass.along ? lanes : count;
    const int inner = pass.along ? count : lanes;
    for (int o = static_cast<int>(threadIdx.y); o < outer; o += static_cast<int>(blockDim.y)) {
        for (int i = static_cast<int>(threadIdx.x); i < inner; i += static_cast<int>(blockDim.x)) {
            const int l = pass.along ? o : i;
            const int s = pass.along ? i : o;
            const int at = cuda::folded<int>(first + s, pass.n, pass.mode);
            tile[pass.element(l, s)] = at < 0 ? outside : codec.load(in[lane.in[l] + at * pass.in_step]);
        }
    }
}

// The extremum of four windows of `length` samples that make one of `whole`.
template <class K>
__device__ __forceinline__ K largest_of_four(const K* from, int length, int whole, int step) {
    K best = from[0];
#pragma unroll
    for (int t = 1; t < 4; ++t) best = larger(best, from[cuda::least(t * length, whole - length) * step]);
    return best;
}

template <class Codec>
__global__ void slide_windows(Pass pass, Codec codec, typename Codec::Value outside) {
    using K = typename Codec::Value;
    Lanes& lane = cuda::block_shared<Lanes>();
    K* from = cuda::dynamic_shared<K>();
    const int elements = pass.lanes * pass.samples;
    K* to = from + elements;
    const std::int64_t tile = static_cast<std::int64_t>(blockIdx.x);
    const int first = static_cast<int>(tile % pass.tiles_of_line) * pass.results;
    const std::int64_t line = tile / pass.tiles_of_line * pass.lanes;
    const auto lanes = static_cast<int>(cuda::least<std::int64_t>(pass.lanes, pass.lines.size - line));
    const auto count = static_cast<int>(cuda::least<int>(pass.results, pass.n - first));
    const int rank = cuda::thread_rank();
    const int step = pass.along ? 1 : pass.lanes;
    if (rank < lanes) {
        const auto place = pass.lines.at(line + rank);
        lane.in[rank] = place.in;
        lane.out[rank] = place.out;
    }
    // The results of a thread lie on one line.
    const auto own_lane = static_cast<int>(pass.along ? threadIdx.y : threadIdx.x);
    const auto own_first = static_cast<int>(pass.along ? threadIdx.x : threadIdx.y);
    const auto own_step = static_cast<int>(pass.along ? blockDim.x : blockDim.y);
    const int own = own_lane < lanes ? (count - own_first + own_step - 1) / own_step : 0;
    K best[kResults];
    for (int done = 0; done < pass.size; done += pass.piece) {
        const int begin = cuda::least<int>(done, pass.size - pass.piece);  // the last piece ends with the window
        __syncthreads();
        codec.with_input([&](auto type) {
            using T = typename decltype(type)::type;
            load_lines<T>(pass, codec, lane, lanes, first - pass.before + begin, count + pass.piece - 1, outside, from);
        });
        __syncthreads();
        int length = 1;
        for (; 4 * length < pass.piece; length *= 4) {
            for (int e = rank; e < elements - 3 * length * step; e += kThreads) {
                to[e] = largest_of_four(from + e, length, 4 * length, step);
            }
            __syncthreads();
            K* const made = to;
            to = from;
            from = made;
        }
#pragma unroll
        for (int k = 0; k < kResults; ++k) {
            if (k >= own) continue;
            const K* const at = from + pass.element(own_lane, own_first + k * own_step);
            const K value = largest_of_four(at, length, pass.piece, step);
            best[k] = done == 0 ? value : larger(best[k], value);
        }
    }
    // By way of shared memory, whose places a loop can number.
#pragma unroll
    for (int k = 0; k < kResults; ++k) {
        if (k < own) to[pass.element(own_lane, own_first + k * own_step)] = best[k];
    }
    codec.with_output([&](auto type) {
        using T = typename decltype(type)::type;
#pragma unroll 1
        for (int k = 0; k < own; ++k) {
            const int sample = own_first + k * own_step;
            const std::int64_t at = lane.out[own_lane] + (first + sample) * pass.out_step;
            static_cast<T*>(pass.out)[at] = codec.template save<T>(to[pass.element(own_lane, sample)]);
        }
    });
}

// Lines that lie apart are read a row of 32 neighbours at a time, of 8 where windows would not fit otherwise.
void choose_tile(Pass& pass, std::size_t itemsize) {
    const auto room = static_cast<std::int64_t>(kTileBytes / 2 / itemsize);
    const auto shape = [&](int lanes) {
        const int threads = kThreads / lanes;  // that share a line
        pass.lanes = lanes;
        pass.results = static_cast<int>(std::min(cuda::ceil_div(pass.n, threads), std::int64_t{kResults})) * threads;
        pass.piece = static_cast<int>(
            std::min<std::int64_t>(std::max<std::int64_t>(room / lanes - pass.results + 1, 1), pass.size));
    };
    shape(pass.along ? 8 : 32);
    if (pass.piece < pass.size) shape(8);
    pass.samples = pass.results + pass.piece - 1;
    pass.tiles_of_line = static_cast<int>(cuda::ceil_div(pass.n, pass.results));
}

bool is_contiguous(const ArrayView& out, int axis) {
    for (int a = 0; a < out.rank; ++a) {
        if (a != axis && out.shape[a] > 1 && std::abs(out.strides[a]) < std::abs(out.strides[axis])) return false;
    }
    return true;
}

template <class Codec>
void slide(const ConstArrayView& in, const ArrayView& out, const Window& window, const Codec& codec,
           typename Codec::Value outside, const cuda::Exec& exec) {
    using K = typename Codec::Value;
    ConstArrayView firsts = in;
    ArrayView targets = out;
    firsts.shape[window.axis] = targets.shape[window.axis] = 1;
    cuda::check_positions(in.shape[window.axis], window.size);
    Pass pass;
    pass.in = in.data;
    pass.out = out.data;
    pass.lines = cuda::walk_over<0>(firsts, targets, {-1});
    pass.n = static_cast<int>(in.shape[window.axis]);
    pass.in_step = in.strides[window.axis];
    pass.out_step = out.strides[window.axis];
    pass.size = static_cast<int>(window.size);
    pass.before = static_cast<int>(window.before());
    pass.mode = window.mode;
    pass.along = is_contiguous(out, window.axis);
    choose_tile(pass, sizeof(K));
    const std::int64_t tiles = cuda::ceil_div(pass.lines.size, pass.lanes) * pass.tiles_of_line;
    const unsigned columns = pass.along ? 32 : static_cast<unsigned>(pass.lanes);
    const std::size_t bytes = 2 * sizeof(K) * static_cast<std::size_t>(pass.lanes * pass.samples);
    cuda::launch("slide_windows",
                 cuda::config(cuda::blocks_x(tiles), dim3(columns, kThreads / columns), bytes, exec.stream),
                 slide_windows<Codec>, pass, codec, outside);
}

// --- footprints ---

template <class Codec>
__global__ void pick_footprint(cuda::Windows windows, Codec codec, const unsigned char* set,
                               typename Codec::Value outside) {
    using K = typename Codec::Value;
    const cuda::WindowTile tile = cuda::window_tile(windows);
    K best[cuda::kWindowPlanes][cuda::kWindowRows] = {};
    const auto visit = [&](int k, int r, K sample, unsigned char) { best[k][r] = larger(best[k][r], sample); };
    cuda::for_window_samples(windows, codec, tile, set, outside, visit, [](int) {});
    cuda::store_window_results(windows, codec, tile, [&](int k, int r) { return best[k][r]; });
}

template <class Codec>
void run_footprint(const ConstArrayView& in, const ArrayView& out, const Footprint& footprint, const Codec& codec,
                   typename Codec::Value outside, const cuda::Exec& exec) {
    std::vector<cuda::WindowSide> sides;
    for (const Window& w : footprint.windows) sides.push_back({w.size, w.before(), w.mode});
    const std::vector<int> order = cuda::window_axes(out, sides, true);
    const auto windows = cuda::make_windows(in, out, sides, order, sizeof(outside));
    const auto set = cuda::upload(cuda::in_window_order(footprint.set, sides, order), exec);
    cuda::launch("pick_footprint", cuda::config_of(windows, sizeof(outside), exec.stream), pick_footprint<Codec>,
                 windows, codec, set.data(), outside);
}

// --- residues ---

// Integers wrap: T is unsigned or floating.
template <class T>
__global__ void make_residues(T* out, const T* a, const T* b, cuda::Walk<0> walk, Residue::Kind kind) {
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const std::int64_t at = walk.at(p).out;
        const T e = out[at];
        const T x = a[at];
        T residue = e;
        if (kind == Residue::Kind::above) residue = static_cast<T>(x - e);
        if (kind == Residue::Kind::below) residue = static_cast<T>(e - x);
        if (kind == Residue::Kind::laplace) residue = static_cast<T>(x + e - b[at] - b[at]);
        if (kind == Residue::Kind::differing) residue = static_cast<T>((x != 0) != (e != 0));
        out[at] = residue;
    }
}

template <class T>
void write_residues(const ArrayView& out, const Residue& residue, const cuda::Exec& exec) {
    const cuda::Walk<0> walk = cuda::walk_over<0>(as_const(out), out, {-1});
    cuda::launch("make_residues", cuda::config_for(walk.size, exec.stream), make_residues<T>, static_cast<T*>(out.data),
                 static_cast<const T*>(residue.a), static_cast<const T*>(residue.b), walk, residue.kind);
}

void write_residues(const ArrayView& out, const Residue& residue, const cuda::Exec& exec) {
    if (residue.kind == Residue::Kind::none) return;
    if (out.dtype == DType::f32) return write_residues<float>(out, residue, exec);
    if (out.dtype == DType::f64) return write_residues<double>(out, residue, exec);
    switch (size_of(out.dtype)) {
        case 1: return write_residues<std::uint8_t>(out, residue, exec);
        case 2: return write_residues<std::uint16_t>(out, residue, exec);
        case 4: return write_residues<std::uint32_t>(out, residue, exec);
        default: return write_residues<std::uint64_t>(out, residue, exec);
    }
}

// Calls run(keys, key of cval) for arrays of one dtype.
template <class Run>
void with_keys(const ConstArrayView& in, Kind kind, double cval, const Run& run) {
    const cuda::Order order = kind == Kind::minimum ? cuda::Order::descending : cuda::Order::ascending;
    cuda::with_keys(in.dtype, order, cuda::NanKey::lowest,
                    [&](const auto& keys) { run(keys, cuda::key_of(keys, in.dtype, cval)); });
}

// Calls run(in, out), by way of float64 where the types alone would give another result.
template <class Run>
void run_in(bool converts, const ConstArrayView& in, const ArrayView& out, const cuda::Exec& exec, const Run& run) {
    if (!converts) return run(in, out);
    const auto convert = [&](const ConstArrayView& from, const ArrayView& to) {
        cuda::correlate1d(from, to, {}, exec);
    };
    cuda::through_f64(in, out, exec, convert, run);
}

}  // namespace
}  // namespace voxkern::extrema1d

namespace voxkern::cuda {

void extrema1d(const ConstArrayView& in, const ArrayView& out, extrema1d::Kind kind,
               const std::vector<extrema1d::Window>& windows, double cval, const extrema1d::Residue& residue,
               const Exec& exec) {
    if (in.size() == 0) return;
    const bool converts = extrema1d::goes_through_f64(in.dtype, out.dtype, windows, cval);
    const std::vector<extrema1d::Window> passes = extrema1d::passes_of(windows, converts);
    if (passes.empty()) {
        correlate1d(in, out, {}, exec);  // a copy, converted as results are
        extrema1d::write_residues(out, residue, exec);
        return;
    }
    const Scratch<char> other(passes.size() > 1 ? static_cast<std::size_t>(out.size() * size_of(out.dtype)) : 0, exec);
    const ArrayView spare = packed_like(other.data(), out.dtype, out);
    ConstArrayView from = in;
    for (std::size_t k = 0; k < passes.size(); ++k) {
        const ArrayView to = (passes.size() - 1 - k) % 2 == 0 ? out : spare;
        const extrema1d::Window window = extrema1d::shortened(passes[k], in.shape[passes[k].axis]);
        const auto pass = [&](const ConstArrayView& source, const ArrayView& target) {
            extrema1d::with_keys(source, kind, cval, [&](const auto& keys, auto outside) {
                extrema1d::slide(source, target, window, keys, outside, exec);
            });
        };
        extrema1d::run_in(converts, from, to, exec, pass);
        from = as_const(to);
    }
    extrema1d::write_residues(out, residue, exec);
}

void extrema1d(const ConstArrayView& in, const ArrayView& out, extrema1d::Kind kind,
               const extrema1d::Footprint& footprint, double cval, const extrema1d::Residue& residue,
               const Exec& exec) {
    if (!footprint.heights.empty()) throw InvalidArgument("heights: got some, allowed none on the GPU");
    if (in.size() == 0) return;
    if (in.rank == 0) {
        extrema1d::Footprint line = footprint;
        line.windows = {extrema1d::Window{}};
        extrema1d(extrema1d::with_an_axis(in), extrema1d::with_an_axis(out), kind, line, cval, residue, exec);
        return;
    }
    const double held = extrema1d::held_value(in.dtype, cval);
    const auto pass = [&](const ConstArrayView& source, const ArrayView& target) {
        extrema1d::with_keys(source, kind, held, [&](const auto& keys, auto outside) {
            extrema1d::run_footprint(source, target, footprint, keys, outside, exec);
        });
    };
    extrema1d::run_in(extrema1d::goes_through_f64(in.dtype, out.dtype), in, out, exec, pass);
    extrema1d::write_residues(out, residue, exec);
}

}  // namespace voxkern::cuda

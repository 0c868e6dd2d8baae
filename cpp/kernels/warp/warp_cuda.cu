// SPDX-License-Identifier: Apache-2.0
// warp on the GPU: a thread per grid point, its sums in the order of the CPU with the same fused operations. Points
// whose taps have to be folded one by one are left to a second kernel, so that the first one stays small.
#include "core/passes.hpp"
#include "kernels/resample/resample.hpp"
#include "kernels/warp/warp_cuda.inl.hpp"

namespace voxkern::warp {
namespace {

// What happens to a value on its way out. The limits lie in device memory: nobody waits for them.
struct Store {
    void* data = nullptr;
    DType dtype = DType::f32;
    const void* limits = nullptr;  // lowest and highest, of the compute type; null: no clip
    bool boolean = false;          // nothing but 0 and 1

    // NaN stays.
    template <class C>
    __device__ __forceinline__ void operator()(std::int64_t place, C value) const {
        if (limits != nullptr) {
            const C* const limit = static_cast<const C*>(limits);
            value = value < limit[0] ? limit[0] : (value > limit[1] ? limit[1] : value);
        }
        if (boolean) value = value < C{0} ? C{0} : (value > C{1} ? C{1} : value);
        cuda::store_sample<RoundSaturate>(data, dtype, place, value);
    }
};

// A tap times its weight, as the rows of the CPU add it: vectors of more than 256 bits are not fused.
template <class C>
__device__ __forceinline__ C row_madd(int taps, C a, C b, C sum) {
    const int lanes = taps <= 4 ? 4 : (taps <= 8 ? 8 : 16);
    return lanes * static_cast<int>(sizeof(C)) <= 32 ? std::fma(a, b, sum) : sum + a * b;
}

// Whether samples of type T may be computed in type C.
template <class T, class C>
constexpr bool kTakenAs = kSame<C, double> || exact_in_f32(DTypeOf<T>::value);

// Order 1, from an image of any dtype and strides: the samples are read first, for the dtype is looked at once.
template <class C, int D>
__device__ __forceinline__ C take_pairs(const Source& source, std::int64_t corner, const C* fraction) {
    constexpr int kSamples = 1 << D;
    C sample[kSamples];
    cuda::with_type(source.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        if constexpr (kTakenAs<T, C>) {
#pragma unroll
            for (int k = 0; k < kSamples; ++k) {
                const T* from = reinterpret_cast<const T*>(source.base) + corner;
                for (int d = 0; d < D; ++d) from += (k >> (D - 1 - d) & 1) * source.strides[d];
                sample[k] = static_cast<C>(*from);
            }
        }
    });
    // Along the last axis, then along those before it.
#pragma unroll
    for (int d = D - 1; d >= 0; --d) {
#pragma unroll
        for (int k = 0; k < 1 << d; ++k) {
            sample[k] = std::fma(sample[2 * k + 1], fraction[d], sample[2 * k] * (C(1) - fraction[d]));
        }
    }
    return sample[0];
}

// A spline of K taps from a padded copy: sums over the slower axes for each tap along the last, then over these.
template <class C, int D, int K>
__device__ __forceinline__ C take_spline(const Source& source, const C* corner, const C* fraction) {
    C weights[D][K];
#pragma unroll
    for (int d = 0; d < D; ++d) weigh_spline<K>(source, d, fraction[d], weights[d]);
    constexpr int kPlanes = D > 2 ? K : 1;
    constexpr int kRows = D > 1 ? K : 1;
    C sum[K] = {};
#pragma unroll
    for (int z = 0; z < kPlanes; ++z) {
        C plane[K] = {};
#pragma unroll
        for (int y = 0; y < kRows; ++y) {
            const C* row = corner;
            if constexpr (D > 1) row += y * source.strides[D - 2];
            if constexpr (D > 2) row += z * source.strides[0];
#pragma unroll
            for (int x = 0; x < K; ++x) {
                plane[x] = D > 1 ? row_madd(K, row[x], weights[D > 1 ? D - 2 : 0][y], plane[x]) : row[x];
            }
        }
#pragma unroll
        for (int x = 0; x < K; ++x) sum[x] = D > 2 ? row_madd(K, plane[x], weights[0][z], sum[x]) : plane[x];
    }
    C total = sum[0] * weights[D - 1][0];
#pragma unroll
    for (int x = 1; x < K; ++x) total = std::fma(sum[x], weights[D - 1][x], total);
    return total;
}

// The same sums for any number of taps: of a sinc, whose weights take longer than they do, and of splines on a line.
template <class C, int D>
__device__ __forceinline__ C take_any(const Source& source, const C* corner, const C* fraction) {
    const int taps = source.kernel.taps();
    C weights[D][kMaxInterpolatorTaps];
    for (int d = 0; d < D; ++d) {
        if (D > 1 || source.kernel.radius > 0) {
            weigh_sinc(source.kernel, fraction[d], weights[d]);
        } else if (d == source.slope_axis) {
            spline_slopes_at<C>(fraction[d], source.kernel.order, weights[d]);
        } else {
            spline_weights_at<C>(fraction[d], source.kernel.order, weights[d]);
        }
    }
    const int planes = D > 2 ? taps : 1;
    const int rows = D > 1 ? taps : 1;
    C total = C{0};
    for (int x = 0; x < taps; ++x) {
        C sum = C{0};
        for (int z = 0; z < planes; ++z) {
            C plane = C{0};
            const C* row = corner + x;
            if constexpr (D > 2) row += z * source.strides[0];
            for (int y = 0; y < rows; ++y) {
                plane = D > 1 ? row_madd(taps, *row, weights[D > 1 ? D - 2 : 0][y], plane) : *row;
                if constexpr (D > 1) row += source.strides[D - 2];
            }
            sum = D > 2 ? row_madd(taps, plane, weights[0][z], sum) : plane;
        }
        total = x == 0 ? sum * weights[D - 1][0] : std::fma(sum, weights[D - 1][x], total);
    }
    return total;
}

// What a kernel is compiled for. Orders 0 and 1 read the image, the others a padded copy in the compute type.
enum class Take { nearest, pairs, spline, any };

// K: taps, 0: any number.
template <class C, int D, Take kTake, int K>
__global__ void warp_points(cuda::Tiles tiles, Map map, Source source, Store store) {
    Point<D> point;
    if (!find_point(tiles, map, point)) return;
    std::int64_t corner = point.image;
    C fraction[D];
    const int taps = K > 0 ? K : source.kernel.taps();
    int state = bring_inside(source, taps, point.at);
#pragma unroll
    for (int a = 0; a < D; ++a) {
        std::int64_t start;
        state |= place_axis(source, a, taps, point.at[a], start, fraction[a]);
        corner += start * source.strides[a];
    }
    if (is_general(state)) return;
    C value = static_cast<C>(value_outside(source));
    if ((state & kOutside) == 0) {
        const C* const from = reinterpret_cast<const C*>(source.base) + corner;  // of a padded copy
        if constexpr (kTake == Take::nearest) value = cuda::load_sample<C>(source.base, source.dtype, corner);
        if constexpr (kTake == Take::pairs) value = take_pairs<C, D>(source, corner, fraction);
        if constexpr (kTake == Take::spline) value = take_spline<C, D, K>(source, from, fraction);
        if constexpr (kTake == Take::any) value = take_any<C, D>(source, from, fraction);
        if (source.cval_subtracted && source.slope_axis < 0) value += static_cast<C>(source.cval);
    }
    store(point.grid, value);
}

// One sample after another in float64. `every`: of all points, else of those that warp_points has left.
__global__ void warp_general(cuda::Tiles tiles, Map map, Source source, Store store, bool every, bool f32) {
    Point<kMaxAxes> point;
    if (!find_point(tiles, map, point)) return;
    if (!every) {
        double inside[kMaxAxes];
        for (int a = 0; a < source.axes; ++a) inside[a] = point.at[a];
        int state = bring_inside(source, source.kernel.taps(), inside);
        for (int a = 0; a < source.axes; ++a) {
            std::int64_t start;
            float fraction;
            state |= place_axis(source, a, source.kernel.taps(), inside[a], start, fraction);
        }
        if (!is_general(state)) return;
    }
    const double value = sample_at(source, point.at, [&](std::int64_t i) {
        return cuda::load_sample<double>(source.base, source.dtype, point.image + i);
    });
    if (f32) {
        store(point.grid, static_cast<float>(value));
    } else {
        store(point.grid, value);
    }
}

// Where lines of `samples` samples go on for `reach` more at either end of every axis.
struct Extension {
    int axes = 0;
    Boundary rule = Boundary::mirror;
    bool in_place = false;  // the samples are there already
    double less = 0.0;      // subtracted from the samples; beyond them it stands for zero
    std::int64_t reach = 0;
    std::int64_t samples[kMaxAxes] = {};
    std::int64_t strides[kMaxAxes] = {};  // of the samples
};

// `tiles` goes over the extended array; where the batch steps in both.
template <class C>
__global__ void extend(const void* in, DType dtype, C* out, cuda::Tiles tiles, Extension extension) {
    std::int64_t from = 0;
    std::int64_t to = 0;
    bool within = true;
    bool filled = true;
#pragma unroll 1
    for (int a = 0; a < tiles.rank; ++a) {
        const std::int64_t i = tiles.index(a);
        if (i >= tiles.axis[a].extent) return;
        to += i * tiles.axis[a].stride;
        if (a >= extension.axes) {
            from += i * tiles.axis[a].other;
            continue;
        }
        const std::int64_t at = i - extension.reach;
        within = within && at >= 0 && at < extension.samples[a];
        const std::int64_t folded = fold_index(at, extension.samples[a], extension.rule);
        filled = filled && folded != voxkern::kOutside;
        from += folded * extension.strides[a];
    }
    if (within && extension.in_place) return;
    C value = filled ? cuda::load_sample<C>(in, dtype, from) : C{0};
    if (filled && extension.less != 0.0) value -= static_cast<C>(extension.less);
    out[to] = value;
}

// --- host side -------------------------------------------------------------------------------------------------

// Some points may have the state kGeneral.
bool may_be_general(const Source& source) {
    const Boundary mode = source.mode;
    if (source.slope_axis >= 0 || mode == Boundary::grid_constant) return true;
    if (source.padded()) return mode == Boundary::nearest;
    return mode != Boundary::nearest && mode != Boundary::constant && mode != Boundary::fov;
}

template <class C>
void launch_extend(const void* from, DType dtype, const ArrayView& to, const Extension& extension, const Axes<2>& batch,
                   const cuda::Exec& exec) {
    cuda::Tiles tiles = cuda::tiles_over(to);
    for (int b = 0; b < batch.rank(); ++b) tiles.axis[extension.axes + b].other = batch[b].strides[0];
    cuda::launch("extend", cuda::config_for(tiles, exec.stream), extend<C>, from, dtype, static_cast<C*>(to.data),
                 tiles, extension);
}

// Fills `data` from all items of the batch, as fill_padded of warp_source_cpu.cpp fills it from one.
template <class C>
void fill_copies(const Plan& plan, const Options& options, const Axes<2>& items, C* data, const cuda::Exec& exec) {
    const Padded& geometry = plan.padded;
    const bool filters = options.kernel.filters() && options.prefilter;
    const bool repeats = options.kernel.radius > 0 && options.mode == Boundary::fov;
    const Boundary rule = repeats ? Boundary::nearest : tap_boundary(options.mode);
    Extension extension;
    extension.axes = geometry.axes;
    std::copy_n(plan.image.shape, geometry.axes, extension.samples);
    std::copy_n(plan.image.strides, geometry.axes, extension.strides);
    extension.reach = filters ? geometry.pad : geometry.margin;
    extension.rule = filters ? options.mode : rule;
    extension.less = options.mode == Boundary::grid_constant ? options.cval : 0.0;
    const ArrayView line = with_batch(view_within(geometry, data, extension.reach), items);
    launch_extend<C>(plan.image.data, plan.image.dtype, line, extension, plan.batch, exec);
    if (!filters) return;
    prefilter(line, geometry.axes, options, exec);
    std::copy_n(line.shape, geometry.axes, extension.samples);
    std::copy_n(geometry.strides, geometry.axes, extension.strides);
    extension.reach = geometry.margin - geometry.pad;
    extension.rule = rule;
    extension.less = 0.0;
    extension.in_place = true;
    launch_extend<C>(line.data, line.dtype, with_batch(view_within(geometry, data, geometry.margin), items), extension,
                     items, exec);
}

template <class C, Take kTake, int K>
void launch_points(const Task& task, const cuda::Tiles& tiles, const Store& store, const cuda::Exec& exec) {
    with_axes(task.source.axes, [&](auto axes) {
        constexpr bool kLine = kTake == Take::spline && axes.value == 1;
        constexpr Take kHow = kLine ? Take::any : kTake;
        cuda::launch("warp_points", cuda::config_for(tiles, exec.stream), warp_points < C, axes.value, kHow,
                     kLine ? 0 : K >, tiles, task.map, task.source, store);
    });
}

template <class C>
void launch_fast(const Task& task, const cuda::Tiles& tiles, const Store& store, const cuda::Exec& exec) {
    const Source& source = task.source;
    if (source.kernel.radius > 0) return launch_points<C, Take::any, 0>(task, tiles, store, exec);
    if (!source.padded() && source.kernel.order == 0) {
        return launch_points<C, Take::nearest, 1>(task, tiles, store, exec);
    }
    if (!source.padded()) return launch_points<C, Take::pairs, 2>(task, tiles, store, exec);
    switch (source.kernel.order) {
        case 1: return launch_points<C, Take::spline, 2>(task, tiles, store, exec);
        case 2: return launch_points<C, Take::spline, 3>(task, tiles, store, exec);
        case 3: return launch_points<C, Take::spline, 4>(task, tiles, store, exec);
        case 4: return launch_points<C, Take::spline, 5>(task, tiles, store, exec);
        default: return launch_points<C, Take::spline, 6>(task, tiles, store, exec);
    }
}

template <class C>
void launch_warp(const Task& task, const cuda::Tiles& tiles, const Store& store, const cuda::Exec& exec) {
    if (!task.one_by_one) launch_fast<C>(task, tiles, store, exec);
    if (!task.one_by_one && !may_be_general(task.source)) return;
    cuda::launch("warp_general", cuda::config_for(tiles, exec.stream), warp_general, tiles, task.map, task.source,
                 store, task.one_by_one, kSame<C, float>);
}

// A batch whose padded copies take too much memory is halved along its longest axis.
template <class C>
void warp_batch(const ConstArrayView& image, const ArrayView& out, const CoordinateMap& map, const Options& options,
                const void* limits, const cuda::Exec& exec) {
    Plan plan = plan_warp(image, out, map, options);
    const std::int64_t bytes = plan.padded.size * plan.batch.size() * static_cast<std::int64_t>(sizeof(C));
    if (bytes > exec.scratch && plan.batch.size() > 1) {
        const auto longest = std::max_element(image.shape + map.image_axes, image.shape + image.rank);
        const int axis = static_cast<int>(longest - image.shape);
        const int out_axis = axis - map.image_axes + map.grid_axes;
        const std::int64_t half = *longest / 2;
        warp_batch<C>(slab_of(image, axis, 0, half), slab_of(out, out_axis, 0, half), map, options, limits, exec);
        warp_batch<C>(slab_of(image, axis, half, *longest - half), slab_of(out, out_axis, half, *longest - half), map,
                      options, limits, exec);
        return;
    }
    Task& task = plan.task;
    plan.image.data = image.data;
    task.source.base = static_cast<const char*>(image.data);
    const Axes<2> items = numbered(plan.batch, plan.padded.size);
    const cuda::Scratch<C> copies(static_cast<std::size_t>(bytes) / sizeof(C), exec);
    if (task.source.padded()) {
        fill_copies(plan, options, items, copies.data(), exec);
        task.source.base = reinterpret_cast<const char*>(copies.data() + plan.padded.first);
        task.source.dtype = DTypeOf<C>::value;
        task.source.itemsize = sizeof(C);
    }
    Store store;
    store.data = out.data;
    store.dtype = out.dtype;
    store.limits = limits;
    store.boolean = options.boolean;
    launch_warp<C>(task, tiles_of(out, task.map, task.source.padded() ? items : plan.batch, 0), store, exec);
}

template <class C>
void run(const ConstArrayView& image, const ArrayView& out, const CoordinateMap& map, const Options& options,
         const cuda::Exec& exec) {
    const cuda::Scratch<C> limits(options.clip ? 2 : 0, exec);
    if (options.clip) cuda::value_range(image, DTypeOf<C>::value, limits.data(), exec);
    warp_batch<C>(image, out, map, options, limits.data(), exec);
}

}  // namespace
}  // namespace voxkern::warp

namespace voxkern::cuda {

void warp(const ConstArrayView& image, const ArrayView& out, const warp::CoordinateMap& map,
          const warp::Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    if (warp::computes_in_f32(image.dtype, out.dtype, options)) {
        warp::run<float>(image, out, map, options, exec);
    } else {
        warp::run<double>(image, out, map, options, exec);
    }
}

}  // namespace voxkern::cuda

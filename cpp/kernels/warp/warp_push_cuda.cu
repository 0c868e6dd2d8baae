// SPDX-License-Identifier: Apache-2.0
// The adjoint of warp on the GPU: a thread per grid value, which adds to the samples under its taps. Sums are whole
// numbers, in units that leave room for all values at one sample: they do not depend on the order of additions.
#include <cmath>

#include "core/cuda/block.hpp"
#include "core/passes.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/warp/warp_cuda.inl.hpp"

namespace voxkern::warp {
namespace {

// What a sample got that is no finite number; four bits of a word.
constexpr unsigned kGotNaN = 1;
constexpr unsigned kGotInfinity = 2;
constexpr unsigned kGotMinusInfinity = 4;

// Sums of one batch item after another, `size` samples each. A value v of an item counts v / 2^exponent * 2^bits
// units. float64 adds what is left of that in units of a second word: half a unit at most for each tap of each value,
// and all of these may fold to one sample.
struct Sums {
    unsigned long long* units = nullptr;
    unsigned long long* finer = nullptr;  // null: float32
    unsigned* not_finite = nullptr;
    const int* exponent = nullptr;  // of each item: its finite values are smaller than 2^exponent
    std::int64_t size = 0;
    int bits = 0;
    double unit = 1.0;    // 2^bits
    double finest = 1.0;  // 2^finer_bits()

    // Leaves room for 2^10 such halves of a value: order 5 has 6^3 taps in 3-D.
    VOXKERN_HD VOXKERN_INLINE int finer_bits() const { return bits - 10; }

    template <class C>
    __device__ __forceinline__ void add(std::int64_t sample, C value) const {
        const double x = static_cast<double>(value);
        if (!(std::fabs(x) <= 2.0)) {  // the largest finite one is 1
            const unsigned kind = x != x ? kGotNaN : (x > 0.0 ? kGotInfinity : kGotMinusInfinity);
            atomicOr(&not_finite[sample / 8], kind << (sample % 8 * 4));
            return;
        }
        const double scaled = x * unit;
        const double whole = std::rint(scaled);
        atomicAdd(&units[sample], static_cast<unsigned long long>(static_cast<long long>(whole)));
        if constexpr (kSame<C, double>) {
            const double rest = std::rint((scaled - whole) * finest);
            if (rest != 0.0) atomicAdd(&finer[sample], static_cast<unsigned long long>(static_cast<long long>(rest)));
        }
    }

    template <class C>
    __device__ __forceinline__ C value(std::int64_t sample) const {
        const unsigned flags = not_finite[sample / 8] >> (sample % 8 * 4) & 15U;
        if (flags == kGotInfinity) return static_cast<C>(HUGE_VAL);
        if (flags == kGotMinusInfinity) return -static_cast<C>(HUGE_VAL);
        if (flags != 0) return static_cast<C>(NAN);
        double sum = static_cast<double>(static_cast<long long>(units[sample]));
        if (finer != nullptr) {
            sum += std::ldexp(static_cast<double>(static_cast<long long>(finer[sample])), -finer_bits());
        }
        return static_cast<C>(std::ldexp(sum, exponent[sample / size] - bits));
    }
};

// `tiles` goes over the values; `other` counts the items of the batch.
__global__ void find_exponents(cuda::Tiles tiles, const void* values, DType dtype, int* exponent) {
    std::int64_t place = 0;
    std::int64_t item = 0;
#pragma unroll 1
    for (int a = 0; a < tiles.rank; ++a) {
        const std::int64_t i = tiles.index(a);
        if (i >= tiles.axis[a].extent) return;
        place += i * tiles.axis[a].stride;
        item += i * tiles.axis[a].other;
    }
    const double x = std::fabs(cuda::load_sample<double>(values, dtype, place));
    if (!(x > 0.0 && x < HUGE_VAL)) return;
    const int above = std::ilogb(x) + 1;
    if (above > cuda::load_relaxed(&exponent[item])) atomicMax(&exponent[item], above);
}

// Values of points that lie so far inside that no tap is folded, in the order of push_inside of the CPU. The additions
// to memory take longest: the number of taps is no template argument.
template <class C, int D>
__global__ void push_points(cuda::Tiles tiles, const void* values, DType dtype, Map map, Source source, Sums sums) {
    Point<D> point;
    if (!find_point(tiles, map, point)) return;
    const int taps = source.kernel.order + 1;
    const double margin = taps <= 2 ? 0.0 : static_cast<double>(source.kernel.order / 2 + 1);
    C weights[D][kMaxTaps];
    std::int64_t corner = point.image * sums.size;
    for (int a = 0; a < D; ++a) {
        const double c = point.at[a];
        if (!(c >= margin && c < static_cast<double>(source.shape[a] - 1) - margin)) return;
        const double anchor = anchor_of(source.kernel, c);
        corner += (static_cast<std::int64_t>(anchor) - taps_before(source.kernel) + source.pad) * source.strides[a];
        spline_weights_at<C>(static_cast<C>(c - anchor), source.kernel.order, weights[a]);
    }
    const C value = std::ldexp(cuda::load_sample<C>(values, dtype, point.grid), -sums.exponent[point.image]);
    const int rows = D > 2 ? taps : 1;
    const int columns = D > 1 ? taps : 1;
#pragma unroll 1
    for (int z = 0; z < taps; ++z) {
        const C plane = value * weights[0][z];
        const std::int64_t of_plane = corner + z * source.strides[0];
#pragma unroll 1
        for (int y = 0; y < rows; ++y) {
            const C row = D > 2 ? plane * weights[D > 2 ? 1 : 0][y] : plane;
            const std::int64_t of_row = of_plane + (D > 2 ? y * source.strides[D > 2 ? 1 : 0] : 0);
#pragma unroll 1
            for (int x = 0; x < columns; ++x) sums.add<C>(of_row + x, D > 1 ? row * weights[D - 1][x] : row);
        }
    }
}

// The other points, tap by tap in float64; `every`: all points.
template <class C>
__global__ void push_general(cuda::Tiles tiles, const void* values, DType dtype, Map map, Source source, Sums sums,
                             bool every) {
    Point<kMaxAxes> point;
    if (!find_point(tiles, map, point)) return;
    const int taps = source.kernel.taps();
    const double margin = taps <= 2 ? 0.0 : static_cast<double>(source.kernel.order / 2 + 1);
    AxisTaps axis[kMaxAxes];
    bool inside = !every;
    for (int a = 0; a < source.axes; ++a) {
        const double c = point.at[a];
        inside = inside && c >= margin && c < static_cast<double>(source.shape[a] - 1) - margin;
    }
    if (inside) return;
    for (int a = 0; a < source.axes; ++a) {
        if (!is_foldable(point.at[a]) || !interpolator_taps(point.at[a], source.shape[a], source.pad, source.kernel,
                                                            source.mode, axis[a].index, axis[a].weight)) {
            return;
        }
    }
    const double value =
        static_cast<double>(std::ldexp(cuda::load_sample<C>(values, dtype, point.grid), -sums.exponent[point.image]));
    int tap[kMaxAxes] = {};
    do {
        double weight = value;
        std::int64_t place = point.image * sums.size;
        for (int a = 0; a < source.axes; ++a) {
            weight *= axis[a].weight[tap[a]];
            place += axis[a].index[tap[a]] * source.strides[a];
        }
        sums.add<C>(place, static_cast<C>(weight));
    } while (next_tap(source.axes, taps, tap));
}

// Sums become numbers: of all samples at their own places, or those of the image in any dtype.
template <class C>
__global__ void finish(cuda::Tiles tiles, Sums sums, void* out, DType dtype) {
    std::int64_t sample = 0;
    std::int64_t to = 0;
#pragma unroll 1
    for (int a = 0; a < tiles.rank; ++a) {
        const std::int64_t i = tiles.index(a);
        if (i >= tiles.axis[a].extent) return;
        to += i * tiles.axis[a].stride;
        sample += i * tiles.axis[a].other;
    }
    cuda::store_sample<RoundSaturate>(out, dtype, to, sums.value<C>(sample));
}

// Multiplies the first and the last sample of every line along the first `axes` axes.
template <class C>
__global__ void scale_ends(cuda::Tiles tiles, C* data, int axes, C factor) {
    std::int64_t place = 0;
    C scale = C{1};
#pragma unroll 1
    for (int a = 0; a < tiles.rank; ++a) {
        const std::int64_t i = tiles.index(a);
        if (i >= tiles.axis[a].extent) return;
        place += i * tiles.axis[a].stride;
        const bool end = i == 0 || i == tiles.axis[a].extent - 1;
        if (a < axes && end && tiles.axis[a].extent > 1) scale *= factor;
    }
    if (scale != C{1}) data[place] *= scale;
}

// The transposed padding of lines of n samples, which begin where `tiles` goes: sums in the pad go back to the edge
// that it repeats.
template <class C>
__global__ void fold_pad(cuda::Tiles tiles, C* data, std::int64_t n, std::int64_t stride, std::int64_t pad) {
    C* line = data;
#pragma unroll 1
    for (int a = 0; a < tiles.rank; ++a) {
        const std::int64_t i = tiles.index(a);
        if (i >= tiles.axis[a].extent) return;
        line += i * tiles.axis[a].stride;
    }
    C first = line[pad * stride];
    C last = line[(n - 1 - pad) * stride];
    const bool one = n - 1 - pad == pad;  // an edge that is both
    for (std::int64_t k = 1; k <= pad; ++k) {
        first += line[(pad - k) * stride];
        if (one) {
            first += line[(pad + k) * stride];
        } else {
            last += line[(n - 1 - pad + k) * stride];
        }
    }
    line[pad * stride] = first;
    if (!one) line[(n - 1 - pad) * stride] = last;
}

// --- host side -------------------------------------------------------------------------------------------------

template <class C>
void launch_push(const cuda::Tiles& tiles, const ConstArrayView& values, const Task& task, const Sums& sums,
                 const cuda::Exec& exec) {
    const cudaLaunchConfig_t config = cuda::config_for(tiles, exec.stream);
    const bool every = task.source.axes > kFastAxes;
    if (!every) {
        with_axes(task.source.axes, [&](auto axes) {
            cuda::launch("push_points", config, push_points<C, axes.value>, tiles, values.data, values.dtype, task.map,
                         task.source, sums);
        });
    }
    cuda::launch("push_general", config, push_general<C>, tiles, values.data, values.dtype, task.map, task.source, sums,
                 every);
}

template <class C>
void launch_scale_ends(const ArrayView& sums, int axes, C factor, const cuda::Exec& exec) {
    const cuda::Tiles tiles = cuda::tiles_over(sums);
    cuda::launch("scale_ends", cuda::config_for(tiles, exec.stream), scale_ends<C>, tiles, static_cast<C*>(sums.data),
                 axes, factor);
}

// As prefilter_transposed and fold_pad of warp_push_cpu.cpp, for all items.
template <class C>
void transpose_prefilter(const ArrayView& sums, const Padded& geometry, const Options& options,
                         const cuda::Exec& exec) {
    if (options.kernel.filters() && options.prefilter) {
        const bool mirrors = prefilter_boundary(options.mode) == Boundary::mirror;
        if (mirrors) launch_scale_ends(sums, geometry.axes, C(2), exec);
        prefilter(sums, geometry.axes, options, exec);
        if (mirrors) launch_scale_ends(sums, geometry.axes, C(0.5), exec);
    }
    if (options.mode != Boundary::nearest || geometry.pad == 0) return;
    for (int a = 0; a < geometry.axes; ++a) {
        ArrayView firsts = sums;
        firsts.shape[a] = 1;
        const cuda::Tiles tiles = cuda::tiles_over(firsts);
        cuda::launch("fold_pad", cuda::config_for(tiles, exec.stream), fold_pad<C>, tiles, static_cast<C*>(sums.data),
                     sums.shape[a], sums.strides[a], geometry.pad);
    }
}

template <class C>
void push_batch(const ConstArrayView& values, const ArrayView& image, const CoordinateMap& map, const Options& options,
                const cuda::Exec& exec) {
    Plan plan = plan_push(values, image, map, options);
    const Padded& geometry = plan.padded;
    const std::int64_t items = plan.batch.size();
    const std::int64_t samples = geometry.size * items;
    constexpr bool kWide = kSame<C, double>;
    if (samples * (kWide ? 24 : 12) > exec.scratch && items > 1) {
        const auto longest = std::max_element(image.shape + map.image_axes, image.shape + image.rank);
        const int axis = static_cast<int>(longest - image.shape);
        const int grid_axis = axis - map.image_axes + map.grid_axes;
        const std::int64_t half = *longest / 2;
        push_batch<C>(slab_of(values, grid_axis, 0, half), slab_of(image, axis, 0, half), map, options, exec);
        push_batch<C>(slab_of(values, grid_axis, half, *longest - half), slab_of(image, axis, half, *longest - half),
                      map, options, exec);
        return;
    }
    const auto count = static_cast<std::size_t>(samples);
    const auto units = cuda::filled<unsigned long long>(count, 0, exec);
    const auto finer = cuda::filled<unsigned long long>(kWide ? count : 0, 0, exec);
    const auto not_finite = cuda::filled<unsigned>(count / 8 + 1, 0, exec);
    const auto exponents = cuda::filled<int>(static_cast<std::size_t>(items), 0x80, exec);  // far below any number's
    Sums sums;
    sums.units = units.data();
    sums.finer = finer.data();
    sums.not_finite = not_finite.data();
    sums.exponent = exponents.data();
    sums.size = geometry.size;
    sums.bits = 62 - static_cast<int>(std::ceil(std::log2(std::max(1.0, static_cast<double>(values.size() / items)))));
    sums.unit = std::ldexp(1.0, sums.bits);
    sums.finest = std::ldexp(1.0, sums.finer_bits());
    const cuda::Tiles tiles = tiles_of(values, plan.task.map, numbered(plan.batch, 1), 0);
    cuda::launch("find_exponents", cuda::config_for(tiles, exec.stream), find_exponents, tiles, values.data,
                 values.dtype, exponents.data());
    launch_push<C>(tiles, values, plan.task, sums, exec);
    const bool as_they_are = geometry.pad == 0 && !(options.kernel.filters() && options.prefilter);
    const cuda::Scratch<C> numbers(as_they_are ? 0 : count, exec);
    const Axes<2> batch = numbered(plan.batch, geometry.size);
    const ArrayView whole = with_batch(view_within(geometry, numbers.data(), geometry.margin), batch);
    const ArrayView& target = as_they_are ? image : whole;
    cuda::Tiles all = cuda::tiles_over(target);
    for (int a = 0; a < whole.rank; ++a) all.axis[a].other = whole.strides[a];
    cuda::launch("finish", cuda::config_for(all, exec.stream), finish<C>, all, sums, target.data, target.dtype);
    if (as_they_are) return;
    transpose_prefilter<C>(whole, geometry, options, exec);
    const ArrayView inside = with_batch(view_within(geometry, numbers.data(), 0), batch);
    cuda::copy(as_const(inside), image, exec);
}

}  // namespace
}  // namespace voxkern::warp

namespace voxkern::cuda {

void push(const ConstArrayView& values, const ArrayView& image, const warp::CoordinateMap& map,
          const warp::Options& options, const Exec& exec) {
    if (image.size() == 0) return;
    if (warp::computes_in_f32(values.dtype, image.dtype, options)) {
        warp::push_batch<float>(values, image, map, options, exec);
    } else {
        warp::push_batch<double>(values, image, map, options, exec);
    }
}

}  // namespace voxkern::cuda

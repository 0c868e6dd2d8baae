// SPDX-License-Identifier: Apache-2.0
// resample on the GPU. Up to three axes of at most two taps are interpolated at once, straight from the input: a thread
// per output sample. Otherwise one axis at a time, through arrays of the compute type. Sums are taken in the order of
// the CPU, with the same fused operations: levels with FMA and the GPU give the same bits.
#include <deque>

#include "core/cuda/block.hpp"
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/prefilter.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/copy/copy.hpp"
#include "kernels/resample/resample_plan.hpp"

namespace voxkern::resample {
namespace {

// The tables of one axis in device memory.
template <class C>
struct Taps {
    int count = 1;
    const std::int64_t* index = nullptr;
    const C* weights = nullptr;
    const unsigned char* outside = nullptr;
    std::int64_t step = 0;  // elements from sample to sample of the input
};

// What happens to a value on its way out. The limits lie in device memory: nobody waits for them.
template <class C>
struct Store {
    void* data = nullptr;
    DType dtype = DType::f32;
    C offset = C{0};
    C cval = C{0};
    bool blends = false;        // cval is an offset of zero, limited as what it blends with
    const C* limits = nullptr;  // lowest, highest; null: no clip
    bool boolean = false;       // nothing but 0 and 1

    __device__ void operator()(std::int64_t place, C value, bool outside) const {
        Finish<C> finish;
        finish.offset = offset;
        if (limits != nullptr) {
            finish.clip = true;
            finish.lowest = limits[0];
            finish.highest = limits[1];
        }
        value = outside && !blends ? cval : finish(outside ? C{0} : value);
        if (boolean) value = value < C{0} ? C{0} : (value > C{1} ? C{1} : value);
        cuda::store_sample<RoundSaturate>(data, dtype, place, value);
    }
};

// sum_t weight[t] * sample(index[t]), the first product unfused: as combine() of core/simd/interpolate.inl.hpp.
template <class C, class Sample>
__device__ C weighted_sum(int taps, const C* weights, const Sample& sample) {
    C sum = sample(0) * weights[0];
    for (int t = 1; t < taps; ++t) sum = std::fma(sample(t), weights[t], sum);
    return sum;
}

// The one or two taps of a sample along an axis; one alone stands twice.
template <class C>
struct Pair {
    std::int64_t at[2];
    C weight[2];

    __device__ __forceinline__ Pair(const Taps<C>& taps, std::int64_t i) {
        const std::int64_t first = i * taps.count;
        const std::int64_t second = first + taps.count - 1;
        at[0] = taps.index[first] * taps.step;
        at[1] = taps.index[second] * taps.step;
        weight[0] = taps.weights[first];
        weight[1] = taps.weights[second];
    }
};

// All three axes at once, of two taps each at most. Samples are read first: their dtype is looked at once.
template <class C>
__global__ void interpolate_direct(const void* in, DType dtype, cuda::Walk<3> walk, Taps<C> first, Taps<C> middle,
                                   Taps<C> last, C offset, Store<C> store) {
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const auto place = walk.at(p);
        const std::int64_t k = place.index[0], j = place.index[1], i = place.index[2];
        const Pair<C> planes(first, k), lines(middle, j), columns(last, i);
        C sample[2][2][2];
        cuda::with_type(dtype, [&](auto type) {
            using T = typename decltype(type)::type;
            const T* const from = static_cast<const T*>(in) + place.in;
#pragma unroll
            for (int n = 0; n < 8; ++n) {
                const std::int64_t at = planes.at[n / 2 % 2] + lines.at[n % 2] + columns.at[n / 4];
                sample[n / 4][n / 2 % 2][n % 2] = static_cast<C>(from[at]);
            }
        });
        C sum = C{0};
#pragma unroll
        for (int u = 0; u < 2; ++u) {
            if (u >= last.count) continue;
            C row = C{0};  // the value at sample u of the last axis
#pragma unroll
            for (int s = 0; s < 2; ++s) {
#pragma unroll
                for (int t = 0; t < 2; ++t) {
                    if (s >= first.count || t >= middle.count) continue;
                    const C value = sample[u][s][t] - offset;
                    const C weight = planes.weight[s] * lines.weight[t];
                    row = s + t == 0 ? value * weight : std::fma(value, weight, row);
                }
            }
            sum = u == 0 ? row * columns.weight[u] : std::fma(row, columns.weight[u], sum);
        }
        const bool outside = (first.outside != nullptr && first.outside[k] != 0) ||
                             (middle.outside != nullptr && middle.outside[j] != 0) ||
                             (last.outside != nullptr && last.outside[i] != 0);
        store(place.out, sum, outside);
    }
}

// One axis, read from an array of the compute type.
template <class C>
__global__ void interpolate_axis(const C* in, cuda::Walk<1> walk, Taps<C> taps, Store<C> store) {
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const auto place = walk.at(p);
        const std::int64_t* const index = taps.index + place.index[0] * taps.count;
        const C* const line = in + place.in;
        const auto sample = [&](int t) { return line[index[t] * taps.step]; };
        const C* const weights = taps.weights + place.index[0] * taps.count;
        store(place.out, weighted_sum(taps.count, weights, sample), false);
    }
}

// Puts cval where a sample lies outside along the axis.
template <class C>
__global__ void mark_outside(cuda::Walk<1> walk, const unsigned char* outside, Store<C> store) {
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const auto place = walk.at(p);
        if (outside[place.index[0]] != 0) store(place.out, C{0}, true);
    }
}

// The input less `offset`, widened, into the middle of padded lines.
template <class C>
__global__ void widen(const void* in, DType dtype, C* out, cuda::Walk<0> walk, C offset) {
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const auto place = walk.at(p);
        out[place.out] = cuda::load_sample<C>(in, dtype, place.in) - offset;
    }
}

template <class C>
__global__ void smooth(const C* in, C* out, cuda::Walk<1> walk, std::int64_t n, std::int64_t step, const C* weights,
                       std::int64_t size, const std::int64_t* extension) {
    const std::int64_t radius = size / 2;
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const auto place = walk.at(p);
        const C* const line = in + place.in;
        const auto sample = [&](std::int64_t t) {
            const std::int64_t i = place.index[0] - radius + t;
            if (i >= 0 && i < n) return line[i * step];
            const std::int64_t from = extension[i < 0 ? i + radius : i - n + radius];
            return from == kOutside ? C{0} : line[from * step];
        };
        out[place.out] = fir_sample(sample, weights, size, FilterSymmetry::even);
    }
}

// Smallest and largest number of each block; NaNs are passed over.
template <class C>
struct Extremes {
    C low[cuda::kBlockThreads];
    C high[cuda::kBlockThreads];
};

template <class C>
__global__ void block_range(const void* in, DType dtype, cuda::Walk<0> walk, bool pairs, C* out) {
    Extremes<C>& shared = cuda::block_shared<Extremes<C>>();
    C low = static_cast<C>(HUGE_VAL);
    C high = -low;
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const C a = pairs ? static_cast<const C*>(in)[2 * p] : cuda::load_sample<C>(in, dtype, walk.at(p).in);
        const C b = pairs ? static_cast<const C*>(in)[2 * p + 1] : a;
        low = a < low ? a : low;
        high = b > high ? b : high;
    }
    const int rank = cuda::thread_rank();
    shared.low[rank] = low;
    shared.high[rank] = high;
    __syncthreads();
    for (int half = cuda::kBlockThreads / 2; half > 0; half /= 2) {
        if (rank < half) {
            const C a = shared.low[rank + half];
            const C b = shared.high[rank + half];
            shared.low[rank] = a < shared.low[rank] ? a : shared.low[rank];
            shared.high[rank] = b > shared.high[rank] ? b : shared.high[rank];
        }
        __syncthreads();
    }
    if (rank != 0) return;
    const bool nothing = gridDim.x == 1 && shared.low[0] > shared.high[0];  // nothing but NaN: nothing to limit
    out[2 * blockIdx.x] = nothing ? shared.high[0] : shared.low[0];
    out[2 * blockIdx.x + 1] = nothing ? shared.low[0] : shared.high[0];
}

// --- host side: one call, enqueued ---------------------------------------------------------------------------------

template <class C>
void find_range(const ConstArrayView& in, C* limits, const cuda::Exec& exec) {
    ArrayView order;  // of any layout: only its shape and strides are looked at
    order.rank = in.rank;
    std::copy_n(in.shape, in.rank, order.shape);
    std::copy_n(in.strides, in.rank, order.strides);
    const cuda::Walk<0> walk = cuda::walk_over<0>(in, order, {-1});
    const auto blocks =
        static_cast<unsigned>(std::min<std::int64_t>(cuda::ceil_div(walk.size, 16 * cuda::kBlockThreads), 1024));
    const cuda::Scratch<C> parts(2 * static_cast<std::size_t>(blocks), exec);
    cuda::launch("block_range", cuda::config(blocks, cuda::kBlockThreads, 0, exec.stream), block_range<C>, in.data,
                 in.dtype, walk, false, parts.data());
    cuda::Walk<0> pairs;
    pairs.size = blocks;
    cuda::launch("block_range", cuda::config(1, cuda::kBlockThreads, 0, exec.stream), block_range<C>, parts.data(),
                 DTypeOf<C>::value, pairs, true, limits);
}

template <class C>
class Resampler {
  public:
    Resampler(const Options& options, const std::vector<AxisSampling>& axes, const cuda::Exec& exec)
        : options_(options), axes_(axes), exec_(exec) {}

    void run(const ConstArrayView& in, const ArrayView& out) {
        out_ = out;
        if (options_.clip) find_range(in);
        const std::vector<std::vector<int>> rounds = rounds_of(in, out, axes_, options_);
        ConstArrayView from = in;
        for (std::size_t r = 0; r < rounds.size(); ++r) {
            const bool last = r + 1 == rounds.size();
            const ArrayView to = last ? out : scratch_like(after_round(from, out, rounds[r]).shape, rounds_);
            round(from, to, rounds[r], last);
            from = as_const(to);
        }
        // What a round puts outside is interpolated and limited by the next.
        Store<C> store;
        store.data = out.data;
        store.dtype = out.dtype;
        store.cval = static_cast<C>(options_.cval);
        store.blends = options_.mode == Boundary::grid_constant;
        store.offset = store.blends ? store.cval : C{0};
        store.limits = options_.clip ? limits_ : nullptr;
        for (const Outside& axis : earlier_) mark(out, axis, store);
    }

  private:
    // Which samples of an axis lie outside, in device memory.
    struct Outside {
        int axis;
        const unsigned char* flags;
    };

    // Interpolates up to three axes.
    void round(const ConstArrayView& in, const ArrayView& out, const std::vector<int>& chosen, bool last) {
        const AxisOrder order = order_axes(in, out, chosen, options_);
        const VolumePlan<C> plan(in, out, axes_, options_, order.walked, chosen, 0);
        Store<C> store;
        store.data = out.data;
        store.dtype = out.dtype;
        store.offset = plan.task.offset;
        store.cval = plan.task.cval;
        store.blends = options_.mode == Boundary::grid_constant;
        store.limits = last && options_.clip ? limits_ : nullptr;
        store.boolean = last && options_.boolean;
        const int missing = 3 - static_cast<int>(order.walked.size());
        bool direct = true;
        for (int k = missing; k < 3; ++k) {
            const AxisPlan<C>& axis = plan.axis[k].plan();
            direct = direct && axis.prefilter.poles == 0 && axis.smooth_size == 0 && axis.taps <= 2;
            const int a = order.walked[static_cast<std::size_t>(k - missing)];
            if (!last && axis.outside != nullptr) earlier_.push_back({a, kept(axis.outside, axis.n_out)});
        }
        if (direct) {
            interpolate_at_once(in, out, order.walked, missing, plan, store);
        } else {
            axis_by_axis(in, out, order.walked, missing, plan, store);
        }
    }

    void interpolate_at_once(const ConstArrayView& in, const ArrayView& out, const std::vector<int>& walked,
                             int missing, const VolumePlan<C>& plan, const Store<C>& store) {
        Taps<C> taps[3];
        int special[3];
        for (int k = 0; k < 3; ++k) {
            special[k] = k < missing ? -1 : walked[static_cast<std::size_t>(k - missing)];
            taps[k] = on_device(plan.axis[k].plan());
            taps[k].step = special[k] < 0 ? 0 : in.strides[special[k]];
        }
        const cuda::Walk<3> walk = cuda::walk_over<3>(in, out, special);
        cuda::launch("interpolate_direct", cuda::config_for(walk.size, exec_.stream), interpolate_direct<C>, in.data,
                     in.dtype, walk, taps[0], taps[1], taps[2], plan.task.offset, store);
    }

    void axis_by_axis(const ConstArrayView& in, const ArrayView& out, const std::vector<int>& walked, int missing,
                      const VolumePlan<C>& plan, const Store<C>& store) {
        ConstArrayView from = widened(in, plan.task.offset);
        int last = 2;
        while (plan.axis[last].plan().identity) --last;
        for (int k = missing; k < 3; ++k) {
            const AxisPlan<C>& axis = plan.axis[k].plan();
            if (axis.identity) continue;
            const int a = walked[static_cast<std::size_t>(k - missing)];
            from = as_const(filtered(from, a, axis));
            std::vector<std::int64_t> shape(from.shape, from.shape + from.rank);
            shape[static_cast<std::size_t>(a)] = axis.n_out;
            const ArrayView to = k == last ? out : scratch_like(shape.data(), arrays_);
            Store<C> own;  // between the axes nothing but the sum is stored
            own.data = to.data;
            own.dtype = DTypeOf<C>::value;
            interpolate(from, to, a, axis, k == last ? store : own);
            keep(k == last ? 0 : 1);
            from = as_const(to);
        }
        for (int k = missing; k < 3; ++k) {
            const AxisPlan<C>& axis = plan.axis[k].plan();
            if (axis.outside == nullptr) continue;
            const int a = walked[static_cast<std::size_t>(k - missing)];
            mark(out, {a, kept(axis.outside, axis.n_out)}, store);
        }
    }

    void mark(const ArrayView& out, const Outside& outside, const Store<C>& store) {
        const cuda::Walk<1> walk = cuda::walk_over<1>(as_const(out), out, {outside.axis});
        cuda::launch("mark_outside", cuda::config_for(walk.size, exec_.stream), mark_outside<C>, walk, outside.flags,
                     store);
    }

    void interpolate(const ConstArrayView& from, const ArrayView& to, int a, const AxisPlan<C>& axis,
                     const Store<C>& store) {
        Taps<C> taps = on_device(axis);
        taps.step = from.strides[a];
        const cuda::Walk<1> walk = cuda::walk_over<1>(from, to, {a});
        cuda::launch("interpolate_axis", cuda::config_for(walk.size, exec_.stream), interpolate_axis<C>,
                     static_cast<const C*>(from.data), walk, taps, store);
    }

    // The input in the compute type, less `offset`.
    ConstArrayView widened(const ConstArrayView& in, C offset) {
        if (in.dtype == DTypeOf<C>::value && offset == C{0}) return in;
        const ArrayView wide = scratch_like(in.shape, arrays_);
        widen_into(in, wide, offset);
        return as_const(wide);
    }

    void widen_into(const ConstArrayView& in, const ArrayView& to, C offset) {
        const cuda::Walk<0> walk = cuda::walk_over<0>(in, to, {-1});
        cuda::launch("widen", cuda::config_for(walk.size, exec_.stream), widen<C>, in.data, in.dtype,
                     static_cast<C*>(to.data), walk, offset);
    }

    // The lines along axis `a`, smoothed and turned into coefficients of padded lines where the axis asks for it.
    ArrayView filtered(const ConstArrayView& in, int a, const AxisPlan<C>& axis) {
        ArrayView view;
        view.data = const_cast<void*>(in.data);
        view.dtype = in.dtype;
        view.rank = in.rank;
        std::copy_n(in.shape, in.rank, view.shape);
        std::copy_n(in.strides, in.rank, view.strides);
        if (axis.smooth_size > 0) view = smoothed(as_const(view), a, axis);
        if (axis.prefilter.poles == 0) return view;
        std::vector<std::int64_t> shape(in.shape, in.shape + in.rank);
        shape[static_cast<std::size_t>(a)] += 2 * axis.prefilter.pad;
        const ArrayView padded = scratch_like(shape.data(), arrays_);
        ArrayView middle = padded;
        middle.data = padded.at(axis.prefilter.pad * padded.strides[a]);
        middle.shape[a] = in.shape[a];
        widen_into(as_const(view), middle, C{0});
        keep(1);
        cuda::filter_lines<C>(padded, a, axis.prefilter, C{1}, exec_);
        return padded;
    }

    ArrayView smoothed(const ConstArrayView& in, int a, const AxisPlan<C>& axis) {
        const ArrayView to = scratch_like(in.shape, arrays_);
        const cuda::Walk<1> walk = cuda::walk_over<1>(in, to, {a});
        cuda::launch("smooth", cuda::config_for(walk.size, exec_.stream), smooth<C>, static_cast<const C*>(in.data),
                     static_cast<C*>(to.data), walk, in.shape[a], in.strides[a],
                     kept(axis.smooth_weights, axis.smooth_size), axis.smooth_size,
                     kept(axis.smooth_extension, axis.smooth_size - 1));
        return to;
    }

    void find_range(const ConstArrayView& in) {
        C* const limits = room<C>(2);
        cuda::value_range(in, DTypeOf<C>::value, limits, exec_);
        limits_ = limits;
    }

    Taps<C> on_device(const AxisPlan<C>& axis) {
        Taps<C> taps;
        taps.count = axis.taps;
        taps.index = kept(axis.index, axis.n_out * axis.taps);
        taps.weights = kept(axis.weights, axis.n_out * axis.taps);
        if (axis.outside != nullptr) taps.outside = kept(axis.outside, axis.n_out);
        return taps;
    }

    // Tables live until the call returns; the device is done with them in stream order.
    template <class T>
    T* room(std::size_t count) {
        memory_.emplace_back(count * sizeof(T), exec_);
        return reinterpret_cast<T*>(memory_.back().data());
    }

    template <class T>
    const T* kept(const T* table, std::int64_t count) {
        memory_.push_back(
            cuda::upload(reinterpret_cast<const char*>(table), static_cast<std::size_t>(count) * sizeof(T), exec_));
        return reinterpret_cast<const T*>(memory_.back().data());
    }

    // An array without gaps, in the memory order of the results.
    ArrayView scratch_like(const std::int64_t* shape, std::deque<cuda::Scratch<C>>& arrays) {
        ArrayView like = out_;
        std::copy_n(shape, out_.rank, like.shape);
        arrays.emplace_back(static_cast<std::size_t>(like.size()), exec_);
        return packed_like(arrays.back().data(), DTypeOf<C>::value, like);
    }

    // Gives back all arrays between axes but the newest ones: what reads them is enqueued.
    void keep(std::size_t newest) {
        while (arrays_.size() > newest) arrays_.pop_front();
    }

    const Options& options_;
    const std::vector<AxisSampling>& axes_;
    const cuda::Exec& exec_;
    const C* limits_ = nullptr;
    std::vector<Outside> earlier_;  // of the rounds before the last
    ArrayView out_;
    std::vector<cuda::Scratch<char>> memory_;
    std::deque<cuda::Scratch<C>> arrays_;  // between axes
    std::deque<cuda::Scratch<C>> rounds_;  // between rounds
};

}  // namespace
}  // namespace voxkern::resample

namespace voxkern::cuda {

void resample(const ConstArrayView& in, const ArrayView& out, const std::vector<resample::AxisSampling>& axes,
              const resample::Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    const bool f32 = resample::computes_in_f32(in.dtype, out.dtype, options);
    resample::for_each_clipped(
        in, out, axes, options,
        [&](const ConstArrayView& from, const ArrayView& to, const std::vector<resample::AxisSampling>& samplings) {
            if (f32) {
                resample::Resampler<float>(options, samplings, exec).run(from, to);
            } else {
                resample::Resampler<double>(options, samplings, exec).run(from, to);
            }
        });
}

void value_range(const ConstArrayView& in, DType dtype, void* limits, const Exec& exec) {
    if (dtype == DType::f32) {
        resample::find_range(in, static_cast<float*>(limits), exec);
    } else {
        resample::find_range(in, static_cast<double*>(limits), exec);
    }
}

}  // namespace voxkern::cuda

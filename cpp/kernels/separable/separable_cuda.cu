// SPDX-License-Identifier: Apache-2.0
// separable on the GPU: axis by axis, all nodes of a stage at once, in arrays of the compute type that stay in L2; the
// last stage combines its terms as it makes them. Sums and combinations have the order of the CPU.
#include <cmath>
#include <limits>
#include <map>

#include "core/cast.hpp"
#include "core/cuda/block.hpp"
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/index.hpp"
#include "core/cuda/shared.hpp"
#include "core/cuda/walk.hpp"
#include "core/passes.hpp"
#include "kernels/separable/separable_plan.hpp"

namespace voxkern::separable {
namespace {

// --- the maths of one voxel ---

#include "core/cuda/lane.inl.hpp"

VOXKERN_HD inline float root(float x) {
    return std::sqrt(x);
}
VOXKERN_HD inline double root(double x) {
    return std::sqrt(x);
}

// 2^n for the whole number n that has been added to `rounder`: the low bits of the sum hold it.
VOXKERN_HD inline float power_of_two(float rounded, float rounder) {
    std::uint32_t exponent;
    std::uint32_t zero;
    memcpy(&exponent, &rounded, sizeof(exponent));
    memcpy(&zero, &rounder, sizeof(zero));
    exponent = (exponent - zero + 127U) << 23;
    float power;
    memcpy(&power, &exponent, sizeof(power));
    return power;
}
VOXKERN_HD inline double power_of_two(double rounded, double rounder) {
    std::uint64_t exponent;
    std::uint64_t zero;
    memcpy(&exponent, &rounded, sizeof(exponent));
    memcpy(&zero, &rounder, sizeof(zero));
    exponent = (exponent - zero + 1023U) << 52;
    double power;
    memcpy(&power, &exponent, sizeof(power));
    return power;
}

#include "kernels/separable/separable_math.inl.hpp"

// --- stages ---

constexpr std::int64_t kMostThreads = std::int64_t{1} << 20;  // of kernels whose threads do more than walk

// A node in device memory: what it reads, and where its values go.
template <class C>
struct Step {
    const void* from = nullptr;
    C* to = nullptr;
    const C* weights = nullptr;  // null: the samples as they are
    std::int64_t size = 1;
    std::int64_t first = 0;  // first tap, counted from the sample
    FilterSymmetry symmetry = FilterSymmetry::none;
    C divisor = C{1};
};

// All nodes of a stage along one axis.
template <class C>
struct Stage {
    cuda::Walk<1> walk;
    std::int64_t n = 1;
    std::int64_t begin = 0;  // the sample of the first result
    std::int64_t step = 0;   // elements from sample to sample
    Boundary mode = Boundary::reflect;
    C cval = C{0};
    int count = 0;
    Step<C> steps[kMostTerms];
};

template <class T, class C>
__device__ C filtered(const Stage<C>& stage, const Step<C>& step, std::int64_t in, std::int64_t index) {
    const T* const line = static_cast<const T*>(step.from) + in;
    if (step.weights == nullptr) return static_cast<C>(line[index * stage.step]);
    const auto sample = [&](std::int64_t t) {
        const std::int64_t i = cuda::folded<std::int64_t>(index + step.first + t, stage.n, stage.mode);
        return i < 0 ? stage.cval : static_cast<C>(line[i * stage.step]);
    };
    const C sum = fir_sample(sample, step.weights, step.size, step.symmetry);
    return step.divisor != C{1} ? sum / step.divisor : sum;
}

template <class T, class C>
__global__ void filter_stage(Stage<C> stage) {
    for (std::int64_t p = cuda::first_position(); p < stage.walk.size; p += cuda::position_step()) {
        const auto place = stage.walk.at(p);
#pragma unroll 1
        for (int k = 0; k < stage.count; ++k) {
            const Step<C>& step = stage.steps[k];
            step.to[place.out] = filtered<T, C>(stage, step, place.in, stage.begin + place.index[0]);
        }
    }
}

// What the last stage makes of its terms.
struct Results {
    void* data = nullptr;
    bool is_f32 = true;
    std::int64_t component = 0;
    Options options;
    const double* gamma = nullptr;          // where it was made on the device
    unsigned long long* largest = nullptr;  // bits of the square of the largest norm
};

template <class C>
__device__ C held(const Results& results, std::int64_t at) {
    return results.is_f32 ? static_cast<C>(static_cast<const float*>(results.data)[at])
                          : static_cast<C>(static_cast<const double*>(results.data)[at]);
}
template <class C>
__device__ void put(const Results& results, std::int64_t at, C value) {
    if (results.is_f32) {
        static_cast<float*>(results.data)[at] = static_cast<float>(value);
    } else {
        static_cast<double*>(results.data)[at] = static_cast<double>(value);
    }
}

__device__ inline unsigned long long bits_of(double x) {
    unsigned long long bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

// Bits of numbers that are not negative have their order, and those of a NaN are the largest: it stays.
__device__ inline void keep_largest(unsigned long long* largest, double value) {
    const unsigned long long bits =
        cuda::warp_reduce(bits_of(value) & 0x7fffffffffffffffULL,
                          [](unsigned long long a, unsigned long long b) { return a > b ? a : b; });
    if (cuda::thread_rank() % cuda::kWarp == 0) atomicMax(largest, bits);
}

// Writes what `combine` makes of the terms; for Combine::norm returns the square of the norm.
template <Combine kCombine, class C, class Terms>
__device__ C combine(const Results& results, const Sensitivity<C>& sensitivity, const Terms& term, int terms,
                     std::int64_t at) {
    if constexpr (kCombine == Combine::sum) {
        C sum = term(0);
        for (int k = 1; k < terms; ++k) sum += term(k);
        put(results, at, sum);
    } else if constexpr (kCombine == Combine::magnitude) {
        C sum = term(0) * term(0);
        for (int k = 1; k < terms; ++k) sum += term(k) * term(k);
        put(results, at, root(sum));
    } else if constexpr (kCombine == Combine::eigenvalues) {
        const Ascending<C> found = terms == 3 ? eigenvalues2<C>(term) : eigenvalues3<C>(term);
        put(results, at, found.low);
        if (terms != 3) put(results, at + results.component, found.middle);
        put(results, at + (terms == 3 ? 1 : 2) * results.component, found.high);
    } else if constexpr (kCombine == Combine::vesselness) {
        const C value = terms == 3 ? vesselness2<C>(eigenvalues2<C>(term), sensitivity)
                                   : vesselness3<C>(eigenvalues3<C>(term), sensitivity);
        put(results, at, results.options.keep_larger ? larger_scale(held<C>(results, at), value) : value);
    } else {
        return square_of_norm<C>(term, terms);
    }
    return C{0};
}

// The last stage. Its values lie in shared memory, which a loop can number; each thread sees its own alone.
template <Combine kCombine, class C>
__global__ void combine_stage(Stage<C> stage, Results results) {
    C* const own = cuda::dynamic_shared<C>() + threadIdx.x;
    const auto term = [&](int k) { return own[k * cuda::kBlockThreads]; };
    Sensitivity<C> sensitivity = {};
    if constexpr (kCombine == Combine::vesselness) {
        Options options = results.options;
        if (results.gamma != nullptr) options.gamma = *results.gamma;
        sensitivity = sensitivity_of<C>(options);
    }
    double largest = 0.0;
    for (std::int64_t p = cuda::first_position(); p < stage.walk.size; p += cuda::position_step()) {
        const auto place = stage.walk.at(p);
#pragma unroll 1
        for (int k = 0; k < stage.count; ++k) {
            own[k * cuda::kBlockThreads] = filtered<C, C>(stage, stage.steps[k], place.in, place.index[0]);
        }
        const auto square =
            static_cast<double>(combine<kCombine, C>(results, sensitivity, term, stage.count, place.out));
        if (square > largest || square != square) largest = square;
    }
    if constexpr (kCombine == Combine::norm) keep_largest(results.largest, largest);
}

// --- Frangi's gamma, where it is made of the image ---

__global__ void find_largest(const void* in, DType dtype, cuda::Walk<0> walk, unsigned long long* largest) {
    double most = 0.0;
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const double size = std::fabs(cuda::load_sample<double>(in, dtype, walk.at(p).in));
        if (size > most || size != size) most = size;
    }
    keep_largest(largest, most);
}

// Half of the largest norm, or where that is of rounding alone, a number far above it. NaN where it is not finite.
__global__ void make_gamma(const unsigned long long* largest, double rounding, double* gamma) {
    double norm;
    double voxel;
    memcpy(&norm, &largest[0], sizeof(norm));
    memcpy(&voxel, &largest[1], sizeof(voxel));
    norm = std::sqrt(norm);
    const double far = voxel > 1.0 ? voxel : 1.0;
    *gamma = !(norm < HUGE_VAL) ? NAN : (norm <= rounding * voxel ? far : norm / 2.0);
}

// --- host side ---

// One call. The image is swept slab by slab of its slowest axis, unless another filter than the first runs along it.
template <class C>
class Sweep {
  public:
    Sweep(const ConstArrayView& in, const ArrayView& out, const std::vector<Term>& terms, const Options& options,
          std::int64_t scratch_bytes, const cuda::Exec& exec)
        : in_(in),
          out_(out),
          options_(options),
          exec_(exec),
          axes_(swept_axes(out, in.rank, terms)),
          plan_(in, out, axes_, terms, options) {
        out_.rank = in.rank;  // results of a voxel lie `component` apart
        for (const Term& term : terms) {
            for (const correlate1d::AxisFilter& filter : term) modes_[filter.axis] = filter.mode;
        }
        for (int stage = 0; stage < 3; ++stage) {
            for (int k = 0; k < plan_.task.count[stage]; ++k) weights_.push_back(uploaded(plan_.task.nodes[stage][k]));
        }
        const std::vector<int> order = slowest_first(in.rank, out.strides);
        if (!order.empty() && order.front() != axes_.swept[1] && order.front() != axes_.swept[2]) slow_ = order.front();
        planes_ = slow_ < 0 ? 1 : in.shape[slow_];
        const std::int64_t arrays = plan_.task.count[0] + plan_.task.count[1];
        const std::int64_t plane_bytes = arrays * (in.size() / planes_) * static_cast<std::int64_t>(sizeof(C));
        thickness_ = std::clamp<std::int64_t>(scratch_bytes / plane_bytes, 1, planes_);
    }

    void run(const double* gamma, unsigned long long* largest) {
        const auto elements = static_cast<std::size_t>(in_.size() / planes_ * thickness_);
        std::vector<cuda::Scratch<C>> first_arrays;
        std::vector<cuda::Scratch<C>> arrays;
        for (int k = 0; k < plan_.task.count[0]; ++k) first_arrays.emplace_back(elements, exec_);
        for (int k = 0; k < plan_.task.count[1]; ++k) arrays.emplace_back(filters(1, k) ? elements : 0, exec_);
        for (std::int64_t first = 0; first < planes_; first += thickness_) {
            const std::int64_t count = std::min(thickness_, planes_ - first);
            const ArrayView target = slow_ < 0 ? out_ : slab_of(out_, slow_, first, count);
            const ArrayView layout = packed_like(nullptr, DTypeOf<C>::value, target);
            filter_input(first, count, layout, first_arrays);
            const std::vector<const C*> made = filter_arrays(layout, first_arrays, arrays);
            combine_terms(layout, target, made, gamma, largest);
        }
    }

  private:
    cuda::Scratch<C> uploaded(const Node<C>& node) const {
        return cuda::upload(node.weights, node.weights == nullptr ? 0 : static_cast<std::size_t>(node.size), exec_);
    }

    bool filters(int stage, int k) const { return plan_.task.nodes[stage][k].weights != nullptr; }

    Stage<C> stage_of(int stage, const ConstArrayView& from, const ArrayView& to) const {
        const int axis = axes_.swept[static_cast<std::size_t>(stage)];
        Stage<C> made;
        made.walk = cuda::walk_over<1>(from, to, {axis});
        made.cval = static_cast<C>(options_.cval);
        if (axis >= 0) {
            made.n = from.shape[axis];
            made.step = from.strides[axis];
            const auto mode = modes_.find(axis);
            if (mode != modes_.end()) made.mode = mode->second;
        }
        return made;
    }

    Step<C> step_of(int stage, int k, const void* from, C* to) const {
        const Node<C>& node = plan_.task.nodes[stage][k];
        std::size_t number = static_cast<std::size_t>(k);
        for (int s = 0; s < stage; ++s) number += static_cast<std::size_t>(plan_.task.count[s]);
        return {from,
                to,
                filters(stage, k) ? weights_[number].data() : nullptr,
                node.size,
                node.first - plan_.task.axes[stage].before,
                node.symmetry,
                node.divisor};
    }

    // The first stage makes an array of each node, of the compute type.
    void filter_input(std::int64_t first, std::int64_t count, const ArrayView& layout,
                      const std::vector<cuda::Scratch<C>>& arrays) const {
        const bool along = slow_ >= 0 && slow_ == axes_.swept[0];  // filters reach beyond the slab
        const ConstArrayView source = slow_ < 0 || along ? in_ : slab_of(in_, slow_, first, count);
        Stage<C> stage = stage_of(0, source, layout);
        stage.begin = along ? first : 0;
        for (int k = 0; k < plan_.task.count[0]; ++k) {
            stage.steps[stage.count++] = step_of(0, k, source.data, arrays[static_cast<std::size_t>(k)].data());
        }
        visit(in_.dtype, [&](auto type) {
            using T = typename decltype(type)::type;
            if constexpr (kSame<C, double> || exact_in_f32(DTypeOf<T>::value)) launch_stage<T>(stage);
        });
    }

    // The second hands on what a node leaves as it is.
    std::vector<const C*> filter_arrays(const ArrayView& layout, const std::vector<cuda::Scratch<C>>& from,
                                        const std::vector<cuda::Scratch<C>>& to) const {
        std::vector<const C*> made;
        Stage<C> stage = stage_of(1, as_const(layout), layout);
        for (int k = 0; k < plan_.task.count[1]; ++k) {
            const C* const source = from[static_cast<std::size_t>(plan_.task.nodes[1][k].parent)].data();
            C* const target = to[static_cast<std::size_t>(k)].data();
            made.push_back(filters(1, k) ? target : source);
            if (filters(1, k)) stage.steps[stage.count++] = step_of(1, k, source, target);
        }
        if (stage.count > 0) launch_stage<C>(stage);
        return made;
    }

    template <class T>
    void launch_stage(const Stage<C>& stage) const {
        cuda::launch("filter_stage", cuda::config_for(stage.walk.size, exec_.stream), filter_stage<T, C>, stage);
    }

    void combine_terms(const ArrayView& layout, const ArrayView& target, const std::vector<const C*>& from,
                       const double* gamma, unsigned long long* largest) const {
        Stage<C> stage = stage_of(2, as_const(layout), target);
        for (int k = 0; k < plan_.task.count[2]; ++k) {
            const auto parent = static_cast<std::size_t>(plan_.task.nodes[2][k].parent);
            stage.steps[stage.count++] = step_of(2, k, from[parent], nullptr);
        }
        const Results results = {target.data, target.dtype == DType::f32, plan_.task.component, options_, gamma,
                                 largest};
        // A thread of these has many voxels: of each it makes a number that costs, or meets all others at one address.
        const bool few = options_.combine == Combine::vesselness || options_.combine == Combine::norm;
        const std::int64_t threads = few ? std::min(stage.walk.size, kMostThreads) : stage.walk.size;
        cudaLaunchConfig_t config = cuda::config_for(threads, exec_.stream);
        config.dynamicSmemBytes = sizeof(C) * cuda::kBlockThreads * static_cast<std::size_t>(stage.count);
        const auto launch = [&](auto kernel) { cuda::launch("combine_stage", config, kernel, stage, results); };
        switch (options_.combine) {
            case Combine::sum: return launch(combine_stage<Combine::sum, C>);
            case Combine::magnitude: return launch(combine_stage<Combine::magnitude, C>);
            case Combine::eigenvalues: return launch(combine_stage<Combine::eigenvalues, C>);
            case Combine::vesselness: return launch(combine_stage<Combine::vesselness, C>);
            case Combine::norm: return launch(combine_stage<Combine::norm, C>);
        }
    }

    ConstArrayView in_;
    ArrayView out_;
    Options options_;
    const cuda::Exec& exec_;
    SweptAxes axes_;
    Plan<C> plan_;
    std::map<int, Boundary> modes_;
    std::vector<cuda::Scratch<C>> weights_;  // of all nodes, stage by stage
    int slow_ = -1;
    std::int64_t planes_ = 1;
    std::int64_t thickness_ = 1;
};

template <class C>
void run(const ConstArrayView& in, const ArrayView& out, const std::vector<Term>& terms, const Options& options,
         std::int64_t scratch_bytes, const cuda::Exec& exec) {
    if (options.combine != Combine::vesselness || options.gamma != 0.0) {
        Sweep<C>(in, out, terms, options, scratch_bytes, exec).run(nullptr, nullptr);
        return;
    }
    const auto largest = cuda::filled<unsigned long long>(2, 0, exec);
    const cuda::Scratch<double> gamma(1, exec);
    Options norm = options;
    norm.combine = Combine::norm;
    Sweep<C>(in, out, terms, norm, scratch_bytes, exec).run(nullptr, largest.data());
    ArrayView order = out;
    order.rank = in.rank;
    const cuda::Walk<0> walk = cuda::walk_over<0>(in, order, {-1});
    const auto blocks = std::min<std::int64_t>(cuda::ceil_div(walk.size, 16 * cuda::kBlockThreads), 1024);
    cuda::launch("find_largest", cuda::config(cuda::grid_x(blocks), cuda::kBlockThreads, 0, exec.stream), find_largest,
                 in.data, in.dtype, walk, largest.data() + 1);
    const double epsilon =
        out.dtype == DType::f32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
    cuda::launch("make_gamma", cuda::config(1, 1, 0, exec.stream), make_gamma,
                 static_cast<const unsigned long long*>(largest.data()), 32.0 * epsilon, gamma.data());
    Sweep<C>(in, out, terms, options, scratch_bytes, exec).run(gamma.data(), nullptr);
}

// --- term by term: other results than floats, more axes, several modes along one of them ---

// Adds the values of a term, or their squares, as integers of the type do; the last one takes the root of the sum.
template <class T>
__device__ T with_term(T value, T before, bool squared, bool first, bool last) {
    if constexpr (kFloating<T>) {
        T sum = squared ? value * value : value;
        if (!first) sum += before;
        return squared && last ? std::sqrt(sum) : sum;
    } else {
        const auto whole = static_cast<std::uint64_t>(value);
        const T added = static_cast<T>(squared ? whole * whole : whole);
        const T sum =
            first ? added : static_cast<T>(static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(added));
        return squared && last ? TruncateWrap::cast<T>(std::sqrt(static_cast<double>(sum))) : sum;
    }
}

__global__ void add_term(const void* values, void* out, DType dtype, cuda::Walk<0> walk, bool squared, bool first,
                         bool last) {
    for (std::int64_t p = cuda::first_position(); p < walk.size; p += cuda::position_step()) {
        const auto place = walk.at(p);
        cuda::with_type(dtype, [&](auto type) {
            using T = typename decltype(type)::type;
            if constexpr (!kSame<T, Half>) {
                T* const to = static_cast<T*>(out) + place.out;
                *to = with_term(static_cast<const T*>(values)[place.in], first ? T{0} : *to, squared, first, last);
            }
        });
    }
}

void run_terms(const ConstArrayView& in, const ArrayView& out, const std::vector<Term>& terms, const Options& options,
               const cuda::Exec& exec) {
    const cuda::Scratch<char> memory(static_cast<std::size_t>(out.size() * size_of(out.dtype)), exec);
    ArrayView results = out;
    results.rank = in.rank;
    const ArrayView values = packed_like(memory.data(), out.dtype, results);
    const cuda::Walk<0> walk = cuda::walk_over<0>(as_const(values), results, {-1});
    for (std::size_t k = 0; k < terms.size(); ++k) {
        std::vector<correlate1d::AxisFilter> filters = terms[k];
        for (correlate1d::AxisFilter& filter : filters) filter.cval = options.cval;
        cuda::correlate1d(in, values, filters, exec);
        cuda::launch("add_term", cuda::config_for(walk.size, exec.stream), add_term, values.data, results.data,
                     out.dtype, walk, options.combine == Combine::magnitude, k == 0, k + 1 == terms.size());
    }
}

}  // namespace
}  // namespace voxkern::separable

namespace voxkern::cuda {

void separable(const ConstArrayView& in, const ArrayView& out, const std::vector<separable::Term>& terms,
               const separable::Options& options, const Exec& exec, std::int64_t scratch_bytes) {
    if (in.size() == 0 || terms.empty()) return;
    if (!separable::is_one_sweep(out, terms)) {
        separable::run_terms(in, out, terms, options, exec);
        return;
    }
    if (separable::computes_in_f32(in.dtype, out.dtype)) {
        separable::run<float>(in, out, terms, options, scratch_bytes, exec);
    } else {
        separable::run<double>(in, out, terms, options, scratch_bytes, exec);
    }
}

}  // namespace voxkern::cuda

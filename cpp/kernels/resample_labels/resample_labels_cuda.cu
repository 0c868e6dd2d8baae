// SPDX-License-Identifier: Apache-2.0
// resample_labels on the GPU: a thread per output voxel. Up to eight corners vote from registers. Where there are more,
// the taps are gone through once for each label they meet: no thread keeps a list.
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/tables.hpp"
#include "core/cuda/tiles.hpp"
#include "kernels/resample_labels/resample_labels_plan.hpp"

namespace voxkern::resample_labels {
namespace {

// The label map. Labels are compared as keys, which have the order of the labels: signed ones with their sign flipped.
// Those of up to 32 bits share their code.
template <class T>
struct Source {
    const void* data = nullptr;
    void* out = nullptr;
    int bytes = sizeof(T);  // of a label
    int axes = 0;
    std::int64_t strides[kMaxAxes] = {};
    T cval = T{0};
    T sign = T{0};
    Rule rule = Rule::argmax;

    __device__ __forceinline__ T key(bool within, std::int64_t place) const {
        return (within ? label(place) : cval) ^ sign;
    }
    __device__ __forceinline__ T label(std::int64_t place) const {
        if (sizeof(T) == 8) return static_cast<const T*>(data)[place];
        if (bytes == 1) return static_cast<const std::uint8_t*>(data)[place];
        if (bytes == 2) return static_cast<const std::uint16_t*>(data)[place];
        return static_cast<T>(static_cast<const std::uint32_t*>(data)[place]);
    }
    __device__ __forceinline__ void store(std::int64_t place, T label) const {
        if (sizeof(T) == 8) {
            static_cast<T*>(out)[place] = label;
        } else if (bytes == 1) {
            static_cast<std::uint8_t*>(out)[place] = static_cast<std::uint8_t>(label);
        } else if (bytes == 2) {
            static_cast<std::uint16_t*>(out)[place] = static_cast<std::uint16_t>(label);
        } else {
            static_cast<std::uint32_t*>(out)[place] = static_cast<std::uint32_t>(label);
        }
    }
};

// The one or two taps of an axis; one alone stands twice, the second time without weight.
struct Pair {
    std::int64_t index[2];
    double weight[2];
    std::int64_t nearest;
    bool outside;
};

// --- where a voxel looks: tables along the axes, or a map of coordinates ----------------------------------------

struct OnAxes {
    AxisTable axis[kMaxAxes];

    __device__ __forceinline__ Pair pair(int a, const cuda::Tiles& tiles) const {
        const AxisTable& table = axis[a];
        const std::int64_t i = tiles.index(a);
        const std::int64_t first = i * table.taps;
        const bool two = table.taps > 1;
        return {{table.index[first], table.index[two ? first + 1 : first]},
                {table.weight[first], two ? table.weight[first + 1] : 0.0},
                table.nearest[i],
                table.outside[i] != 0};
    }

    // `own` is room for taps that are not in a table.
    __device__ __forceinline__ AxisTaps taps(int a, const cuda::Tiles& tiles, Taps&, bool* outside) const {
        const AxisTable& table = axis[a];
        const std::int64_t i = tiles.index(a);
        *outside = *outside || table.outside[i] != 0;
        return {table.count[i], table.index + i * table.taps, table.weight + i * table.taps, table.nearest[i]};
    }
};

// A call: what it does would be repeated for each axis.
__device__ __attribute__((noinline)) Pair pair_at(double c, std::int64_t n, AxisRule rule) {
    if (!(c > -1e15 && c < 1e15)) return {{0, 0}, {0.0, 0.0}, 0, true};  // as taps_at
    const bool one = rule.rule == Rule::nearest;
    const Taps taps = one ? nearest_tap(c, n, rule.mode) : linear_taps(c, n, rule.mode);
    return {{taps.index[0], taps.index[one ? 0 : 1]},
            {taps.weight[0], one ? 0.0 : taps.weight[1]},
            taps.nearest,
            !taps.inside};
}

struct Anywhere {
    int axes = 0;
    double offset[kMaxAxes] = {};
    double matrix[kMaxAxes][kMaxAxes] = {};
    std::int64_t shape[kMaxAxes] = {};
    AxisRule rules[kMaxAxes];

    __device__ __forceinline__ double coordinate(int a, const cuda::Tiles& tiles) const {
        double c = offset[a];
        for (int j = 0; j < axes; ++j) c += matrix[a][j] * static_cast<double>(tiles.index(j));
        return c;
    }

    __device__ __forceinline__ Pair pair(int a, const cuda::Tiles& tiles) const {
        return pair_at(coordinate(a, tiles), shape[a], rules[a]);
    }

    __device__ __forceinline__ AxisTaps taps(int a, const cuda::Tiles& tiles, Taps& own, bool* outside) const {
        own = taps_at(coordinate(a, tiles), shape[a], rules[a]);
        *outside = *outside || !own.inside || own.count == 0;
        return {own.count, own.index, own.weight, own.nearest};
    }
};

// --- the vote: as vote() of resample_labels_math.hpp, label after label in ascending order -------------------------

// What one label got.
template <class T>
struct Winner {
    T key = T{0};
    double score = -1.0;
    int reached = 0;  // the vote that brought it to its score

    // Labels come in ascending order.
    __device__ __forceinline__ void meet(Rule rule, T other, double got, int when) {
        const bool wins =
            rule == Rule::half ? got >= 0.5 : got > score || (rule == Rule::gaussian && got == score && when < reached);
        if (!wins) return;
        key = other;
        score = got;
        reached = when;
    }
};

// for_votes(visit) calls visit(key, weight) for every combination of taps, in order. `nearest`: that sample's key.
template <class T, class Votes>
__device__ __forceinline__ T elect(const Source<T>& source, T nearest, const Votes& for_votes) {
    T current = static_cast<T>(~T{0});
    for_votes([&](T key, double) { current = key < current ? key : current; });
    Winner<T> winner;
    winner.key = source.sign;  // `half`, where nobody wins: label 0
    double of_nearest = -2.0;
    for (bool more = true; more;) {
        double score = 0.0;
        int votes = 0;
        int reached = 0;
        T next = current;
        more = false;
        for_votes([&](T key, double weight) {
            ++votes;
            if (key == current) {
                if (score + weight != score || reached == 0) reached = votes;
                score += weight;
            } else if (key > current && (!more || key < next)) {
                next = key;
                more = true;
            }
        });
        winner.meet(source.rule, current, score, reached);
        if (current == nearest) of_nearest = score;
        current = next;
    }
    if (source.rule != Rule::half && source.rule != Rule::gaussian && of_nearest == winner.score) return nearest;
    return winner.key;
}

// Up to three axes of one or two taps each. Axes that are not there have one tap.
template <class T, class Where>
__global__ void elect_corners(cuda::Tiles tiles, Where where, Source<T> source) {
    constexpr int D = 3;
    Pair pairs[D];
    std::int64_t to = 0;
#pragma unroll
    for (int a = 0; a < D; ++a) {
        const std::int64_t i = tiles.index(a);
        if (i >= tiles.axis[a].extent) return;
        to += i * tiles.axis[a].stride;
    }
    bool outside = false;
    bool near = true;
    std::int64_t nearest = 0;
#pragma unroll
    for (int a = 0; a < D; ++a) {
        if (a < source.axes) {
            pairs[a] = where.pair(a, tiles);
        } else {
            pairs[a] = {{0, 0}, {1.0, 0.0}, 0, false};
        }
        outside = outside || pairs[a].outside;
        near = near && pairs[a].nearest != kOutside;
        nearest += pairs[a].nearest * source.strides[a];
    }
    if (outside) {
        source.store(to, source.cval);
        return;
    }
    constexpr int kCorners = 1 << D;
    T key[kCorners];
    double weight[kCorners];
    bool agreed = true;
    for (int c = 0; c < kCorners; ++c) {
        std::int64_t place = 0;
        bool within = true;
        weight[c] = 1.0;
        for (int a = 0; a < D; ++a) {
            const bool second = (c >> (D - 1 - a) & 1) != 0;
            const std::int64_t index = second ? pairs[a].index[1] : pairs[a].index[0];
            weight[c] *= second ? pairs[a].weight[1] : pairs[a].weight[0];
            within = within && index != kOutside;
            place += index * source.strides[a];
        }
        key[c] = source.key(within, place);
        agreed = agreed && key[c] == key[0];
    }
    T winner = key[0];
    if (!agreed) {
        winner = elect(source, source.key(near, nearest), [&](const auto& visit) {
            for (int c = 0; c < kCorners; ++c) visit(key[c], weight[c]);
        });
    }
    source.store(to, winner ^ source.sign);
}

// Any axes and taps.
template <class T, class Where>
__global__ void elect_taps(cuda::Tiles tiles, Where where, Source<T> source) {
    std::int64_t to = 0;
    for (int a = 0; a < source.axes; ++a) {
        const std::int64_t i = tiles.index(a);
        if (i >= tiles.axis[a].extent) return;
        to += i * tiles.axis[a].stride;
    }
    Taps own[kMaxAxes];
    AxisTaps taps[kMaxAxes];
    bool outside = false;
    bool near = true;
    std::int64_t nearest = 0;
    for (int a = 0; a < source.axes && !outside; ++a) {
        taps[a] = where.taps(a, tiles, own[a], &outside);
        near = near && taps[a].nearest != kOutside;
        nearest += taps[a].nearest * source.strides[a];
    }
    if (outside) {
        source.store(to, source.cval);
        return;
    }
    const T winner = elect(source, source.key(near, nearest), [&](const auto& visit) {
        int at[kMaxAxes] = {};
        for (bool more = true; more;) {
            double weight = 1.0;
            std::int64_t place = 0;
            bool within = true;
            for (int a = 0; a < source.axes; ++a) {
                weight *= taps[a].weight[at[a]];
                const std::int64_t index = taps[a].index[at[a]];
                within = within && index != kOutside;
                place += index * source.strides[a];
            }
            visit(source.key(within, place), weight);
            more = false;
            for (int a = source.axes - 1; a >= 0 && !more; --a) {
                more = ++at[a] < taps[a].count;
                if (!more) at[a] = 0;
            }
        }
    });
    source.store(to, winner ^ source.sign);
}

// --- class scores -----------------------------------------------------------------------------------------------

// An ArgmaxTask with its tables in device memory. The sums are those of the CPU, in their order.
struct Scores {
    std::int64_t classes = 1;
    std::int64_t class_stride = 0;
    std::int64_t strides[3] = {};
    int taps[3] = {1, 1, 1};
    const std::int64_t* index[3] = {};
    const float* weight[3] = {};
    const unsigned char* outside[3] = {};
};

// Scores of the usual dtypes, or of any.
template <class T>
struct Typed {
    const T* data;
    __device__ __forceinline__ float operator()(std::int64_t at) const { return static_cast<float>(data[at]); }
};
struct Untyped {
    const void* data;
    DType dtype;
    __device__ __forceinline__ float operator()(std::int64_t at) const {
        return cuda::load_sample<float>(data, dtype, at);
    }
};

template <class Samples>
__global__ void argmax_voxels(cuda::Tiles tiles, Scores scores, Samples in, void* out, DType dtype) {
    std::int64_t to = 0;
    std::int64_t tap[3];
    bool outside = false;
    for (int d = 0; d < 3; ++d) {
        const std::int64_t i = tiles.index(d);
        if (i >= tiles.axis[d].extent) return;
        to += i * tiles.axis[d].stride;
        tap[d] = i * scores.taps[d];
        outside = outside || scores.outside[d][i] != 0;
    }
    const std::int64_t* const at = scores.index[2] + tap[2];
    const float* const along = scores.weight[2] + tap[2];
    float best = 0.0F;
    std::int64_t winner = 0;
    for (std::int64_t c = 0; c < scores.classes && !outside; ++c) {
        const std::int64_t base = c * scores.class_stride;
        const auto combined = [&](std::int64_t x) {  // of the two slower axes, at sample x of the fastest
            float sum = 0.0F;
            for (int s = 0; s < scores.taps[0]; ++s) {
                const std::int64_t plane =
                    base + scores.index[0][tap[0] + s] * scores.strides[0] + x * scores.strides[2];
                for (int t = 0; t < scores.taps[1]; ++t) {
                    const float value = in(plane + scores.index[1][tap[1] + t] * scores.strides[1]);
                    const float weight = scores.weight[0][tap[0] + s] * scores.weight[1][tap[1] + t];
                    sum = s + t == 0 ? value * weight : std::fma(value, weight, sum);
                }
            }
            return sum;
        };
        float score = combined(at[0]) * along[0];
        if (scores.taps[2] == 2) score = std::fma(combined(at[1]), along[1], score);
        if (c > 0 && !(score > best)) continue;
        best = score;
        winner = c;
    }
    cuda::store_sample<RoundSaturate>(out, dtype, to, static_cast<float>(winner));
}

// --- host side --------------------------------------------------------------------------------------------------

template <class T, class Where>
void launch_election(const Task& task, const ArrayView& out, const Where& where, const cuda::Exec& exec) {
    Source<T> source;
    source.data = task.source;
    source.out = out.data;
    source.bytes = static_cast<int>(task.itemsize);
    source.axes = task.axes;
    std::copy_n(task.source_strides, task.axes, source.strides);
    const T all = static_cast<T>(~T{0}) >> (8 * (static_cast<int>(sizeof(T)) - source.bytes));
    source.cval = static_cast<T>(task.cval) & all;
    source.sign = static_cast<T>(task.sign) & all;
    source.rule = task.rule;
    const cuda::Tiles tiles = cuda::tiles_over(out);
    const cudaLaunchConfig_t config = cuda::config_for(tiles, exec.stream);
    const bool corners = task.rule != Rule::gaussian && task.axes <= 3;
    cuda::launch(corners ? "elect_corners" : "elect_taps", config,
                 corners ? elect_corners<T, Where> : elect_taps<T, Where>, tiles, where, source);
}

template <class Where>
void elect_all(const Task& task, const ArrayView& out, const Where& where, const cuda::Exec& exec) {
    if (task.itemsize == 8) return launch_election<std::uint64_t>(task, out, where, exec);
    launch_election<std::uint32_t>(task, out, where, exec);
}

}  // namespace
}  // namespace voxkern::resample_labels

namespace voxkern {

using namespace resample_labels;

void cuda::resample_labels(const ConstArrayView& in, const ArrayView& out, const Coordinates& axes,
                           const Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    const Plan plan = plan_of(in, out, axes, options);
    OnAxes where;
    Tables tables;
    for (std::size_t a = 0; a < plan.axes.size(); ++a) {
        const AxisTable& table = plan.axes[a].table();
        AxisTable& device = where.axis[a];
        device = table;
        const auto n = static_cast<std::size_t>(table.n_out);
        const std::size_t taps = n * static_cast<std::size_t>(table.taps);
        tables.add(device.index, table.index, taps);
        tables.add(device.weight, table.weight, taps);
        tables.add(device.count, table.count, n);
        tables.add(device.nearest, table.nearest, n);
        tables.add(device.outside, table.outside, n);
    }
    const Scratch<char> memory = tables.upload(exec);
    elect_all(plan.task, out, where, exec);
}

void cuda::warp_labels(const ConstArrayView& in, const ArrayView& out, const std::vector<double>& offset,
                       const std::vector<double>& matrix, const Options& options, const Exec& exec) {
    if (out.size() == 0) return;
    const Task task = task_of(in, out, options);
    Anywhere where;
    where.axes = in.rank;
    for (int a = 0; a < in.rank; ++a) {
        where.offset[a] = offset[static_cast<std::size_t>(a)];
        std::copy_n(matrix.data() + a * in.rank, in.rank, where.matrix[a]);
        where.shape[a] = in.shape[a];
        where.rules[a] = rule_of_axis(options, a);
    }
    elect_all(task, out, where, exec);
}

void cuda::resample_argmax(const ConstArrayView& scores, const ArrayView& out, const Coordinates& axes, Boundary mode,
                           const Exec& exec) {
    if (out.size() == 0) return;
    const ArgmaxPlan plan = argmax_plan(scores, out, axes, mode, 0);
    const ArgmaxTask& task = plan.task;
    Tables tables;
    Scores device;
    device.classes = task.classes;
    device.class_stride = task.class_stride;
    ArrayView target = out;
    target.rank = 3;
    for (int d = 0; d < 3; ++d) {
        device.strides[d] = task.strides[d];
        device.taps[d] = task.taps[d];
        target.shape[d] = task.n_out[d];
        target.strides[d] = task.target_strides[d];
        const auto n = static_cast<std::size_t>(task.n_out[d]);
        const std::size_t taps = n * static_cast<std::size_t>(task.taps[d]);
        tables.add(device.index[d], task.index[d], taps);
        tables.add(device.weight[d], task.weight[d], taps);
        tables.add(device.outside[d], task.outside[d], n);
    }
    const Scratch<char> memory = tables.upload(exec);
    const Tiles tiles = tiles_over(target);
    const auto run = [&](const auto& in) {
        launch("argmax_voxels", config_for(tiles, exec.stream), argmax_voxels<std::decay_t<decltype(in)>>, tiles,
               device, in, out.data, out.dtype);
    };
    if (scores.dtype == DType::f32) return run(Typed<float>{static_cast<const float*>(scores.data)});
    if (scores.dtype == DType::f16) return run(Typed<Half>{static_cast<const Half*>(scores.data)});
    run(Untyped{scores.data, scores.dtype});
}

}  // namespace voxkern

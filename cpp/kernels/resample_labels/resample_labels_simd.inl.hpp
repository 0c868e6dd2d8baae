// SPDX-License-Identifier: Apache-2.0
// Rows of label maps and of class scores, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/resample_labels/resample_labels_math.hpp"
#include "kernels/resample_labels/resample_labels_task.hpp"

namespace voxkern::resample_labels {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"
//
#include "core/simd/convert.inl.hpp"
#include "core/simd/interpolate.inl.hpp"

constexpr int kMaxRows = 1 << (kMaxAxes - 1);

// --- label maps: most voxels lie among samples of one label, and need no vote ------------------------------

// Source rows that an output row reads, as offsets in elements; false where some tap is outside, or too many.
bool rows_of(const Task& task, const std::int64_t* at, std::int64_t* rows, int* count) {
    *count = 1;
    rows[0] = 0;
    for (int a = 0; a < task.axes; ++a) {
        if (a == task.run_axis) continue;
        const AxisTable& axis = task.axis[a];
        if (*count * axis.taps > kMaxRows) return false;
        const int known = *count;
        for (int t = axis.taps - 1; t >= 0; --t) {
            const std::int64_t index = axis.index[at[a] * axis.taps + t];
            if (index == kOutside) return false;
            for (int r = 0; r < known; ++r) rows[t * known + r] = rows[r] + index * task.source_strides[a];
        }
        *count *= axis.taps;
    }
    return true;
}

template <class T>
void mark_unanimous(const T* base, const std::int64_t* rows, int count, std::int64_t n, std::int64_t stride,
                    unsigned char* VOXKERN_RESTRICT unanimous) {
    const T* const first = base + rows[0];
    for (std::int64_t i = 0; i < n; ++i) unanimous[i] = 1;
    for (int r = 1; r < count; ++r) {
        if (rows[r] == rows[0]) continue;
        const T* const other = base + rows[r];
        if (stride == 1) {
            for (std::int64_t i = 0; i < n; ++i) {
                unanimous[i] = static_cast<unsigned char>(unanimous[i] & (first[i] == other[i] ? 1 : 0));
            }
        } else {
            for (std::int64_t i = 0; i < n; ++i) {
                const bool same = first[i * stride] == other[i * stride];
                unanimous[i] = static_cast<unsigned char>(unanimous[i] & (same ? 1 : 0));
            }
        }
    }
}

VOXKERN_INLINE AxisTaps taps_of(const AxisTable& axis, std::int64_t i) {
    return {axis.count[i], axis.index + i * axis.taps, axis.weight + i * axis.taps, axis.nearest[i]};
}

template <class T>
VOXKERN_INLINE LabelMap<T> map_of(const Task& task) {
    return {reinterpret_cast<const T*>(task.source), task.axes, task.source_strides, static_cast<T>(task.cval),
            static_cast<T>(task.sign)};
}

// The combinations of linear taps that the voxels of a row weigh, at most 8, in the order of the array's axes.
// Weights are multiplied in that order too: what comes before the run axis, the run axis, what comes after.
constexpr int kCorners = 8;
struct RowCorners {
    bool usable = false;
    int tap[kCorners];  // of the run axis
    double before[kCorners];
    double after[2][kCorners];
    std::int64_t offset[kCorners];  // of the other axes
    std::int64_t nearest = 0;
};

RowCorners corners_of(const Task& task, const std::int64_t* at) {
    RowCorners corners;
    int combinations = 1;
    for (int a = 0; a < task.axes; ++a) combinations *= task.axis[a].taps;
    const bool linear = task.rule == Rule::argmax || task.rule == Rule::half;
    if (!linear || task.axes > 3 || combinations > kCorners) return corners;
    for (int c = 0; c < kCorners; ++c) {
        corners.before[c] = c < combinations ? 1.0 : 0.0;  // the rest repeats the first combination, without weight
        corners.after[0][c] = corners.after[1][c] = 1.0;
        corners.offset[c] = 0;
        int rest = c < combinations ? c : 0;
        int afters = 0;
        int taps[3] = {0, 0, 0};
        for (int a = task.axes - 1; a >= 0; --a) {
            taps[a] = rest % task.axis[a].taps;
            rest /= task.axis[a].taps;
        }
        corners.tap[c] = taps[task.run_axis];
        for (int a = 0; a < task.axes; ++a) {
            if (a == task.run_axis) continue;
            const AxisTable& axis = task.axis[a];
            const std::int64_t index = axis.index[at[a] * axis.taps + taps[a]];
            if (index == kOutside || axis.nearest[at[a]] == kOutside) return corners;
            corners.offset[c] += index * task.source_strides[a];
            const double weight = axis.weight[at[a] * axis.taps + taps[a]];
            if (a < task.run_axis) {
                corners.before[c] *= weight;
            } else {
                corners.after[afters++][c] = weight;
            }
            if (c == 0) corners.nearest += axis.nearest[at[a]] * task.source_strides[a];
        }
    }
    corners.usable = true;
    return corners;
}

// With so much no other label comes near, in whatever order sums are taken.
constexpr double kMajority = 0.5 + 1e-9;

// vote() over the corners of voxel i.
template <class T>
T elect(const Task& task, const LabelMap<T>& map, const RowCorners& corners, std::int64_t i) {
    const T* const base = map.data;
    const AxisTable& run = task.axis[task.run_axis];
    const std::int64_t stride = task.source_strides[task.run_axis];
    const std::int64_t* const index = run.index + i * run.taps;
    const double* const weights = run.weight + i * run.taps;
    T label[kCorners];
    std::int64_t same[kCorners];
    double weight[kCorners];
    double score[kCorners];
    for (int c = 0; c < kCorners; ++c) {
        label[c] = base[corners.offset[c] + index[corners.tap[c]] * stride];
        same[c] = static_cast<std::int64_t>(label[c]);
        weight[c] = corners.before[c] * weights[corners.tap[c]] * corners.after[0][c] * corners.after[1][c];
        score[c] = 0.0;
    }
    const T nearest = base[corners.nearest + run.nearest[i] * stride];
    double share[kCorners];
    for (int c = 0; c < kCorners; ++c) share[c] = label[c] == nearest ? weight[c] : 0.0;
    const double low = (share[0] + share[1]) + (share[2] + share[3]);
    if (low + ((share[4] + share[5]) + (share[6] + share[7])) > kMajority) return nearest;
    for (int j = 0; j < kCorners; ++j) {
        for (int c = 0; c < kCorners; ++c) score[c] += same[c] == same[j] ? weight[j] : 0.0;
    }
    if (task.rule == Rule::half) {
        int highest = -1;
        for (int c = 0; c < kCorners; ++c) {
            if (score[c] >= 0.5 && (highest < 0 || map.less(label[highest], label[c]))) highest = c;
        }
        return highest < 0 ? T{0} : label[highest];
    }
    int best = 0;
    for (int c = 1; c < kCorners; ++c) {
        if (score[c] > score[best] || (score[c] == score[best] && map.less(label[c], label[best]))) best = c;
    }
    for (int c = 0; c < kCorners; ++c) {
        if (label[c] == nearest && score[c] == score[best]) return nearest;
    }
    return label[best];
}

// Voxels that vote together. Labels are compared as keys: signed numbers in their order.
constexpr int kGroup = 8;
typedef std::int64_t Keys __attribute__((vector_size(VOXKERN_VEC_BYTES)));

inline Keys load_keys(const std::int64_t* p) {
    Keys keys;
    __builtin_memcpy(&keys, p, sizeof(keys));
    return keys;
}

template <class X>
inline X choose(const Keys& mask, const X& yes, const X& no) {
    return (X)((mask & (Keys)yes) | (~mask & (Keys)no));
}

// Adds the weights of those lanes whose two keys are one.
inline void add_equal(const Keys& a, const Keys& b, const Vec<double>& weight, Vec<double>& score) {
    score += (Vec<double>)((Keys)weight & (Keys)(a == b));
}

// A vector of winners. `own` are the keys of the nearest samples, which have `share` of the weight.
inline Keys elect_rivals(bool half, const Keys* key, const Vec<double>* weight, const Vec<double>& share,
                         const Keys& own, std::int64_t none) {
    Vec<double> most = splat(-1.0);
    Keys best = Keys{} + none;
    for (int c = 0; c < kCorners; ++c) {
        Vec<double> score = {};
        for (int j = 0; j < kCorners; ++j) add_equal(key[j], key[c], weight[j], score);
        const Keys top = (Keys)(score > most) | ((Keys)(score == most) & (Keys)(key[c] < best));
        const Keys highest = (Keys)(score >= 0.5) & ((Keys)(most < 0.0) | (Keys)(key[c] > best));
        const Keys wins = half ? highest : top;
        best = choose(wins, key[c], best);
        most = choose(wins, score, most);
    }
    const Keys stays = (Keys)(share > kMajority) | (half ? Keys{} : (Keys)(share == most));
    return choose(stays, own, best);
}

// elect() for kGroup voxels.
template <class T>
void elect_group(const Task& task, const LabelMap<T>& map, const RowCorners& corners, const std::int64_t* voxels,
                 T* out) {
    const AxisTable& run = task.axis[task.run_axis];
    const std::int64_t stride = task.source_strides[task.run_axis];
    const std::uint64_t flip = std::uint64_t{map.sign} ^ (sizeof(T) == 8 ? std::uint64_t{1} << 63 : 0);
    const auto key_of = [flip](T label) { return static_cast<std::int64_t>(std::uint64_t{label} ^ flip); };
    alignas(64) std::int64_t place[2][kGroup];
    alignas(64) double along[2][kGroup];
    alignas(64) std::int64_t own[kGroup];
    for (int v = 0; v < kGroup; ++v) {
        for (int t = 0; t < 2; ++t) {
            const std::int64_t tap = voxels[v] * run.taps + (t < run.taps ? t : 0);
            place[t][v] = run.index[tap] * stride;
            along[t][v] = run.weight[tap];
        }
        own[v] = key_of(map.data[corners.nearest + run.nearest[voxels[v]] * stride]);
    }
    alignas(64) std::int64_t key[kCorners][kGroup];
    alignas(64) double weight[kCorners][kGroup];
    for (int c = 0; c < kCorners; ++c) {
        const T* const row = map.data + corners.offset[c];
        const int tap = corners.tap[c];
        for (int v = 0; v < kGroup; ++v) key[c][v] = key_of(row[place[tap][v]]);
        for (int v = 0; v < kGroup; ++v) {
            weight[c][v] = corners.before[c] * along[tap][v] * corners.after[0][c] * corners.after[1][c];
        }
    }
    for (int v = 0; v < kGroup; v += static_cast<int>(kVec<double>)) {
        Keys keys[kCorners];
        Vec<double> weights[kCorners];
        const Keys nearest = load_keys(own + v);
        Vec<double> share = {};
        for (int c = 0; c < kCorners; ++c) {
            keys[c] = load_keys(key[c] + v);
            weights[c] = load(weight[c] + v);
            add_equal(keys[c], nearest, weights[c], share);
        }
        const Keys winners = elect_rivals(task.rule == Rule::half, keys, weights, share, nearest, key_of(T{0}));
        __builtin_memcpy(own + v, &winners, sizeof(winners));
    }
    const std::int64_t to = task.target_strides[task.run_axis];
    for (int v = 0; v < kGroup; ++v) {
        out[voxels[v] * to] = static_cast<T>(static_cast<std::uint64_t>(own[v]) ^ flip);
    }
}

template <class T>
void label_row(const Task& task, const std::int64_t* at, unsigned char* unanimous) {
    const AxisTable& run = task.axis[task.run_axis];
    const std::int64_t from = task.source_strides[task.run_axis];
    const std::int64_t to = task.target_strides[task.run_axis];
    T* out = reinterpret_cast<T*>(task.target);
    bool outside = false;
    AxisTaps taps[kMaxAxes];
    for (int a = 0; a < task.axes; ++a) {
        out += at[a] * task.target_strides[a];
        outside = outside || (a != task.run_axis && task.axis[a].outside[at[a]] != 0);
        taps[a] = taps_of(task.axis[a], at[a]);
    }
    std::int64_t rows[kMaxRows];
    int count = 0;
    const bool looks = !outside && rows_of(task, at, rows, &count);
    const RowCorners corners = looks ? corners_of(task, at) : RowCorners{};
    const LabelMap<T> map = map_of<T>(task);
    const T* const base = map.data;
    const T cval = map.cval;
    if (looks) mark_unanimous(base, rows, count, task.source_length, from, unanimous);
    const T* const first = base + (looks ? rows[0] : 0);
    std::int64_t waiting[kGroup];  // voxels that vote
    int voters = 0;
    for (std::int64_t i = 0; i < run.n_out; ++i) {
        if (outside || run.outside[i] != 0) {
            out[i * to] = cval;
            continue;
        }
        const std::int64_t* const index = run.index + i * run.taps;
        const bool known = looks && index[0] != kOutside && index[run.taps - 1] != kOutside;
        bool agreed = known && unanimous[index[0]] != 0;
        const T label = agreed ? first[index[0] * from] : cval;
        for (int t = 1; t < run.taps && agreed; ++t) {
            agreed = index[t] != kOutside && unanimous[index[t]] != 0 && first[index[t] * from] == label;
        }
        if (agreed) {
            out[i * to] = label;
        } else if (known && corners.usable && run.nearest[i] != kOutside) {
            waiting[voters++] = i;
            if (voters == kGroup) {
                elect_group(task, map, corners, waiting, out);
                voters = 0;
            }
        } else {
            taps[task.run_axis] = taps_of(run, i);
            out[i * to] = vote(map, task.rule, taps);
        }
    }
    for (int v = 0; v < voters; ++v) out[waiting[v] * to] = elect(task, map, corners, waiting[v]);
}

template <class T>
void label_voxel(const Task& task, const AxisTable* axes, void* out) {
    AxisTaps taps[kMaxAxes];
    bool outside = false;
    for (int a = 0; a < task.axes; ++a) {
        taps[a] = taps_of(axes[a], 0);
        outside = outside || axes[a].outside[0] != 0;
    }
    const LabelMap<T> map = map_of<T>(task);
    *static_cast<T*>(out) = outside ? map.cval : vote(map, task.rule, taps);
}

// Labels of one size share their code, signed or not.
void row_of_labels(const Task& task, const std::int64_t* at, unsigned char* unanimous) {
    switch (task.itemsize) {
        case 1: return label_row<std::uint8_t>(task, at, unanimous);
        case 2: return label_row<std::uint16_t>(task, at, unanimous);
        case 4: return label_row<std::uint32_t>(task, at, unanimous);
        default: return label_row<std::uint64_t>(task, at, unanimous);
    }
}

void voxel_of_labels(const Task& task, const AxisTable* axes, void* out) {
    switch (task.itemsize) {
        case 1: return label_voxel<std::uint8_t>(task, axes, out);
        case 2: return label_voxel<std::uint16_t>(task, axes, out);
        case 4: return label_voxel<std::uint32_t>(task, axes, out);
        default: return label_voxel<std::uint64_t>(task, axes, out);
    }
}

// --- class scores ------------------------------------------------------------------------------------------

// The linear taps of two axes make 1, 2 or 4 rows.
constexpr int kMostRows = 4;

template <class T>
void combine_linear(int taps, const T* const* rows, const float* weights, float* out, std::int64_t n) {
    switch (taps) {
        case 1: return combine_taps<1>(rows, weights, out, n);
        case 2: return combine_taps<2>(rows, weights, out, n);
        default: return combine_taps<kMostRows>(rows, weights, out, n);
    }
}

template <class T>
void combine_scores(const ArgmaxTask& task, const std::int64_t* offsets, int taps, const float* weights, std::int64_t c,
                    const ArgmaxScratch& scratch) {
    const T* rows[kMostRows];
    const T* const base = reinterpret_cast<const T*>(task.source) + c * task.class_stride;
    for (int t = 0; t < taps; ++t) rows[t] = base + offsets[t];
    combine_linear(taps, rows, weights, scratch.row, task.length);
}

void combine_loaded(const ArgmaxTask& task, const std::int64_t* offsets, int taps, const float* weights, std::int64_t c,
                    const ArgmaxScratch& scratch) {
    const LoadRow<float> load_line = load_row_of<float>(task.dtype);
    const float* rows[kMostRows];
    for (int t = 0; t < taps; ++t) {
        float* const row = scratch.rows + t * task.length;
        load_line(task.source + (c * task.class_stride + offsets[t]) * task.itemsize, task.strides[2], row,
                  task.length);
        rows[t] = row;
    }
    combine_linear(taps, rows, weights, scratch.row, task.length);
}

void argmax_row(const ArgmaxTask& task, std::int64_t k, std::int64_t j, const ArgmaxScratch& scratch) {
    const std::int64_t n = task.n_out[2];
    char* const out = task.target + (k * task.target_strides[0] + j * task.target_strides[1]) * task.target_itemsize;
    const StoreRow<float> store_line = store_row_of<RoundSaturate, float>(task.target_dtype);
    float* VOXKERN_RESTRICT const winner = scratch.winner;
    for (std::int64_t i = 0; i < n; ++i) winner[i] = 0.0F;
    if (task.outside[0][k] != 0 || task.outside[1][j] != 0) {
        store_line(winner, out, task.target_strides[2], n);
        return;
    }
    std::int64_t offsets[kMostRows];
    float weights[kMostRows];
    int taps = 0;
    for (int s = 0; s < task.taps[0]; ++s) {
        for (int t = 0; t < task.taps[1]; ++t, ++taps) {
            offsets[taps] = task.index[0][k * task.taps[0] + s] * task.strides[0] +
                            task.index[1][j * task.taps[1] + t] * task.strides[1];
            weights[taps] = task.weight[0][k * task.taps[0] + s] * task.weight[1][j * task.taps[1] + t];
        }
    }
    void (*combined)(const ArgmaxTask&, const std::int64_t*, int, const float*, std::int64_t, const ArgmaxScratch&) =
        combine_loaded;
    if (task.strides[2] == 1 && task.dtype == DType::f32) combined = combine_scores<float>;
    if (task.strides[2] == 1 && task.dtype == DType::f16) combined = combine_scores<Half>;
    float* VOXKERN_RESTRICT const best = scratch.best;
    float* VOXKERN_RESTRICT const score = scratch.score;
    for (std::int64_t c = 0; c < task.classes; ++c) {
        combined(task, offsets, taps, weights, c, scratch);
        float* const into = c == 0 ? scratch.best : scratch.score;
        if (task.picks.start != nullptr) {
            pick_row(task.picks, scratch.row, into);
        } else {
            const std::int64_t* index = task.index[2];
            const float* weight = task.weight[2];
            for (std::int64_t i = 0; i < n; ++i, index += task.taps[2], weight += task.taps[2]) {
                float sum = scratch.row[index[0]] * weight[0];
                if (task.taps[2] == 2) sum = madd(scratch.row[index[1]], weight[1], sum);
                into[i] = sum;
            }
        }
        if (c == 0) continue;
        const float number = static_cast<float>(c);
        for (std::int64_t i = 0; i < n; ++i) {
            winner[i] = score[i] > best[i] ? number : winner[i];
            best[i] = score[i] > best[i] ? score[i] : best[i];
        }
    }
    for (std::int64_t i = 0; i < n; ++i) winner[i] = task.outside[2][i] != 0 ? 0.0F : winner[i];
    store_line(winner, out, task.target_strides[2], n);
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {row_of_labels, voxel_of_labels, argmax_row, kHasPick<float> ? kVec<float> : 0};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::resample_labels

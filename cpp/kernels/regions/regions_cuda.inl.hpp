// SPDX-License-Identifier: Apache-2.0
// Labels on the GPU: which of them have a row, and how warps go over them. A warp takes a stretch of a row of the
// array, 32 samples at a time, and holds what it found of one label until it meets another: sums within a stretch have
// a fixed order, and a label costs the tables one visit for each stretch.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/cuda/block.hpp"
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/walk.hpp"
#include "kernels/regions/regions.hpp"

namespace voxkern::regions {
namespace {

// Numbers that atomics take.
using Unsigned = unsigned long long;
using Signed = long long;

constexpr Unsigned kSign = Unsigned{1} << 63;

// --- names ---------------------------------------------------------------------------------------------------------

struct DeviceNames {
    Names::Kind kind = Names::Kind::range;
    int listed = 0;
    bool is_unsigned = false;
    std::uint64_t lowest = 0;
    std::uint64_t count = 0;
    const std::int64_t* labels = nullptr;  // those that are listed, rising
    const std::int64_t* rows = nullptr;    // and theirs

    // The row of a label, or -1.
    __device__ int find(std::int64_t label) const {
        if (kind == Names::Kind::range) {
            const std::uint64_t place = static_cast<std::uint64_t>(label) - lowest;
            return place < count ? static_cast<int>(place) : -1;
        }
        if (kind == Names::Kind::positive) return (is_unsigned ? label != 0 : label > 0) ? 0 : -1;
        int first = 0;
#pragma unroll 1
        for (int left = listed; left > 0;) {
            const int half = left / 2;
            const bool below = labels[first + half] < label;
            first = below ? first + half + 1 : first;
            left = below ? left - half - 1 : half;
        }
        return first < listed && labels[first] == label ? static_cast<int>(rows[first]) : -1;
    }
};

// Names on the device, with the memory of those that are listed.
class NamesThere {
  public:
    NamesThere(const Names& names, DType labels, const cuda::Exec& exec) : table_(cuda::upload(sorted(names), exec)) {
        names_.kind = names.kind();
        names_.listed = static_cast<int>(names.labels().size());
        names_.lowest = static_cast<std::uint64_t>(names.lowest());
        names_.count = static_cast<std::uint64_t>(names.count());
        names_.labels = table_.data();
        names_.rows = table_.data() + names.labels().size();
        names_.is_unsigned = labels == DType::u64;
    }
    const DeviceNames& names() const { return names_; }

  private:
    // Labels that rise, then their rows.
    static std::vector<std::int64_t> sorted(const Names& names) {
        const std::vector<std::int64_t>& labels = names.labels();
        std::vector<std::int64_t> table(2 * labels.size());
        const auto rows = table.begin() + static_cast<std::ptrdiff_t>(labels.size());
        std::iota(rows, table.end(), std::int64_t{0});
        std::sort(rows, table.end(), [&](std::int64_t a, std::int64_t b) {
            return labels[static_cast<std::size_t>(a)] < labels[static_cast<std::size_t>(b)];
        });
        std::transform(rows, table.end(), table.begin(),
                       [&](std::int64_t row) { return labels[static_cast<std::size_t>(row)]; });
        return table;
    }

    cuda::Scratch<std::int64_t> table_;
    DeviceNames names_;
};

// --- stretches -----------------------------------------------------------------------------------------------------

constexpr int kLabels = 0, kImage = 1, kPosition = 2;  // what the axes step through

// Labels, and an image beside them, as stretches of rows. The innermost axis goes along the memory.
struct Stretches {
    DType labels_dtype = DType::u8;
    DType image_dtype = DType::f32;
    int rank = 0;              // of the axes that count rows, slowest first
    int inner = 0;             // the other axis, as the array has it
    int order[kMaxRank] = {};  // and those that count rows
    const void* labels = nullptr;
    const void* image = nullptr;
    std::int64_t extent[kMaxRank] = {};
    std::int64_t below[kMaxRank] = {};  // rows of the faster axes
    std::int64_t stride[kMaxRank][3] = {};
    std::int64_t step[3] = {};  // along a row
    std::int64_t width = 1;     // of a row
    std::int64_t length = 1;    // of a stretch
    std::int64_t in_row = 1;    // stretches
    std::int64_t count = 0;     // of all

    __device__ std::int64_t index(std::int64_t row, int a) const {
        if (row <= 0xffffffff) {
            const auto here = static_cast<std::uint32_t>(row);
            return here / static_cast<std::uint32_t>(below[a]) % static_cast<std::uint32_t>(extent[a]);
        }
        return row / below[a] % extent[a];
    }
    __device__ std::int64_t label(std::int64_t at) const {
        return cuda::load_sample<std::int64_t>(labels, labels_dtype, at);
    }
};

// `apart`: axes are not merged, each has its own index.
inline Stretches stretches_of(const ConstArrayView& labels, const ConstArrayView* image, bool apart) {
    Stretches all;
    all.labels = labels.data;
    all.labels_dtype = labels.dtype;
    std::int64_t position[kMaxRank];
    std::int64_t reach[kMaxRank];  // bytes from one sample to the next, of both arrays
    std::int64_t step = 1;
    for (int a = labels.rank - 1; a >= 0; --a) {
        position[a] = step;
        step *= labels.shape[a];
        reach[a] = std::abs(labels.strides[a]) * size_of(labels.dtype);
        if (image != nullptr) reach[a] += std::abs(image->strides[a]) * size_of(image->dtype);
    }
    if (image != nullptr) {
        all.image = image->data;
        all.image_dtype = image->dtype;
    }
    Axes<3> axes;
    std::vector<int> order;
    for (const int a : slowest_first(labels.rank, reach)) {
        if (labels.shape[a] == 1) continue;
        axes.push(labels.shape[a], {labels.strides[a], image != nullptr ? image->strides[a] : 0, position[a]});
        order.push_back(a);
    }
    if (!apart) axes.merge();
    if (axes.rank() > 0) {
        const Axes<3>::Axis along = axes.pop();
        all.width = along.extent;
        std::copy_n(along.strides.begin(), 3, all.step);
        all.inner = order[static_cast<std::size_t>(axes.rank())];
    }
    all.rank = axes.rank();
    std::int64_t rows = 1;
    for (int a = all.rank - 1; a >= 0; --a) {
        all.order[a] = order[static_cast<std::size_t>(a)];
        all.extent[a] = axes[a].extent;
        all.below[a] = rows;
        std::copy_n(axes[a].strides.begin(), 3, all.stride[a]);
        rows *= axes[a].extent;
    }
    // Long stretches where there are enough for all warps: the same on every device.
    all.length = labels.size() >= std::int64_t{1} << 24 ? 1024 : 256;
    all.in_row = cuda::ceil_div(all.width, all.length);
    all.count = rows * all.in_row;
    return all;
}

inline cudaLaunchConfig_t config_for(const Stretches& all, cudaStream_t stream) {
    return cuda::config_for(all.count * cuda::kWarp, stream);
}

// Where a stretch is.
struct Stretch {
    std::int64_t row = 0;
    std::int64_t first = 0;  // of its samples in the row
    std::int64_t last = 0;   // behind them
    std::int64_t at[3] = {};
};

__device__ __forceinline__ int lane() {
    return static_cast<int>(threadIdx.x) % cuda::kWarp;
}

// Calls visit(stretch) for those of this warp, in all of its lanes.
template <class Visit>
__device__ __forceinline__ void for_stretches(const Stretches& all, const Visit& visit) {
    const std::int64_t step = cuda::position_step() / cuda::kWarp;
    for (std::int64_t k = cuda::first_position() / cuda::kWarp; k < all.count; k += step) {
        Stretch stretch;
        stretch.row = k / all.in_row;
        stretch.first = (k - stretch.row * all.in_row) * all.length;
        stretch.last = stretch.first + all.length < all.width ? stretch.first + all.length : all.width;
#pragma unroll 1
        for (int a = 0; a < all.rank; ++a) {
            const std::int64_t i = all.index(stretch.row, a);
            for (int n = 0; n < 3; ++n) stretch.at[n] += i * all.stride[a][n];
        }
        visit(stretch);
    }
}

// The row of this lane's sample; -1 where it has none.
__device__ __forceinline__ int row_of(const Stretches& all, const DeviceNames& names, const Stretch& stretch,
                                      std::int64_t i) {
    if (i >= stretch.last) return -1;
    return names.find(all.label(stretch.at[kLabels] + i * all.step[kLabels]));
}

// What `rule` gathers of each row. rule.start(row) makes what a lane holds, rule.take(own, stretch, i) adds sample i of
// a stretch, and rule.flush(own, row, stretch) adds what the lanes hold to the tables: all lanes call it.
template <class Rule>
__global__ void gather(Stretches all, DeviceNames names, Rule rule) {
    for_stretches(all, [&](const Stretch& stretch) {
        int current = -1;  // the row that the lanes hold
        typename Rule::Own own;
#pragma unroll 1
        for (std::int64_t first = stretch.first; first < stretch.last; first += cuda::kWarp) {
            const std::int64_t i = first + lane();
            const int row = row_of(all, names, stretch, i);
            unsigned left = __ballot_sync(cuda::kAllLanes, row >= 0 ? 1 : 0);
            if (current >= 0 && left != 0) {
                if (row == current) rule.take(own, all, stretch, i);
                left &= ~__ballot_sync(cuda::kAllLanes, row == current ? 1 : 0);
            }
            while (left != 0) {
                const int next = __shfl_sync(cuda::kAllLanes, row, __ffs(static_cast<int>(left)) - 1);
                if (current >= 0) rule.flush(own, current, all, stretch);
                current = next;
                own = rule.start(current);
                if (row == current) rule.take(own, all, stretch, i);
                left &= ~__ballot_sync(cuda::kAllLanes, row == current ? 1 : 0);
            }
        }
        if (current >= 0) rule.flush(own, current, all, stretch);
    });
}

// --- joining -------------------------------------------------------------------------------------------------------

template <class T>
__device__ T least_of(T a, T b) {
    return a < b ? a : b;
}
template <class T>
__device__ T most_of(T a, T b) {
    return a < b ? b : a;
}
template <class T>
__device__ void lower(T* to, T value) {
    if (value < cuda::load_relaxed(to)) atomicMin(to, value);
}
template <class T>
__device__ void raise(T* to, T value) {
    if (value > cuda::load_relaxed(to)) atomicMax(to, value);
}

}  // namespace
}  // namespace voxkern::regions

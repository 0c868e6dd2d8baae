// SPDX-License-Identifier: Apache-2.0
// Labels, and an image beside them, in chunks that threads take; a chunk is read as runs of equal labels.
#pragma once

#include <algorithm>

#include "core/axes.hpp"
#include "core/workspace.hpp"
#include "kernels/regions/regions.hpp"
#include "kernels/regions/regions_task.hpp"

namespace voxkern::regions {

constexpr std::int64_t kSegment = 2048;                 // samples of a row that are looked at together
constexpr std::int64_t kChunk = std::int64_t{1} << 18;  // samples that one thread takes at a time
constexpr int kLabels = 0, kImage = 1, kPosition = 2;   // what the axes of a job step through

inline const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

struct Job {
    const ConstArrayView& labels;
    const ConstArrayView* image = nullptr;  // or none
    const Names& names;
    const Ops& ops = active_ops();
    Axes<3> axes = {};
    std::vector<int> order = {};  // axis of the arrays by axis of the walk, where none are merged
    std::int64_t size = 0;
    std::int64_t chunks = 0;
    bool is_unsigned = false;  // labels that an int64 does not hold as they are

    // Rows that a chunk may have; 0: any keys.
    std::int64_t keys() const { return names.open() ? 0 : std::max<std::int64_t>(names.count(), 1); }
};

// `in_order`: walks in the order of C, else of the memory. `apart`: axes are not merged, each has its own index.
inline Job job_of(const ConstArrayView& labels, const ConstArrayView* image, const Names& names, bool in_order,
                  bool apart) {
    Job job = {labels, image, names};
    const int rank = labels.rank;
    std::int64_t position[kMaxRank];
    std::int64_t reach[kMaxRank];  // bytes from one sample to the next, of both arrays
    std::int64_t step = 1;
    for (int a = rank - 1; a >= 0; --a) {
        position[a] = step;
        step *= labels.shape[a];
        reach[a] = in_order ? 0 : std::abs(labels.strides[a]) * size_of(labels.dtype);
        if (image != nullptr && !in_order) reach[a] += std::abs(image->strides[a]) * size_of(image->dtype);
    }
    job.order = slowest_first(rank, reach);
    for (const int a : job.order) {
        if (!apart && labels.shape[a] == 1) continue;
        job.axes.push(labels.shape[a], {labels.strides[a], image != nullptr ? image->strides[a] : 0, position[a]});
    }
    if (job.axes.rank() == 0) job.axes.push(1, {1, 1, 1});
    if (!apart) job.axes.merge();
    job.size = labels.size();
    job.chunks = (job.size + kChunk - 1) / kChunk;
    job.is_unsigned = labels.dtype == DType::u64;
    return job;
}

// A part of a row: the runs that have a row in the table, and the slots of these.
struct Segment {
    Runs runs;
    const std::int32_t* slots = nullptr;
    std::int64_t first = 0;  // of all their samples
    std::int64_t last = 0;   // and the one behind
};

// Buffers of one chunk.
struct Buffers {
    Workspace memory{Workspace::bytes_of<std::int32_t>({kSegment + 1, kSegment, kSegment}) +
                     Workspace::bytes_of<std::int64_t>({kSegment, kSegment})};
    std::int32_t* begins = memory.take<std::int32_t>(kSegment + 1);
    std::int32_t* ends = memory.take<std::int32_t>(kSegment);
    std::int32_t* slots = memory.take<std::int32_t>(kSegment);
    std::int64_t* names = memory.take<std::int64_t>(kSegment);
    std::int64_t* scratch = memory.take<std::int64_t>(kSegment);
};

// Calls visit(walk, segment) on the parts of a chunk that have named labels. slot_of(row) numbers the rows.
template <class SlotOf, class Visit>
void for_segments(const Job& job, std::int64_t chunk, const SlotOf& slot_of, const Visit& visit) {
    Buffers to;
    const std::int64_t stride = job.axes[job.axes.rank() - 1].strides[kLabels];
    const std::int64_t end = std::min((chunk + 1) * kChunk, job.size);
    for_stretches(job.axes, chunk * kChunk, end, kSegment, [&](const Walk<3>& walk, std::int64_t n) {
        const std::int64_t all = job.ops.changes(job.labels.dtype, job.labels.at(walk.offsets()[kLabels]), stride, n,
                                                 to.scratch, to.begins, to.names);
        std::int64_t kept = 0;
        for (std::int64_t r = 0; r < all; ++r) {
            const std::int32_t begin = to.begins[r];
            const std::int32_t behind = to.begins[r + 1];
            std::int64_t row;
            if (!job.names.find(to.names[r], job.is_unsigned, row)) continue;
            to.slots[kept] = slot_of(row);
            to.begins[kept] = begin;  // kept <= r
            to.ends[kept++] = behind;
        }
        if (kept == 0) return;
        visit(walk, Segment{{to.begins, to.ends, kept}, to.slots, to.begins[0], to.ends[kept - 1]});
    });
}

// Makes a part for each chunk and joins them in their order: join(part). Few parts stand at one time, so that tables
// of many labels stay small beside their sum.
template <class Make, class Join>
void make_and_join(std::int64_t chunks, const Exec& exec, const Make& make, const Join& join) {
    const std::int64_t wave = std::max(16, 2 * exec.threads);
    for (std::int64_t start = 0; start < chunks; start += wave) {
        std::vector<decltype(make(start))> parts(static_cast<std::size_t>(std::min(wave, chunks - start)));
        parallel_for(static_cast<std::int64_t>(parts.size()), exec,
                     [&](std::int64_t k) { parts[static_cast<std::size_t>(k)] = make(start + k); });
        for (const auto& part : parts) join(part);
    }
}

}  // namespace voxkern::regions

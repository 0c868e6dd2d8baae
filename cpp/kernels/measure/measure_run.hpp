// SPDX-License-Identifier: Apache-2.0
// An image in pieces that threads take, each a few blocks of values that lie side by side in L1.
#pragma once

#include <memory>
#include <mutex>

#include "core/workspace.hpp"
#include "kernels/measure/measure_plan.hpp"

namespace voxkern::measure {

constexpr std::int64_t kBlock = 2048;            // elements
constexpr std::int64_t kPiece = 32 * kBlock;     // elements that one thread takes at a time
constexpr std::int64_t kShortRow = kBlock / 16;  // rows below this are collected to fill a block

struct Job {
    const Image& image;
    Axes<2> axes;
    Ops ops;
    Inside inside = nullptr;
    bool in_place = false;        // blocks lie side by side in the image
    bool bytes_in_place = false;  // and so do bytes of the mask
    std::int64_t itemsize = 1;
    std::int64_t size = 0;
    std::int64_t pieces = 0;
};

inline Job job_of(const Image& image) {
    const Level& level = VOXKERN_SELECT_LEVEL(level);
    Job job = {image, walk_of(image), level.ops(image.voxels.dtype)};
    const Axes<2>::Axis row = job.axes[job.axes.rank() - 1];
    job.in_place = !image.mask && row.strides[0] == 1 && (row.extent >= kShortRow || job.axes.rank() == 1);
    if (image.mask) {
        job.inside = level.inside(image.mask->dtype);
        job.bytes_in_place = row.strides[1] == 1 && size_of(image.mask->dtype) == 1;
    }
    job.itemsize = size_of(image.voxels.dtype);
    job.size = image.voxels.size();
    job.pieces = (job.size + kPiece - 1) / kPiece;
    return job;
}

// Calls visit(values, n) with the voxels of a piece that count, n at a time.
template <class Visit>
void for_blocks(const Job& job, std::int64_t piece, const Visit& visit) {
    alignas(64) char values[kBlock * 8];
    alignas(64) std::uint8_t bytes[kBlock];
    const Axes<2>::Axis row = job.axes[job.axes.rank() - 1];
    std::int64_t filled = 0;
    const std::int64_t last = std::min((piece + 1) * kPiece, job.size);
    for_stretches(job.axes, piece * kPiece, last, kBlock, [&](const Walk<2>& walk, std::int64_t n) {
        const void* const from = job.image.voxels.at(walk.offsets()[0]);
        if (job.in_place) {
            visit(from, n);
            return;
        }
        if (filled + n > kBlock) {
            visit(static_cast<const void*>(values), filled);
            filled = 0;
        }
        char* const to = values + filled * job.itemsize;
        if (!job.image.mask) {
            job.ops.gather(from, row.strides[0], to, n);
            filled += n;
            return;
        }
        const void* const mask = job.image.mask->at(walk.offsets()[1]);
        if (!job.bytes_in_place) job.inside(mask, row.strides[1], bytes, n);
        const auto* const inside = job.bytes_in_place ? static_cast<const std::uint8_t*>(mask) : bytes;
        filled += job.ops.pack(from, row.strides[0], inside, to, n);
    });
    if (filled > 0) visit(static_cast<const void*>(values), filled);
}

// Counts of threads, added up. A thread takes counts that no other one has, and gives them back after a piece.
class Tallies {
  public:
    explicit Tallies(std::int64_t size) : size_(size) {}

    std::int64_t* take() {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (free_.empty()) {
            const std::int64_t bytes = size_ * static_cast<std::int64_t>(sizeof(std::int64_t));
            blocks_.push_back(std::make_unique<Workspace>(bytes));
            free_.push_back(blocks_.back()->take<std::int64_t>(size_));
            all_.push_back(free_.back());
            std::fill(free_.back(), free_.back() + size_, 0);
        }
        std::int64_t* const counts = free_.back();
        free_.pop_back();
        return counts;
    }

    void give(std::int64_t* counts) {
        const std::lock_guard<std::mutex> lock(mutex_);
        free_.push_back(counts);
    }

    // The counts of all threads together.
    const std::int64_t* sum() {
        if (all_.empty()) give(take());
        for (std::size_t k = 1; k < all_.size(); ++k) {
            for (std::int64_t i = 0; i < size_; ++i) all_[0][i] += all_[k][i];
        }
        return all_[0];
    }

  private:
    std::int64_t size_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Workspace>> blocks_;
    std::vector<std::int64_t*> all_;
    std::vector<std::int64_t*> free_;
};

// Runs count(values, n, counts) on all blocks; whole numbers have the same sum in any order.
template <class Count>
void tally(const Job& job, Tallies& tallies, const Exec& exec, const Count& count) {
    parallel_for(job.pieces, exec, [&](std::int64_t piece) {
        std::int64_t* const counts = tallies.take();
        for_blocks(job, piece, [&](const void* values, std::int64_t n) { count(values, n, counts); });
        tallies.give(counts);
    });
}

}  // namespace voxkern::measure

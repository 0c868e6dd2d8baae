// SPDX-License-Identifier: Apache-2.0
// Histograms of regions and the unlike neighbours on their surfaces, on the GPU: whole numbers, counted in shared
// memory where all counters fit.
#include "kernels/regions/regions_cuda.inl.hpp"

namespace voxkern::regions {
namespace {

constexpr std::int64_t kShared = 4096;  // counters that a block has

// Counters of a block, or those of all. Every thread of the block makes one, and calls finish().
struct Counters {
    unsigned* own = nullptr;
    Unsigned* all = nullptr;

    __device__ void add(std::int64_t at) const {
        if (own != nullptr) {
            atomicAdd(&own[at], 1U);
        } else {
            atomicAdd(&all[at], Unsigned{1});
        }
    }
    __device__ void finish(std::int64_t count) const {
        if (own == nullptr) return;
        __syncthreads();
        for (std::int64_t k = threadIdx.x; k < count; k += blockDim.x) {
            if (own[k] != 0) atomicAdd(&all[k], static_cast<Unsigned>(own[k]));
        }
    }
};

__device__ Counters counters_of(Unsigned* counts, std::int64_t count) {
    Counters counters;
    counters.all = counts;
    if (count > kShared) return counters;
    counters.own = cuda::dynamic_shared<unsigned>();
    for (std::int64_t k = threadIdx.x; k < count; k += blockDim.x) counters.own[k] = 0;
    __syncthreads();
    return counters;
}

std::size_t shared_for(std::int64_t count) {
    return count > kShared ? 0 : static_cast<std::size_t>(count) * sizeof(unsigned);
}

// As bins_of of the CPU: a guess from the equal steps is put right by the edges.
__global__ void count_bins(Stretches all, DeviceNames names, const double* edges, std::int64_t bins, double scale,
                           std::int64_t count, Unsigned* counts) {
    const Counters counters = counters_of(counts, count);
    const double top = static_cast<double>(bins - 1);
    for_stretches(all, [&](const Stretch& stretch) {
        for (std::int64_t i = stretch.first + lane(); i < stretch.last; i += cuda::kWarp) {
            const int row = row_of(all, names, stretch, i);
            if (row < 0) continue;
            const auto x =
                cuda::load_sample<double>(all.image, all.image_dtype, stretch.at[kImage] + i * all.step[kImage]);
            if (!(x >= edges[0] && x <= edges[bins])) continue;
            const double place = (x - edges[0]) * scale;
            auto bin = static_cast<std::int64_t>(place < top ? place : top);
            while (x < edges[bin]) --bin;
            while (bin + 1 < bins && x >= edges[bin + 1]) ++bin;
            counters.add(row * bins + bin);
        }
    });
    counters.finish(count);
}

struct Grid {
    DType dtype = DType::u8;
    const void* labels = nullptr;
    std::int64_t shape[3] = {};
    std::int64_t stride[3] = {};
    std::int64_t size = 0;
};

// Pairs of a sample and its neighbours on both sides, seen from the sample: each label of a pair has it once.
__global__ void count_crossings(Grid grid, DeviceNames names, std::int64_t count, Unsigned* counts) {
    const Counters counters = counters_of(counts, count);
    for (std::int64_t p = cuda::first_position(); p < grid.size; p += cuda::position_step()) {
        const std::int64_t x = p % grid.shape[2];
        const std::int64_t y = p / grid.shape[2] % grid.shape[1];
        const std::int64_t z = p / grid.shape[2] / grid.shape[1];
        const std::int64_t at = z * grid.stride[0] + y * grid.stride[1] + x * grid.stride[2];
        const auto label = cuda::load_sample<std::int64_t>(grid.labels, grid.dtype, at);
        const int row = names.find(label);
        if (row < 0) continue;
        for (int step = 0; step < 27; ++step) {
            const int dz = step / 9 - 1;
            const int dy = step / 3 % 3 - 1;
            const int dx = step % 3 - 1;
            const bool inside = z + dz >= 0 && z + dz < grid.shape[0] && y + dy >= 0 && y + dy < grid.shape[1] &&
                                x + dx >= 0 && x + dx < grid.shape[2];
            if (inside) {
                const std::int64_t there = at + dz * grid.stride[0] + dy * grid.stride[1] + dx * grid.stride[2];
                const auto other = cuda::load_sample<std::int64_t>(grid.labels, grid.dtype, there);
                if (other == label || names.find(other) == row) continue;
            }
            const int direction = step > 13 ? step - 14 : 12 - step;  // opposite steps have one
            counters.add(std::int64_t{row} * kDirections + direction);
        }
    }
    counters.finish(count);
}

// Blocks that go over so many samples: few enough for their counters in shared memory to pay.
cudaLaunchConfig_t counting_config(std::int64_t threads, std::int64_t count, cudaStream_t stream) {
    constexpr std::int64_t kBlocks = 2048;
    const unsigned blocks = cuda::grid_x(cuda::ceil_div(threads, cuda::kBlockThreads), kBlocks);
    return cuda::config(blocks, cuda::kBlockThreads, shared_for(count), stream);
}

std::vector<std::int64_t> fetched(const cuda::Scratch<Unsigned>& counts, const cuda::Exec& exec) {
    std::vector<Unsigned> found(counts.size());
    if (!found.empty()) cuda::fetch(found.data(), counts.data(), counts.size(), exec);
    return {found.begin(), found.end()};
}

}  // namespace
}  // namespace voxkern::regions

namespace voxkern {

std::vector<std::int64_t> cuda::region_histograms(const ConstArrayView& labels, const ConstArrayView& image,
                                                  const regions::Names& names, const std::vector<double>& edges,
                                                  const Exec& exec) {
    using namespace voxkern::regions;
    const auto bins = static_cast<std::int64_t>(edges.size()) - 1;
    const std::int64_t count = names.count() * bins;
    const auto counts = filled<Unsigned>(static_cast<std::size_t>(count), 0, exec);
    if (count == 0 || labels.size() == 0) return fetched(counts, exec);
    const Scratch<double> steps = upload(edges, exec);
    const NamesThere there(names, labels.dtype, exec);
    const Stretches all = stretches_of(labels, &image, false);
    launch("count_bins", counting_config(all.count * kWarp, count, exec.stream), count_bins, all, there.names(),
           steps.data(), bins, static_cast<double>(bins) / (edges.back() - edges.front()), count, counts.data());
    return fetched(counts, exec);
}

std::vector<std::int64_t> cuda::region_crossings(const ConstArrayView& labels, const regions::Names& names,
                                                 const Exec& exec) {
    using namespace voxkern::regions;
    const std::int64_t count = names.count() * kDirections;
    const auto counts = filled<Unsigned>(static_cast<std::size_t>(count), 0, exec);
    if (count == 0 || labels.size() == 0) return fetched(counts, exec);
    const NamesThere there(names, labels.dtype, exec);
    Grid grid;
    grid.dtype = labels.dtype;
    grid.labels = labels.data;
    grid.size = labels.size();
    std::copy_n(labels.shape, 3, grid.shape);
    std::copy_n(labels.strides, 3, grid.stride);
    launch("count_crossings", counting_config(grid.size, count, exec.stream), count_crossings, grid, there.names(),
           count, counts.data());
    return fetched(counts, exec);
}

}  // namespace voxkern

// SPDX-License-Identifier: Apache-2.0
// From an image, a mask and weights of any dtype and memory order to the samples the sweeps read.
#include "kernels/n4/n4_cuda_task.hpp"
#include "kernels/n4/n4_plan.hpp"

namespace voxkern::n4::gpu {
namespace {

struct Sources {
    ByAxis image;
    Region mask;
    ByAxis weights;
    Extents extents;
    bool itk;
};

// One sample, as mask, weights and its own value have it.
struct Sample {
    float value;
    float weight = 1.0F;
    bool bad_weight = false;
    bool inside;
    bool takes_part;

    __device__ Sample(const Sources& from, const Index& index) {
        inside = from.mask.inside(index);
        if (from.weights.data != nullptr) {
            weight = from.weights.at<float>(index);
            bad_weight = !(weight >= 0.0F && weight <= kHuge);
            inside = inside && weight > 0.0F;
        }
        value = from.image.at<float>(index);
        takes_part = inside && (from.itk || value > 0.0F);
    }
};

// Joins the counts of one thread, and then of one block, with those of all.
__device__ void add(Report& to, const Report& part) {
    const auto sum = [](unsigned long long& at, unsigned long long n) {
        if (n != 0) atomicAdd(&at, n);
    };
    sum(to.inside, part.inside);
    sum(to.voxels, part.voxels);
    sum(to.not_positive, part.not_positive);
    sum(to.not_finite, part.not_finite);
    sum(to.bad_weights, part.bad_weights);
    if (part.inside == 0) return;
    atomicMin(&to.first, part.first);
    for (int a = 0; a < 3; ++a) {
        atomicMin(&to.begin[a], part.begin[a]);
        atomicMax(&to.end[a], part.end[a]);
    }
}

struct BlockReport {
    Report report;
};

__global__ void survey(Sources from, Report* report) {
    Report& shared = cuda::block_shared<BlockReport>().report;
    if (threadIdx.x == 0) shared = Report();
    __syncthreads();
    Report own;
    for (std::int64_t p = cuda::first_position(); p < from.extents.size(); p += cuda::position_step()) {
        const Index index = from.extents.index(p);
        const Sample sample(from, index);
        own.bad_weights += sample.bad_weight ? 1 : 0;
        if (!sample.inside) continue;
        ++own.inside;
        own.voxels += sample.takes_part ? 1 : 0;
        own.not_positive += sample.value > 0.0F ? 0 : 1;
        own.not_finite += std::fabs(sample.value) <= kHuge ? 0 : 1;
        if (sample.takes_part && static_cast<unsigned long long>(p) < own.first) own.first = p;
        for (int a = 0; a < 3; ++a) {
            const auto i = static_cast<int>(index.of[a]);
            own.begin[a] = i < own.begin[a] ? i : own.begin[a];
            own.end[a] = i + 1 > own.end[a] ? i + 1 : own.end[a];
        }
    }
    add(shared, own);
    __syncthreads();
    if (threadIdx.x == 0) add(*report, shared);
}

struct BlockRange {
    int low;
    int high;
};

// Logarithms where samples take part, NaN elsewhere, and their range.
__global__ void take_logarithms(Sources from, float* log_image, float* weights, Report* report) {
    BlockRange& shared = cuda::block_shared<BlockRange>();
    if (threadIdx.x == 0) shared = {key_of(kHuge), key_of(-kHuge)};
    __syncthreads();
    int low = key_of(kHuge);
    int high = key_of(-kHuge);
    for (std::int64_t p = cuda::first_position(); p < from.extents.size(); p += cuda::position_step()) {
        const Index index = from.extents.index(p);
        const Sample sample(from, index);
        const float value = sample.value > 0.0F ? std::log(sample.value) : sample.value;
        log_image[p] = sample.takes_part ? value : NAN;
        if (weights != nullptr) weights[p] = sample.weight;
        if (!sample.takes_part) continue;
        const int key = key_of(value);
        high = key > high ? key : high;
        const bool skipped = from.itk && static_cast<unsigned long long>(p) == report->first;
        if (!skipped && key < low) low = key;
    }
    atomicMin(&shared.low, low);
    atomicMax(&shared.high, high);
    __syncthreads();
    if (threadIdx.x != 0) return;
    atomicMin(&report->low, shared.low);
    atomicMax(&report->high, shared.high);
}

}  // namespace

Report read_samples(const Samples& samples, const Options& options, float* log_image, float* weights,
                    const cuda::Exec& exec) {
    const MemoryOrder order = memory_order(samples.image);
    const Sources from = {by_axis(&samples.image, order), region_of(samples.mask, options.mask_label, order),
                          by_axis(samples.weights, order), extents_of(samples.image, order), options.itk};
    Report report;
    const cuda::Scratch<Report> device = cuda::upload(&report, 1, exec);
    const auto blocks = cuda::grid_x(cuda::ceil_div(from.extents.size(), cuda::kBlockThreads), kMostBlocks);
    const auto config = cuda::config(blocks, cuda::kBlockThreads, 0, exec.stream);
    cuda::launch("n4 survey", config, survey, from, device.data());
    cuda::launch("n4 take_logarithms", config, take_logarithms, from, log_image, weights, device.data());
    cuda::fetch(&report, device.data(), 1, exec);
    return report;
}

}  // namespace voxkern::n4::gpu

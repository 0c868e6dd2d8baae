// SPDX-License-Identifier: Apache-2.0
// normalise on the GPU: a thread per voxel.
#include "core/cuda/convert.hpp"
#include "core/cuda/exec.hpp"
#include "core/cuda/positions.hpp"
#include "kernels/normalise/normalise_math.hpp"
#include "kernels/normalise/normalise_plan.hpp"

namespace voxkern::normalise {
namespace {

struct Job {
    bool limits_alone = false;  // no line, and the dtypes agree
    DType out_dtype = DType::f32;
    DType mask_dtype = DType::u8;
    void* out = nullptr;
    const void* mask = nullptr;
    const double* line = nullptr;  // centre and scale in device memory
    const double* limits = nullptr;
    Options options;
    cuda::Positions<3> positions;  // of the result, the image and the mask
};

template <class T>
__global__ void normalise_voxels(const T* in, Job job) {
    Options o = job.options;
    bool numbers = true;
    if (job.line != nullptr) {
        o.centre = job.line[0];
        o.scale = job.line[1];
        numbers = o.centre == o.centre && o.scale == o.scale;
    }
    if (job.limits != nullptr) {
        o.low = job.limits[0];
        o.high = job.limits[1];
        numbers = numbers && o.low == o.low && o.high == o.high;
    }
    const Limits<T> limits(o);
    for (std::int64_t p = cuda::first_position(); p < job.positions.size; p += cuda::position_step()) {
        const auto offsets = job.positions.at(p);
        const std::int64_t to = offsets.of[0];
        const bool inside = cuda::is_inside(job.mask, job.mask_dtype, offsets.of[2]);
        if (!inside || !numbers) {
            const double value = inside ? static_cast<double>(NAN) : o.outside;
            cuda::store_sample<RoundSaturate>(job.out, job.out_dtype, to, value);
        } else if (job.limits_alone) {
            static_cast<T*>(job.out)[to] = limits(in[offsets.of[1]]);
        } else {
            const double value = value_of(as_double(in[offsets.of[1]]), o);
            cuda::store_sample<RoundSaturate>(job.out, job.out_dtype, to, value);
        }
    }
}

void run(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out, Job job,
         const cuda::Exec& exec) {
    if (out.size() == 0) return;
    const Options& o = job.options;
    job.positions = cuda::positions_of(walk_of(in, mask, out));
    job.limits_alone =
        in.dtype == out.dtype && job.line == nullptr && o.centre == 0.0 && o.scale == 1.0 && o.shift == 0.0;
    job.out = out.data;
    job.out_dtype = out.dtype;
    if (mask) {
        job.mask = mask->data;
        job.mask_dtype = mask->dtype;
    }
    visit(in.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        cuda::launch("normalise_voxels", cuda::config_for(job.positions.size, exec.stream), normalise_voxels<T>,
                     static_cast<const T*>(in.data), job);
    });
}

}  // namespace
}  // namespace voxkern::normalise

namespace voxkern::cuda {

void normalise(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out,
               const normalise::Options& options, const Exec& exec) {
    normalise::Job job;
    job.options = options;
    normalise::run(in, mask, out, job, exec);
}

void normalise_by(const ConstArrayView& in, const std::optional<ConstArrayView>& mask, const ArrayView& out,
                  const double* line, const double* limits, const Exec& exec) {
    normalise::Job job;
    job.line = line;
    job.limits = limits;
    normalise::run(in, mask, out, job, exec);
}

}  // namespace voxkern::cuda

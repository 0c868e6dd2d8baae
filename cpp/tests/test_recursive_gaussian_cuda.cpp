// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same recursion, equal to the bit where the level has FMA.
#include <algorithm>
#include <vector>

#include "core/cpu.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::recursive_gaussian::Options;

namespace {

// The driver's pool, which notes the largest piece that it gave.
struct Noting {
    cuda::Allocator pool = cuda::driver_pool();
    std::size_t largest = 0;

    cuda::Allocator allocator() {
        cuda::Allocator noting = pool;
        noting.context = this;
        noting.allocate = [](void* context, std::size_t bytes, cudaStream_t stream) {
            auto& self = *static_cast<Noting*>(context);
            self.largest = std::max(self.largest, bytes);
            return self.pool.allocate(self.pool.context, bytes, stream);
        };
        return noting;
    }
};

}  // namespace

TEST(recursive_gaussian_cuda, axes_and_modes) {
    const std::int64_t shape[] = {4, 3, 7};
    const std::vector<float> x = noise(84);
    const bool has_fma = active_level() == CpuLevel::v3 || active_level() == CpuLevel::v4;
    for (const Boundary mode : {Boundary::nearest, Boundary::constant, Boundary::mirror}) {
        const Options options = {{2, 0, 1}, {1.5, 0.7, 3.0}, mode, 0.5};
        std::vector<float> want(x.size());
        const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), shape);
        cpu::recursive_gaussian(erase_type(in), erase_type(contiguous_view<float, 3>(want.data(), shape)), options, {});
        in_every_order([&](const cuda::Exec& exec) {
            const auto device = cuda::upload(x, exec);
            const cuda::Scratch<float> out(x.size(), exec);
            const ArrayView from = erase_type(contiguous_view<float, 3>(device.data(), shape));
            const auto check = [&](const cuda::Scratch<float>& made) {
                const std::vector<float> got = download(made, exec.stream);
                for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], has_fma ? 0.0F : 1e-6F);
            };
            Noting noting;
            const cuda::Exec little = {exec.stream, noting.allocator(),
                                       5 * 7 * sizeof(float)};  // a few lines at a time
            cuda::recursive_gaussian(as_const(from), erase_type(contiguous_view<float, 3>(out.data(), shape)), options,
                                     little);
            check(out);
            EXPECT(noting.largest > 0 && noting.largest <= 5 * 7 * sizeof(float));
            cuda::recursive_gaussian(as_const(from), from, options, exec);  // in place
            check(device);
        });
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "kernels/morphology/morphology.hpp"

#include <vector>

#include "core/cpu.hpp"
#include "core/error.hpp"
#include "expect.hpp"

using namespace voxkern;

namespace {

morphology::Step box(std::vector<std::int64_t> shape, bool any) {
    morphology::Step step;
    std::int64_t size = 1;
    for (const std::int64_t n : shape) {
        step.centre.push_back(n / 2);
        size *= n;
    }
    step.shape = std::move(shape);
    step.structure.assign(static_cast<std::size_t>(size), true);
    step.any = any;
    return step;
}

}  // namespace

TEST(morphology, a_sample_grows_to_a_box_and_shrinks_back_at_every_level) {
    std::vector<std::uint8_t> x(9 * 40 * 200, 0);
    std::vector<std::uint8_t> y(x.size());
    const View<std::uint8_t, 3> in = contiguous_view<std::uint8_t, 3>(x.data(), {9, 40, 200});
    const View<std::uint8_t, 3> out = contiguous_view<std::uint8_t, 3>(y.data(), {9, 40, 200});
    in(4, 20, 64) = 7;
    morphology::Step grow = box({3, 3, 5}, true);
    grow.iterations = 2;
    Exec exec;
    exec.threads = 2;
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        cpu::morphology(as_const(erase_type(in)), nullptr, erase_type(out), {grow}, exec);
        std::int64_t count = 0;
        for (const std::uint8_t value : y) count += value;
        EXPECT(count == 5 * 5 * 9);
        EXPECT(out(2, 18, 60) == 1 && out(6, 22, 68) == 1 && out(4, 20, 59) == 0);
        morphology::Step shrink = box({5, 5, 9}, false);
        shrink.border = true;  // the steps may see different borders
        cpu::morphology(as_const(erase_type(in)), nullptr, erase_type(out), {grow, shrink}, exec);
        for (std::size_t i = 0; i < x.size(); ++i) EXPECT(y[i] == (x[i] != 0));
    }
}

TEST(morphology, what_is_not_in_the_mask_stays) {
    std::vector<float> x(130, 0.0F);
    const View<float, 1> in = contiguous_view<float, 1>(x.data(), {130});
    std::vector<std::uint8_t> m(130, 1);
    const View<std::uint8_t, 1> mask = contiguous_view<std::uint8_t, 1>(m.data(), {130});
    std::vector<std::int64_t> y(130);
    const View<std::int64_t, 1> out = contiguous_view<std::int64_t, 1>(y.data(), {130});
    x[3] = 1.0F;
    m[100] = 0;
    morphology::Step grow = box({3}, true);
    grow.iterations = 0;
    const ConstArrayView within = as_const(erase_type(mask));
    cpu::morphology(as_const(erase_type(in)), &within, erase_type(out), {grow}, {});
    for (std::size_t i = 0; i < 130; ++i) EXPECT(y[i] == (i < 100));
}

TEST(morphology, a_result_that_never_settles_is_refused) {
    std::vector<std::uint8_t> x(80, 0);
    const View<std::uint8_t, 1> in = contiguous_view<std::uint8_t, 1>(x.data(), {80});
    x[40] = 1;
    std::vector<std::uint8_t> y(80);
    const View<std::uint8_t, 1> out = contiguous_view<std::uint8_t, 1>(y.data(), {80});
    morphology::Step apart = box({3}, true);
    apart.structure[1] = false;
    apart.iterations = 0;
    EXPECT_THROWS(InvalidArgument, cpu::morphology(as_const(erase_type(in)), nullptr, erase_type(out), {apart}, {}));
}

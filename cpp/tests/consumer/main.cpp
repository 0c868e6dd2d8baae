// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <vector>

#include "kernels/resample/resample.hpp"

int main() {
    const std::vector<float> x = {0.0F, 10.0F, 20.0F};
    std::vector<float> y(5);
    voxkern::resample::Options options;
    options.kernel.order = 1;
    voxkern::cpu::resample(voxkern::erase_type(voxkern::contiguous_view<const float, 1>(x.data(), {3})),
                           voxkern::erase_type(voxkern::contiguous_view<float, 1>(y.data(), {5})),
                           {{{0.0, 0.5, 1.0, 1.5, 2.0}}}, options, {});
    for (const float value : y) std::printf("%g ", static_cast<double>(value));
    std::printf("\n");
    return y[1] == 5.0F && y[3] == 15.0F ? 0 : 1;
}

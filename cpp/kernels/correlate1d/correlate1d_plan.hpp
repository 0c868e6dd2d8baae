// SPDX-License-Identifier: Apache-2.0
// What a pass needs to know before it starts, on either back end.
#pragma once

#include "core/fir.hpp"
#include "kernels/correlate1d/correlate1d.hpp"
#include "kernels/correlate1d/correlate1d_task.hpp"

namespace voxkern::correlate1d {

// One pass over lines of n samples, in the compute type C.
template <class C>
struct Plan {
    Plan(const AxisFilter& filter, std::int64_t n);

    bool running;            // a mean of so many samples that sums are shared between neighbours
    std::vector<C> weights;  // none where running
    FilterSymmetry symmetry;
    C divisor;
    C cval;
    Surplus surplus;
    std::int64_t before;                  // samples of extension ahead of the line
    std::int64_t after;                   // and behind it
    std::vector<std::int64_t> extension;  // before + after sample indices, kOutside for cval

  private:
    void take_out_surplus(std::int64_t n, Boundary mode);
};

// Whether a pass from one dtype to another may compute in float32.
bool computes_in_f32(DType in, DType out, const AxisFilter& filter);

// Rough steps of all passes, for limited_to_work().
std::int64_t work_of(const ConstArrayView& in, const std::vector<AxisFilter>& filters);

}  // namespace voxkern::correlate1d

// SPDX-License-Identifier: Apache-2.0
// What a pass needs to know before it starts, on either back end.
#pragma once

#include "kernels/recursive_gaussian/recursive_gaussian.hpp"
#include "kernels/recursive_gaussian/recursive_gaussian_task.hpp"

namespace voxkern::recursive_gaussian {

bool computes_in_f32(DType in, DType out);

// What is constant beyond the ends has settled: one sample of it is enough.
bool is_settled(Boundary mode);

// Samples after which a recursion in C has forgotten where it started.
template <class C>
std::int64_t run_in_of(double sigma);

template <class C>
void make_poles(double sigma, Pole<C> (&poles)[2]);

}  // namespace voxkern::recursive_gaussian

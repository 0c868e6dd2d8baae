// SPDX-License-Identifier: Apache-2.0
// Row loops of label, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "core/words.hpp"
#include "kernels/label/label_task.hpp"

namespace voxkern::label {
namespace VOXKERN_LEVEL {
namespace {

// clang-format off: each file needs those above it
#include "core/simd/stride.inl.hpp"
#include "core/simd/mask.inl.hpp"
#include "core/simd/bits.inl.hpp"
// clang-format on

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {bits};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::label

// SPDX-License-Identifier: Apache-2.0
// Everything a kernel's row loops build on. Included once per level unit, inside an unnamed namespace of the level,
// so that every symbol stays private to that unit. The unit includes core/simd/intrinsics.hpp before it opens one.

// clang-format off: each file needs those above it
#include "core/simd/vec.inl.hpp"
#include "core/simd/convert.inl.hpp"
#include "core/simd/transpose.inl.hpp"
#include "core/simd/tile.inl.hpp"
#include "core/simd/fir.inl.hpp"
#include "core/simd/interpolate.inl.hpp"
#include "core/simd/prefilter.inl.hpp"
// clang-format on

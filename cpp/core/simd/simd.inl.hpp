// SPDX-License-Identifier: Apache-2.0
// Everything a kernel's row loops build on, in dependency order. Included once per level unit,
// inside an unnamed namespace of the level, so that every symbol stays private to that unit.
#include "core/simd/vec.inl.hpp"
//
#include "core/simd/convert.inl.hpp"
#include "core/simd/transpose.inl.hpp"
//
#include "core/simd/tile.inl.hpp"
//
#include "core/simd/fir.inl.hpp"

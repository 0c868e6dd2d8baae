// SPDX-License-Identifier: Apache-2.0
// What a level unit includes before it opens its namespace.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "core/cast.hpp"
#include "core/fir.hpp"
#include "core/lines.hpp"
#include "core/picks.hpp"
#include "core/prefilter.hpp"

// SPDX-License-Identifier: Apache-2.0
// Tiles of dense, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/dense/dense_math.hpp"
#include "kernels/dense/dense_task.hpp"

namespace voxkern::dense {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/simd.inl.hpp"

constexpr std::int64_t kLanes = kVec<float>;

// --- matrix product: a tile is kRows rows by two vectors, which with two weights and a sample fill the registers ---

#if defined(__AVX512F__)
constexpr int kRows = 12;
#elif defined(__AVX__)
constexpr int kRows = 6;
#else
constexpr int kRows = 4;
#endif
constexpr std::int64_t kColumns = 2 * kLanes;
constexpr std::int64_t kPackedRows = 8;
constexpr std::int64_t kPackedTerms = 64;

void pack_weight(const Matrix& weight, std::int64_t n, std::int64_t k, float* packed) {
    if (n < kColumns) fill_row(packed, 0.0F, k * kColumns);
    if (weight.column_stride == 1) {  // piece by piece: rows that lie a power of two apart share few places in L1
        for (std::int64_t t = 0; t < k; t += kPackedTerms) {
            for (std::int64_t j = 0; j < n; j += kPackedRows) {
                transpose(weight.data + j * weight.row_stride + t, weight.row_stride, packed + t * kColumns + j,
                          kColumns, n - j < kPackedRows ? n - j : kPackedRows,
                          k - t < kPackedTerms ? k - t : kPackedTerms);
            }
        }
        return;
    }
    for (std::int64_t t = 0; t < k; ++t) {
        const float* const from = weight.data + t * weight.column_stride;
        for (std::int64_t j = 0; j < n; ++j) packed[t * kColumns + j] = from[j * weight.row_stride];
    }
}

void pack_rows(const float* in, const std::int64_t* at, std::int64_t stride, std::int64_t n, std::int64_t k,
               float* packed) {
    if (n < kRows) fill_row(packed, 0.0F, k * kRows);
    for (std::int64_t i = 0; i < n; ++i) {
        const float* const from = in + at[i];
        for (std::int64_t t = 0; t < k; ++t) packed[t * kRows + i] = from[t * stride];
    }
}

void multiply(const float* rows, const float* weights, std::int64_t k, const float* start, const std::int64_t* start_at,
              float* out, const std::int64_t* out_at) {
    Vec<float> sums[kRows][2];
    for (int i = 0; i < kRows; ++i) sums[i][0] = sums[i][1] = Vec<float>{};
    for (std::int64_t t = 0; t < k; ++t) {
        const Vec<float> left = load(weights);
        const Vec<float> right = load(weights + kLanes);
        for (int i = 0; i < kRows; ++i) {
            const Vec<float> sample = splat(rows[i]);
            sums[i][0] = madd(sample, left, sums[i][0]);
            sums[i][1] = madd(sample, right, sums[i][1]);
        }
        rows += kRows;
        weights += kColumns;
    }
    for (int i = 0; i < kRows; ++i) {
        for (int half = 0; half < 2; ++half) {
            store(out + out_at[i] + half * kLanes, load(start + start_at[i] + half * kLanes) + sums[i][half]);
        }
    }
}

// A value the compiler knows nothing about, in a register.
inline Vec<float> unknown(Vec<float> value) {
#if defined(__AVX512F__)
    asm volatile("" : "+v"(value));
#elif defined(__SSE2__)
    asm volatile("" : "+x"(value));
#endif
    return value;
}

// As many sums as a tile has, of samples that never leave their register.
std::int64_t fma_loop(std::int64_t steps) {
    Vec<float> sums[kRows][2];
    for (int i = 0; i < kRows; ++i) sums[i][0] = sums[i][1] = Vec<float>{};
    for (int i = 0; i < kRows; ++i) {
        for (int half = 0; half < 2; ++half) sums[i][half] = unknown(sums[i][half]);
    }
    const Vec<float> sample = unknown(splat(0.5F));
    for (std::int64_t t = 0; t < steps; ++t) {
        for (int i = 0; i < kRows; ++i) {
            for (int half = 0; half < 2; ++half) sums[i][half] = madd(sums[i][half], sample, sample);
        }
    }
    Vec<float> total = {};
    for (int i = 0; i < kRows; ++i) total += sums[i][0] + sums[i][1];
    return total[0] < 0.0F ? 0 : steps * kRows * 2 * kLanes;  // the sums are needed
}

inline float sum_of(Vec<float> v) {
    float lanes[kLanes];
    store(lanes, v);
    float sum = 0.0F;
    for (std::int64_t i = 0; i < kLanes; ++i) sum += lanes[i];
    return sum;
}

float dot(const float* a, const float* b, std::int64_t k) {
    Vec<float> sums[4] = {};
    std::int64_t t = 0;
    for (; t + 4 * kLanes <= k; t += 4 * kLanes) {
        for (int i = 0; i < 4; ++i) sums[i] = madd(load(a + t + i * kLanes), load(b + t + i * kLanes), sums[i]);
    }
    for (; t + kLanes <= k; t += kLanes) sums[0] = madd(load(a + t), load(b + t), sums[0]);
    float rest = 0.0F;
    for (; t < k; ++t) rest = madd(a[t], b[t], rest);
    return sum_of((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
}

// --- lines: a row of a tile holds one sample of each line, so that lines lie in lanes ---

typedef std::int32_t Integers __attribute__((vector_size(VOXKERN_VEC_BYTES)));

// e^x for x of 0 and below; NaN stays.
inline Vec<float> exp_of(Vec<float> x) {
    using E = Exponential;
    const Vec<float> whole = splat(E::kWhole);
    const Vec<float> shifted = madd(x, splat(E::kPerLn2), whole);
    const Vec<float> n = shifted - whole;
    Vec<float> r = madd(n, splat(E::kLn2High), x);
    r = madd(n, splat(E::kLn2Low), r);
    Vec<float> p = madd(r, splat(E::k4), splat(E::k3));
    p = madd(r, p, splat(E::k2));
    p = madd(r, p, splat(E::k1));
    p = madd(r, p, splat(E::k0));
    const Vec<float> power = madd(r * r, p, r) + 1.0F;
    const Integers exponent = ((Integers)shifted - (Integers)whole + 127) << 23;
    return x < E::kLeast ? Vec<float>{} : power * (Vec<float>)exponent;
}

// Fills the tile and returns its width, a whole number of vectors.
inline std::int64_t load_lines(const Lines& lines, const TilePosition& at, float* tile, float* rows) {
    const std::int64_t width = round_up(at.lanes, kRowAlign<float>);
    load_tile(lines.in, at.in_offset, lines.transposed, lines.length, at.lanes, tile, width, rows);
    return width;
}

void store_lines(const Lines& lines, const TilePosition& at, const float* tile, std::int64_t width, float* rows) {
    const std::int64_t n = lines.length;
    const LineSide& to = lines.out;
    float* const first = reinterpret_cast<float*>(to.base) + at.out_offset;
    if (lines.transposed && to.step == 1 && at.lanes == width) {
        transpose(tile, width, first, to.lane, n, width);
    } else if (lines.transposed) {
        transpose(tile, width, rows, n, n, width);
        for (std::int64_t l = 0; l < at.lanes; ++l) {
            for (std::int64_t i = 0; i < n; ++i) first[l * to.lane + i * to.step] = rows[l * n + i];
        }
    } else {
        for (std::int64_t i = 0; i < n; ++i) {
            float* const row = first + i * to.step;
            if (to.lane == 1) {
                __builtin_memcpy(row, tile + i * width, static_cast<std::size_t>(at.lanes) * sizeof(float));
            } else {
                for (std::int64_t l = 0; l < at.lanes; ++l) row[l * to.lane] = tile[i * width + l];
            }
        }
    }
}

// Some neighbouring vectors of lines, with what belongs to each line in registers.
template <int kWide>
inline void softmax_columns(float* tile, std::int64_t width, std::int64_t n) {
    Vec<float> largest[kWide];
    Vec<float> sums[kWide];
    for (int k = 0; k < kWide; ++k) {
        largest[k] = load(tile + k * kLanes);
        sums[k] = Vec<float>{};
    }
    for (std::int64_t i = 1; i < n; ++i) {
        for (int k = 0; k < kWide; ++k) {
            const Vec<float> x = load(tile + i * width + k * kLanes);
            largest[k] = x > largest[k] ? x : largest[k];
        }
    }
    for (std::int64_t i = 0; i < n; ++i) {
        for (int k = 0; k < kWide; ++k) {
            float* const at = tile + i * width + k * kLanes;
            const Vec<float> e = exp_of(load(at) - largest[k]);
            store(at, e);
            sums[k] += e;
        }
    }
    for (int k = 0; k < kWide; ++k) sums[k] = 1.0F / sums[k];
    for (std::int64_t i = 0; i < n; ++i) {
        for (int k = 0; k < kWide; ++k) {
            float* const at = tile + i * width + k * kLanes;
            store(at, load(at) * sums[k]);
        }
    }
}

void softmax_tile(const Lines& lines, const TilePosition& at, float* tile, float* rows) {
    const std::int64_t width = load_lines(lines, at, tile, rows);
    std::int64_t l = 0;
    for (; l + 4 * kLanes <= width; l += 4 * kLanes) softmax_columns<4>(tile + l, width, lines.length);
    for (; l < width; l += kLanes) softmax_columns<1>(tile + l, width, lines.length);
    store_lines(lines, at, tile, width, rows);
}

void argmax_tile(const Lines& lines, const TilePosition& at, float* tile, float* rows) {
    const std::int64_t width = load_lines(lines, at, tile, rows);
    float* const largest = rows;
    auto* const places = reinterpret_cast<std::int32_t*>(rows + width);
    __builtin_memcpy(largest, tile, static_cast<std::size_t>(width) * sizeof(float));
    __builtin_memset(places, 0, static_cast<std::size_t>(width) * sizeof(std::int32_t));
    for (std::int64_t i = 1; i < lines.length; ++i) {
        const float* const row = tile + i * width;
        const Integers here = Integers{} + static_cast<std::int32_t>(i);
        for (std::int64_t l = 0; l < width; l += kLanes) {
            const Vec<float> x = load(row + l);
            const Vec<float> before = load(largest + l);
            const Integers larger = (x > before) | ((x != x) & (before == before));
            Integers place;
            __builtin_memcpy(&place, places + l, sizeof(place));
            place = larger ? here : place;
            __builtin_memcpy(places + l, &place, sizeof(place));
            store(largest + l, larger ? x : before);
        }
    }
    auto* const out = reinterpret_cast<std::int64_t*>(lines.out.base) + at.out_offset;
    for (std::int64_t l = 0; l < at.lanes; ++l) out[l * lines.out.lane] = places[l];
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {{kRows, kColumns}, pack_weight, pack_rows,    multiply,
                                  fma_loop,          dot,         softmax_tile, argmax_tile};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::dense

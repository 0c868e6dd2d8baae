// SPDX-License-Identifier: Apache-2.0
// Row loops of conv3d, compiled once per ISA level inside that level's namespace.
#include "core/simd/intrinsics.hpp"
#include "kernels/conv3d/conv3d_task.hpp"
#include "kernels/conv3d/conv3d_winograd.hpp"

namespace voxkern::conv3d {
namespace VOXKERN_LEVEL {
namespace {

#include "core/simd/vec.inl.hpp"

using F = Vec<float>;
constexpr std::int64_t V = kVec<float>;

// A value the compiler knows nothing about: it stays in a register, and loops over it are no library calls.
inline F held(F value) {
#if defined(__AVX512F__)
    asm("" : "+v"(value));
#elif defined(__SSE2__)
    asm("" : "+x"(value));
#endif
    return value;
}

// --- rows into scratch -----------------------------------------------------------------------------------------

// Rows are short: calls of the C library would take as long as the copy. The last vector overlaps the one before.
inline void clear(float* to, std::int64_t n) {
    const F zero = held(splat(0.0F));
    if (n >= V) {
        for (std::int64_t i = 0; i + V <= n; i += V) store(to + i, zero);
        store(to + n - V, zero);
    } else {
        for (std::int64_t i = 0; i < n; ++i) to[i] = zero[0];
    }
}

inline void fetch(const float* from, std::int64_t ahead) {
    __builtin_prefetch(
        reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from) + static_cast<std::uintptr_t>(4 * ahead)));
}

inline void gather(const float* VOXKERN_RESTRICT from, std::int64_t step, float* VOXKERN_RESTRICT to, std::int64_t n,
                   std::int64_t ahead) {
    if (step == 1 && n >= V) {
        for (std::int64_t i = 0; i + V <= n; i += V) {
            if (ahead != 0) fetch(from + i, ahead);
            store(to + i, held(load(from + i)));
        }
        store(to + n - V, load(from + n - V));
    } else if (step == 1) {
        for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
    } else if (step == 2) {
        for (std::int64_t i = 0; i < n; ++i) to[i] = from[2 * i];
    } else {
        for (std::int64_t i = 0; i < n; ++i) to[i] = from[step * i];
    }
}

inline std::int64_t within(std::int64_t value, std::int64_t most) {
    return value < 0 ? 0 : value < most ? value : most;
}

void copy_rows(const CopyRows& rows) {
    for (std::int64_t f = 0; f < rows.phases; ++f) {
        // Samples [begin, end) lie inside the input.
        const std::int64_t first = rows.first + rows.phase[f];
        const std::int64_t ahead = first < 0 ? (-first + rows.stride - 1) / rows.stride : 0;
        const std::int64_t behind = rows.width > first ? (rows.width - first + rows.stride - 1) / rows.stride : 0;
        const std::int64_t begin = rows.in != nullptr ? within(ahead, rows.length) : rows.length;
        const std::int64_t end = rows.in != nullptr ? within(behind, rows.length) : rows.length;
        float* to = rows.out + f * rows.out_phase;
        if (begin >= end) {
            for (std::int64_t c = 0; c < rows.channels; ++c) clear(to + c * rows.out_channel, rows.length);
            continue;
        }
        const float* from = rows.in + (first + begin * rows.stride) * rows.in_x;
        for (std::int64_t c = 0; c < rows.channels; ++c) {
            clear(to, begin);
            gather(from, rows.stride * rows.in_x, to + begin, end - begin, rows.ahead);
            clear(to + end, rows.length - end);
            from += rows.in_channel;
            to += rows.out_channel;
        }
    }
}

// Loops over sums in registers: left to itself, GCC unrolls the innermost ones too late to keep the sums there.
#if defined(__clang__)
#define VOXKERN_UNROLLED _Pragma("unroll")
#elif defined(__GNUC__)
#define VOXKERN_UNROLLED _Pragma("GCC unroll 12")
#else
#define VOXKERN_UNROLLED
#endif

// --- products --------------------------------------------------------------------------------------------------

// A part of rows and channels.
struct Chain {
    const float* const* rows;
    std::int64_t row_count;
    std::int64_t first_channel;
    std::int64_t channels;
    const float* weights;
    bool first;  // of all: sums are set, not added to
};

// Its sums for C output channels from `block` on and X vectors from number j on, in registers throughout.
template <int C, int X>
inline void tile(const Products& p, const Chain& part, std::int64_t block, std::int64_t j) {
    F sum[C][X];
    VOXKERN_UNROLLED
    for (int c = 0; c < C; ++c) {
        VOXKERN_UNROLLED
        for (int v = 0; v < X; ++v) sum[c][v] = splat(0.0F);
    }
    const float* w = part.weights + block;
    for (std::int64_t r = 0; r < part.row_count; ++r) {
        const float* from[X];
        VOXKERN_UNROLLED
        for (int v = 0; v < X; ++v) from[v] = part.rows[r] + p.in_at[j + v];
        std::int64_t shift = part.first_channel * p.channel_step;
        for (std::int64_t i = 0; i < part.channels; ++i) {
            for (std::int64_t t = 0; t < p.taps; ++t) {
                const std::int64_t at = shift + p.offsets[t];
                F in[X];
                for (int v = 0; v < X; ++v) in[v] = load(from[v] + at);
                for (int c = 0; c < C; ++c) {
                    const F weight = held(splat(w[c]));  // loaded once for all vectors it meets
                    for (int v = 0; v < X; ++v) sum[c][v] = madd(weight, in[v], sum[c][v]);
                }
                w += p.block;
            }
            shift += p.channel_step;
        }
    }
    VOXKERN_UNROLLED
    for (int c = 0; c < C; ++c) {
        VOXKERN_UNROLLED
        for (int v = 0; v < X; ++v) {
            float* to = p.sums + (block + c) * p.sums_step + p.sums_at[j + v];
            store(to, part.first ? sum[c][v] : load(to) + sum[c][v]);
        }
    }
}

// All output channels of a block, C at a time, for X vectors at a time and what is left of them.
template <int C, int X>
void all_tiles(const Products& p, const Chain& part, std::int64_t j) {
    for (; j + X <= p.vectors; j += X) {
        for (std::int64_t block = 0; block + C <= p.block; block += C) tile<C, X>(p, part, block, j);
    }
    if constexpr (X > 1) {
        if (j < p.vectors) all_tiles<C, X / 2>(p, part, j);
    }
}

// One chain after the other: its weights stay in L1 while all vectors meet them.
template <int C, int X>
void all_chains(const Products& p) {
    bool first = true;
    for (std::int64_t r = 0; r < p.row_count; r += p.chain_rows) {
        const std::int64_t rows = p.row_count - r < p.chain_rows ? p.row_count - r : p.chain_rows;
        for (std::int64_t i = 0; i < p.channels; i += p.chain_channels) {
            const std::int64_t channels = p.channels - i < p.chain_channels ? p.channels - i : p.chain_channels;
            const float* w = p.weights + (r * p.channels + i) * p.taps * p.block;
            all_tiles<C, X>(p, {p.rows + r, rows, i, channels, w, first}, 0);
            first = false;
        }
    }
}

// As many sums as the registers hold: 32 with AVX-512, else 16, of which multiplication without FMA takes one more.
void multiply(const Products& p) {
    if (p.row_count == 0 || p.channels == 0 || p.taps == 0) {
        for (std::int64_t c = 0; c < p.block; ++c) {
            for (std::int64_t j = 0; j < p.vectors; ++j) clear(p.sums + c * p.sums_step + p.sums_at[j], V);
        }
        return;
    }
#if defined(__AVX512F__)
    switch (p.block) {
        case 12: all_chains<12, 2>(p); return;
        case 8: all_chains<8, 2>(p); return;
        case 4: all_chains<4, 4>(p); return;
        case 2: all_chains<2, 4>(p); return;
        default: all_chains<1, 4>(p); return;
    }
#elif defined(__FMA__) || defined(__aarch64__)
    switch (p.block) {
        case 12: all_chains<6, 2>(p); return;
        case 8:
        case 4: all_chains<4, 2>(p); return;
        case 2: all_chains<2, 4>(p); return;
        default: all_chains<1, 4>(p); return;
    }
#else
    switch (p.block) {
        case 12:
        case 8:
        case 4: all_chains<4, 2>(p); return;
        case 2: all_chains<2, 4>(p); return;
        default: all_chains<1, 4>(p); return;
    }
#endif
}

// kRows rows of X vectors. Sample row r meets weight row i in the sums of row r - i.
template <int X>
inline void depthwise_tile(const Depthwise& d, std::int64_t y, std::int64_t x) {
    constexpr int kRows = Depthwise::kRows;
    F sum[kRows][X];
    VOXKERN_UNROLLED
    for (int k = 0; k < kRows; ++k) {
        VOXKERN_UNROLLED
        for (int v = 0; v < X; ++v) sum[k][v] = splat(0.0F);
    }
    for (std::int64_t j = 0; j < d.plane_count; ++j) {
        for (std::int64_t t = 0; t < d.taps; ++t) {
            const float* from = d.planes[j] + y * d.row_step + x + d.offsets[t];
            const float* w = d.weights + 3 * j * d.taps + t;
            const F weight[3] = {splat(w[0]), splat(w[d.taps]), splat(w[2 * d.taps])};
            for (int r = 0; r < kRows + 2; ++r) {
                F in[X];
                for (int v = 0; v < X; ++v) in[v] = load(from + r * d.row_step + v * V);
                for (int i = 0; i < 3; ++i) {
                    if (r - i < 0 || r - i >= kRows) continue;
                    for (int v = 0; v < X; ++v) sum[r - i][v] = madd(weight[i], in[v], sum[r - i][v]);
                }
            }
        }
    }
    VOXKERN_UNROLLED
    for (int k = 0; k < kRows; ++k) {
        VOXKERN_UNROLLED
        for (int v = 0; v < X; ++v) store(d.sums + (y + k) * d.row_step + x + v * V, sum[k][v]);
    }
}

void depthwise(const Depthwise& d) {
    for (std::int64_t y = 0; y < d.rows; y += Depthwise::kRows) {
        std::int64_t x = 0;
        for (; x + V < d.length; x += 2 * V) depthwise_tile<2>(d, y, x);
        for (; x < d.length; x += V) depthwise_tile<1>(d, y, x);
    }
}

// --- Winograd's transforms, one axis at a time -----------------------------------------------------------------

// Points 0, 1, -1 and infinity.
inline void forward_f23(const float* const* in, float* to, std::int64_t step, std::int64_t n) {
    for (std::int64_t x = 0; x < n; x += V) {
        const F d0 = load(in[0] + x);
        const F d1 = load(in[1] + x);
        const F d2 = load(in[2] + x);
        const F d3 = load(in[3] + x);
        store(to + x, d2 - d0);
        store(to + step + x, d1 + d2);
        store(to + 2 * step + x, d2 - d1);
        store(to + 3 * step + x, d3 - d1);
    }
}

inline void inverse_f23(const float* const* in, float* to, std::int64_t step, std::int64_t n) {
    for (std::int64_t x = 0; x < n; x += V) {
        const F m1 = load(in[1] + x);
        const F m2 = load(in[2] + x);
        store(to + x, load(in[0] + x) + (m1 + m2));
        store(to + step + x, (m1 - m2) + load(in[3] + x));
    }
}

// Points 0, a, -a, b, -b and infinity: README.md.
inline void forward_six(const float* const* in, float* to, std::int64_t step, std::int64_t n) {
    const F a = splat(kPointA);
    const F b = splat(kPointB);
    const F minus_a2 = splat(-kPointA * kPointA);
    const F minus_b2 = splat(-kPointB * kPointB);
    const F minus_sum = minus_a2 + minus_b2;
    const F product = minus_a2 * minus_b2;
    for (std::int64_t x = 0; x < n; x += V) {
        const F d1 = load(in[1] + x);
        const F d2 = load(in[2] + x);
        const F d3 = load(in[3] + x);
        const F d4 = load(in[4] + x);
        const F even_a = madd(minus_b2, d2, d4);
        const F odd_a = a * madd(minus_b2, d1, d3);
        const F even_b = madd(minus_a2, d2, d4);
        const F odd_b = b * madd(minus_a2, d1, d3);
        store(to + x, madd(product, load(in[0] + x), madd(minus_sum, d2, d4)));
        store(to + step + x, even_a + odd_a);
        store(to + 2 * step + x, even_a - odd_a);
        store(to + 3 * step + x, even_b + odd_b);
        store(to + 4 * step + x, even_b - odd_b);
        store(to + 5 * step + x, madd(product, d1, madd(minus_sum, d3, load(in[5] + x))));
    }
}

template <int Results>
void inverse_six(const float* const* in, float* to, std::int64_t step, std::int64_t n) {
    const F a = splat(kPointA);
    const F b = splat(kPointB);
    const F a2 = a * a;
    const F b2 = b * b;
    for (std::int64_t x = 0; x < n; x += V) {
        const F ma = load(in[1] + x);
        const F mb = load(in[3] + x);
        const F na = load(in[2] + x);
        const F nb = load(in[4] + x);
        const F even_a = ma + na;
        const F odd_a = a * (ma - na);
        const F even_b = mb + nb;
        const F odd_b = b * (mb - nb);
        const F last = load(in[5] + x);
        store(to + x, load(in[0] + x) + (even_a + even_b));
        if constexpr (Results == 2) {
            store(to + step + x, (odd_a + odd_b) + last);
        } else {
            store(to + step + x, odd_a + odd_b);
            store(to + 2 * step + x, madd(a2, even_a, b2 * even_b));
            store(to + 3 * step + x, madd(a2, odd_a, madd(b2, odd_b, last)));
        }
    }
}

void forward(Kind kind, const float* const* in, std::int64_t count, float* to, std::int64_t step, std::int64_t n) {
    switch (kind) {
        case Kind::f23: forward_f23(in, to, step, n); return;
        case Kind::f43:
        case Kind::f25: forward_six(in, to, step, n); return;
        default:
            for (std::int64_t k = 0; k < count; ++k) {
                for (std::int64_t x = 0; x < n; x += V) store(to + k * step + x, load(in[k] + x));
            }
    }
}

void inverse(Kind kind, const float* const* in, std::int64_t count, float* to, std::int64_t step, std::int64_t n) {
    switch (kind) {
        case Kind::f23: inverse_f23(in, to, step, n); return;
        case Kind::f43: inverse_six<4>(in, to, step, n); return;
        case Kind::f25: inverse_six<2>(in, to, step, n); return;
        default:
            for (std::int64_t x = 0; x < n; x += V) {
                F sum = load(in[0] + x);
                for (std::int64_t k = 1; k < count; ++k) sum += load(in[k] + x);
                store(to + x, sum);
            }
    }
}

// --- rows on their way out -------------------------------------------------------------------------------------

void weave(const float* VOXKERN_RESTRICT sums, std::int64_t step, std::int64_t results, std::int64_t n,
           float* VOXKERN_RESTRICT to) {
    if (results == 2) {
        for (std::int64_t x = 0; 2 * x < n; ++x) {
            to[2 * x] = sums[x];
            to[2 * x + 1] = sums[step + x];
        }
        return;
    }
    for (std::int64_t r = 0; r < results; ++r) {
        for (std::int64_t x = 0; results * x < n; ++x) to[results * x + r] = sums[r * step + x];
    }
}

inline F ended(F value, const Rows& rows, F slope) {
    if (rows.activation == Activation::none) return value;
    const F below = rows.activation == Activation::relu ? splat(0.0F) : slope * value;
    return value < splat(0.0F) ? below : value;
}

inline float ended(float value, const Rows& rows) {
    if (rows.activation == Activation::none || !(value < 0.0F)) return value;
    return rows.activation == Activation::relu ? 0.0F : rows.slope * value;
}

// A store past the caches, to an address that is a multiple of a vector's size.
inline void stream(float* to, F value) {
#if defined(__AVX512F__)
    _mm512_stream_ps(to, value);
#elif defined(__AVX__)
    _mm256_stream_ps(to, value);
#elif defined(__SSE2__)
    _mm_stream_ps(to, value);
#else
    store(to, value);
#endif
}

// What a row adds to the tally of its channel.
struct RowTally {
    F centre;
    F sums = {};
    F squares = {};

    void add(F value) {
        const F apart = value - centre;
        sums += apart;
        squares = madd(apart, apart, squares);
    }
    void add(float value, Tally& tally) const {
        const auto apart = static_cast<double>(value - centre[0]);
        tally.sums[0] += apart;
        tally.squares[0] += apart * apart;
    }
    void close(Tally& tally, std::int64_t length) const {
        float lanes[2][V];
        store(lanes[0], sums);
        store(lanes[1], squares);
        for (std::int64_t i = 0; i < V; ++i) {
            tally.sums[i] += static_cast<double>(lanes[0][i]);
            tally.squares[i] += static_cast<double>(lanes[1][i]);
        }
        tally.count += static_cast<double>(length);
    }
};

// One row: its sums, and where it goes.
struct Row {
    const float* sums;
    float bias;
    const float* residual;
    float* out;
    Tally* tally;
};

// Results [x, end) of a row, one by one.
template <bool kTallied>
inline void finish_each(const Rows& rows, const Row& row, const RowTally& tally, std::int64_t x, std::int64_t end) {
    for (; x < end; ++x) {
        float value = row.sums[x] + row.bias;
        if (row.residual != nullptr) value += row.residual[x * rows.residual_x];
        value = ended(value, rows);
        if constexpr (kTallied) tally.add(value, *row.tally);
        row.out[x * rows.out_x] = value;
    }
}

template <bool kTallied>
inline void finish_row(const Rows& rows, const Row& row) {
    RowTally tally = {splat(kTallied ? row.tally->centre : 0.0F)};
    std::int64_t x = 0;
    if (rows.out_x == 1 && (row.residual == nullptr || rows.residual_x == 1)) {
        if (rows.streaming) {  // only whole vectors go past the caches
            const std::int64_t past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(row.out) / 4 % V);
            x = past == 0 ? 0 : V - past < rows.length ? V - past : rows.length;
            finish_each<kTallied>(rows, row, tally, 0, x);
        }
        const F added = splat(row.bias);
        const F slope = splat(rows.slope);
        for (; x + V <= rows.length; x += V) {
            F value = load(row.sums + x) + added;
            if (row.residual != nullptr) value += load(row.residual + x);
            value = ended(value, rows, slope);
            if constexpr (kTallied) tally.add(value);
            if (rows.streaming) {
                stream(row.out + x, value);
            } else {
                store(row.out + x, value);
            }
        }
    }
    finish_each<kTallied>(rows, row, tally, x, rows.length);
    if constexpr (kTallied) tally.close(*row.tally, rows.length);
}

void finish(const Rows& rows) {
    Row row = {rows.sums, 0.0F, rows.residual, rows.out, rows.tally};
    const float* sums = rows.sums;
    for (std::int64_t r = 0; r < rows.count; ++r) {
        row.sums = sums;
        row.bias = rows.bias[r * rows.bias_step];
        if (rows.results > 1) {
            weave(sums, rows.results_step, rows.results, rows.length, rows.woven);
            row.sums = rows.woven;
        }
        if (rows.tally != nullptr) {
            finish_row<true>(rows, row);
            row.tally += rows.tally_step;
        } else {
            finish_row<false>(rows, row);
        }
        sums += rows.sums_step;
        row.out += rows.out_step;
        if (row.residual != nullptr) row.residual += rows.residual_step;
    }
}

void fence() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

}  // namespace

const Ops& ops() {
    static constexpr Ops table = {V, copy_rows, multiply, depthwise, forward, inverse, finish, fence};
    return table;
}

}  // namespace VOXKERN_LEVEL
}  // namespace voxkern::conv3d

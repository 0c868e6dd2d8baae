// SPDX-License-Identifier: Apache-2.0
// The weighted sums of the neighbours of a run. Included inside a level's namespace by warp_simd.inl.hpp.

// --- orders 0 and 1, from an image of any dtype and strides -------------------------------------------------

// Elements of S bytes are copied as they are and converted afterwards, in vectors: a gather by plain loads, as gather
// instructions are slower on many processors. Only their size matters.
template <int S>
void gather_samples(const Source& source, const std::int64_t* corner, char* VOXKERN_RESTRICT samples) {
    for (int l = 0; l < kRun; ++l) __builtin_memcpy(samples + l * S, source.base + corner[l] * S, S);
}

// Pairs along the last axis, of the 2^(D-1) rows around each lane.
template <int D, int S>
void gather_pairs(const Source& source, const std::int64_t* corner, char* VOXKERN_RESTRICT pairs) {
    constexpr int R = 1 << (D - 1);
    std::int64_t rows[R];
    for (int r = 0; r < R; ++r) {
        rows[r] = 0;
        for (int d = 0; d < D - 1; ++d) rows[r] += (r >> (D - 2 - d) & 1) * source.strides[d] * S;
    }
    const std::int64_t next = source.strides[D - 1] * S;
    for (int l = 0; l < kRun; ++l) {
        const char* const from = source.base + corner[l] * S;
        for (int r = 0; r < R; ++r) {
            char* const to = pairs + (r * kRun + l) * 2 * S;
            if (next == S) {
                __builtin_memcpy(to, from + rows[r], 2 * S);
            } else {
                __builtin_memcpy(to, from + rows[r], S);
                __builtin_memcpy(to + S, from + rows[r] + next, S);
            }
        }
    }
}

template <class F>
void with_itemsize(std::int64_t itemsize, F&& f) {
    switch (itemsize) {
        case 1: f(Constant<1>{}); break;
        case 2: f(Constant<2>{}); break;
        case 4: f(Constant<4>{}); break;
        default: f(Constant<8>{}); break;
    }
}

// Has gather(itemsize, target) copy n elements, and makes C of them.
template <class C, int N, class Gather>
void gather_as(const Source& source, C (&samples)[N], Gather&& gather) {
    if (source.dtype == DTypeOf<C>::value) {
        gather(Constant<sizeof(C)>{}, reinterpret_cast<char*>(samples));
        return;
    }
    alignas(64) char raw[8 * N];
    with_itemsize(source.itemsize, [&](auto size) { gather(size, raw); });
    load_row_of<C>(source.dtype)(raw, 1, samples, N);
}

template <int D, class C>
void take_linear(const Source& source, RunState<C>& state) {
    constexpr int R = 1 << (D - 1);
    alignas(64) C pairs[R * 2 * kRun];
    gather_as(source, pairs, [&](auto size, char* to) { gather_pairs<D, size.value>(source, state.corner, to); });
    const C* VOXKERN_RESTRICT const fx = state.fraction[D - 1];
    const C* VOXKERN_RESTRICT const fy = state.fraction[D > 1 ? D - 2 : 0];
    const C* VOXKERN_RESTRICT const fz = state.fraction[D > 2 ? D - 3 : 0];
    C* VOXKERN_RESTRICT const result = state.result;
    for (int l = 0; l < kRun; ++l) {
        C row[R];
        for (int r = 0; r < R; ++r) {
            const C* const pair = pairs + (r * kRun + l) * 2;
            row[r] = fused(pair[1], fx[l], pair[0] * (C(1) - fx[l]));
        }
        if constexpr (D == 1) {
            result[l] = row[0];
        } else if constexpr (D == 2) {
            result[l] = fused(row[1], fy[l], row[0] * (C(1) - fy[l]));
        } else {
            const C low = fused(row[1], fy[l], row[0] * (C(1) - fy[l]));
            const C high = fused(row[3], fy[l], row[2] * (C(1) - fy[l]));
            result[l] = fused(high, fz[l], low * (C(1) - fz[l]));
        }
    }
}

template <class C>
void take_direct(const Source& source, RunState<C>& state) {
    if (source.kernel.taps() == 1) {
        gather_as(source, state.result,
                  [&](auto size, char* to) { gather_samples<size.value>(source, state.corner, to); });
    } else {
        with_axes(source.axes, [&](auto axes) { take_linear<axes.value>(source, state); });
    }
}

// --- more taps, from a padded copy in the compute type ------------------------------------------------------

// Taps along the last axis are read as one vector of 4, 8 or 16.
constexpr int padded_taps(int taps) {
    return taps <= 4 ? 4 : (taps <= 8 ? 8 : 16);
}

// sum += a * b: fused where the level has the instruction. By reference: some are wider than its registers.
template <class C, class Row>
inline void row_madd(const Row& a, const Row& b, Row& sum) {
#if defined(__FMA__)
    if constexpr (kSame<C, float> && sizeof(Row) == 16) {
        sum = (Row)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)sum);
        return;
    } else if constexpr (kSame<C, float> && sizeof(Row) == 32) {
        sum = (Row)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
        return;
    } else if constexpr (kSame<C, double> && sizeof(Row) == 32) {
        sum = (Row)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)sum);
        return;
    }
#endif
    sum += a * b;
}

// K taps along every axis; `Volume`: of three axes, else of one or two.
template <bool Volume, int K, class C>
void take_rows(const Source& source, RunState<C>& state) {
    constexpr int P = padded_taps(K);
    typedef C Row __attribute__((vector_size(P * sizeof(C))));
    const C* const base = reinterpret_cast<const C*>(source.base);
    const int last = source.axes - 1;
    const int rows = Volume || last > 0 ? K : 1;
    const std::int64_t sy = last > 0 ? source.strides[last - 1] : 0;
    const std::int64_t sz = Volume ? source.strides[0] : 0;
    const auto& wy = state.weights[last > 0 ? last - 1 : 0];
    const auto& wz = state.weights[0];
    alignas(64) C sums[kRun][P];  // over all axes but the last
    for (int l = 0; l < kRun; ++l) {
        const C* const corner = base + state.corner[l];
        Row sum = {};
        for (int z = 0; z < (Volume ? K : 1); ++z) {
            Row plane = {};
            for (int y = 0; y < (Volume ? K : rows); ++y) {
                Row row;
                __builtin_memcpy(&row, corner + z * sz + y * sy, sizeof(row));
                if (rows > 1) {
                    row_madd<C>(row, Row{} + wy[y][l], plane);
                } else {
                    plane = row;
                }
            }
            if constexpr (Volume) {
                row_madd<C>(plane, Row{} + wz[z][l], sum);
            } else {
                sum = plane;
            }
        }
        __builtin_memcpy(sums[l], &sum, sizeof(sum));
    }
    const auto& wx = state.weights[last];
    for (int l = 0; l < kRun; ++l) {
        C total = sums[l][0] * wx[0][l];
        for (int k = 1; k < K; ++k) total = fused(sums[l][k], wx[k][l], total);
        state.result[l] = total;
    }
}

template <class C>
void take_padded(const Source& source, RunState<C>& state) {
    with_taps(source.kernel.taps(), [&](auto taps) {
        if (source.axes == 3) {
            take_rows<true, taps.value>(source, state);
        } else {
            take_rows<false, taps.value>(source, state);
        }
    });
}

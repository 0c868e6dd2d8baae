// SPDX-License-Identifier: Apache-2.0
// The weighted sums of the neighbours of a run. Included inside a level's namespace by warp_simd.inl.hpp.

// --- orders 0 and 1, from an image of any dtype and strides -------------------------------------------------

template <class C, class T>
void take_nearest(const Source& source, RunState<C>& state) {
    const T* const base = reinterpret_cast<const T*>(source.base);
    for (int l = 0; l < kRun; ++l) state.result[l] = static_cast<C>(base[state.corner[l]]);
}

// The 2^(D-1) rows around a lane, in elements from its corner.
template <int D>
inline void find_rows(const Source& source, std::int64_t* rows) {
    for (int r = 0; r < 1 << (D - 1); ++r) {
        rows[r] = 0;
        for (int d = 0; d < D - 1; ++d) rows[r] += (r >> (D - 2 - d) & 1) * source.strides[d];
    }
}

// Samples of those rows become the one between them: along the middle axis, then along the slowest. X is one lane or
// a vector of lanes.
template <int D, class C, class X>
inline X blend_rows(const X* row, const X& fy, const X& fz) {
    if constexpr (D == 1) {
        return row[0];
    } else if constexpr (D == 2) {
        return madd(row[1], fy, row[0] * (C(1) - fy));
    } else {
        const X low = madd(row[1], fy, row[0] * (C(1) - fy));
        const X high = madd(row[3], fy, row[2] * (C(1) - fy));
        return madd(high, fz, low * (C(1) - fz));
    }
}

// Pairs of neighbours along the last axis, by plain loads: gather instructions are slower on many processors. Floats
// side by side are put together in registers.
#if defined(__SSE2__)
constexpr bool kHasPairs = true;

struct Pairs {
    Vec<float> left;
    Vec<float> right;
};

// The pairs at `row` + at[0], at[1], ... for a vector of lanes. They come in an order that lets the shuffles stay
// within 128 bits.
inline Pairs load_pairs(const float* row, const std::int64_t* at) {
    const auto pair = [row, at](int lane) {
        double bits;
        __builtin_memcpy(&bits, row + at[lane], sizeof(bits));
        return bits;
    };
#if defined(__AVX512F__)
    const __m512 a =
        _mm512_castpd_ps(_mm512_set_pd(pair(13), pair(12), pair(9), pair(8), pair(5), pair(4), pair(1), pair(0)));
    const __m512 b =
        _mm512_castpd_ps(_mm512_set_pd(pair(15), pair(14), pair(11), pair(10), pair(7), pair(6), pair(3), pair(2)));
    return {_mm512_maskz_shuffle_ps(0xFFFF, a, b, 0x88), _mm512_maskz_shuffle_ps(0xFFFF, a, b, 0xDD)};
#elif defined(__AVX__)
    const __m256 a = _mm256_castpd_ps(_mm256_set_pd(pair(5), pair(4), pair(1), pair(0)));
    const __m256 b = _mm256_castpd_ps(_mm256_set_pd(pair(7), pair(6), pair(3), pair(2)));
    return {_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xDD)};
#else
    const __m128 a = _mm_castpd_ps(_mm_set_pd(pair(1), pair(0)));
    const __m128 b = _mm_castpd_ps(_mm_set_pd(pair(3), pair(2)));
    return {_mm_shuffle_ps(a, b, 0x88), _mm_shuffle_ps(a, b, 0xDD)};
#endif
}

template <int D>
void take_linear_pairs(const Source& source, RunState<float>& state) {
    constexpr int R = 1 << (D - 1);
    std::int64_t rows[R];
    find_rows<D>(source, rows);
    const float* const base = reinterpret_cast<const float*>(source.base);
    for (std::int64_t l = 0; l < kRun; l += kVec<float>) {
        const Vec<float> fx = load(state.fraction[D - 1] + l);
        const Vec<float> fy = load(state.fraction[D > 1 ? D - 2 : 0] + l);
        const Vec<float> fz = load(state.fraction[D > 2 ? D - 3 : 0] + l);
        Vec<float> row[R];
        for (int r = 0; r < R; ++r) {
            const Pairs pairs = load_pairs(base + rows[r], state.corner + l);
            row[r] = madd(pairs.right, fx, pairs.left * (1.0F - fx));
        }
        store(state.result + l, blend_rows<D, float>(row, fy, fz));
    }
}
#else
constexpr bool kHasPairs = false;
template <int D>
void take_linear_pairs(const Source&, RunState<float>&);
#endif

// The same for any dtype and stride, by way of memory.
template <int D, class T>
void gather_pairs(const Source& source, const std::int64_t* corner, T (*VOXKERN_RESTRICT pairs)[2 * kRun]) {
    constexpr int R = 1 << (D - 1);
    std::int64_t rows[R];
    find_rows<D>(source, rows);
    const T* const base = reinterpret_cast<const T*>(source.base);
    const std::int64_t next = source.strides[D - 1];
    if (next == 1) {
        for (int l = 0; l < kRun; ++l) {
            for (int r = 0; r < R; ++r) __builtin_memcpy(&pairs[r][2 * l], base + rows[r] + corner[l], 2 * sizeof(T));
        }
        return;
    }
    for (int l = 0; l < kRun; ++l) {
        for (int r = 0; r < R; ++r) {
            const T* const from = base + rows[r] + corner[l];
            pairs[r][2 * l] = from[0];
            pairs[r][2 * l + 1] = from[next];
        }
    }
}

template <int D, class C, class T>
void take_linear(const Source& source, RunState<C>& state) {
    constexpr int R = 1 << (D - 1);
    alignas(64) T pairs[R][2 * kRun];
    gather_pairs<D>(source, state.corner, pairs);
    const C* VOXKERN_RESTRICT const fx = state.fraction[D - 1];
    const C* VOXKERN_RESTRICT const fy = state.fraction[D > 1 ? D - 2 : 0];
    const C* VOXKERN_RESTRICT const fz = state.fraction[D > 2 ? D - 3 : 0];
    C* VOXKERN_RESTRICT const result = state.result;
    for (int l = 0; l < kRun; ++l) {
        C row[R];
        for (int r = 0; r < R; ++r) {
            const C left = static_cast<C>(pairs[r][2 * l]) * (C(1) - fx[l]);
            row[r] = madd(static_cast<C>(pairs[r][2 * l + 1]), fx[l], left);
        }
        result[l] = blend_rows<D, C>(row, fy[l], fz[l]);
    }
}

template <class C, class T>
void take_samples(const Source& source, RunState<C>& state) {
    if (source.kernel.taps() == 1) {
        take_nearest<C, T>(source, state);
    } else {
        with_axes(source.axes, [&](auto axes) {
            constexpr int D = axes.value;
            if constexpr (kHasPairs && kSame<C, float> && kSame<T, float>) {
                if (source.strides[D - 1] == 1) return take_linear_pairs<D>(source, state);
            }
            take_linear<D, C, T>(source, state);
        });
    }
}

template <class C>
void take_direct(const Source& source, RunState<C>& state) {
    switch (source.dtype) {
#define VOXKERN_CASE(name, T) \
    case DType::name: return take_samples<C, T>(source, state);
        VOXKERN_DTYPES(VOXKERN_CASE)
#undef VOXKERN_CASE
    }
}

// --- more taps, from a padded copy in the compute type ------------------------------------------------------

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

template <class C>
void take_line(const Source& source, RunState<C>& state) {
    const C* const base = reinterpret_cast<const C*>(source.base);
    for (int l = 0; l < kRun; ++l) state.result[l] = base[state.corner[l]] * state.weights[0][0][l];
    for (int k = 1; k < source.kernel.taps(); ++k) {
        for (int l = 0; l < kRun; ++l) {
            state.result[l] = madd(base[state.corner[l] + k], state.weights[0][k][l], state.result[l]);
        }
    }
}

// result = the sum of the first K of the P values of each lane, weighed.
template <int K, int P, class C>
void sum_columns(const C (*VOXKERN_RESTRICT values)[P], const C (*VOXKERN_RESTRICT weights)[kRun],
                 C* VOXKERN_RESTRICT result) {
    for (int l = 0; l < kRun; ++l) {
        C total = values[l][0] * weights[0][l];
        for (int k = 1; k < K; ++k) total = madd(values[l][k], weights[k][l], total);
        result[l] = total;
    }
}

#if defined(__AVX2__)
// Four values of each lane are turned into columns of eight lanes: compilers leave that loop scalar.
template <int K>
void sum_four_columns(const float (*values)[4], const float (*weights)[kRun], float* result) {
    for (int l = 0; l < kRun; l += 8) {
        __m256 r[4];
        for (int i = 0; i < 4; ++i) {
            r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(values[l + i])),
                                        _mm_load_ps(values[l + i + 4]), 1);
        }
        const __m256 a = _mm256_unpacklo_ps(r[0], r[1]);
        const __m256 b = _mm256_unpackhi_ps(r[0], r[1]);
        const __m256 c = _mm256_unpacklo_ps(r[2], r[3]);
        const __m256 d = _mm256_unpackhi_ps(r[2], r[3]);
        const __m256 columns[4] = {_mm256_shuffle_ps(a, c, 0x44), _mm256_shuffle_ps(a, c, 0xEE),
                                   _mm256_shuffle_ps(b, d, 0x44), _mm256_shuffle_ps(b, d, 0xEE)};
        __m256 total = _mm256_mul_ps(columns[0], _mm256_load_ps(weights[0] + l));
        for (int k = 1; k < K; ++k) total = _mm256_fmadd_ps(columns[k], _mm256_load_ps(weights[k] + l), total);
        _mm256_store_ps(result + l, total);
    }
}
#endif

// K taps along each of two or three axes. Those along the last axis are read as one vector of P elements. Z planes, 0:
// as many as the kernel has taps.
template <int K, int Z, class C>
void take_rows(const Source& source, RunState<C>& state) {
    constexpr int P = K <= 4 ? 4 : (K <= 8 ? 8 : 16);
    typedef C Row __attribute__((vector_size(P * sizeof(C))));
    const C* const base = reinterpret_cast<const C*>(source.base);
    const int last = source.axes - 1;
    const int planes = Z > 0 ? Z : source.kernel.taps();
    const std::int64_t sy = source.strides[last - 1];
    const std::int64_t sz = source.strides[0];
    const auto& wx = state.weights[last];
    const auto& wy = state.weights[last - 1];
    const auto& wz = state.weights[0];
    alignas(64) C sums[kRun][P];  // over all axes but the last
    for (int l = 0; l < kRun; ++l) {
        const C* const corner = base + state.corner[l];
        Row sum = {};
        for (int z = 0; z < planes; ++z) {
            Row plane = {};
            for (int y = 0; y < K; ++y) {
                Row row;
                __builtin_memcpy(&row, corner + z * sz + y * sy, sizeof(row));
                row_madd<C>(row, wy[y][l] - Row{}, plane);
            }
            if constexpr (Z == 1) {
                sum = plane;
            } else {
                row_madd<C>(plane, wz[z][l] - Row{}, sum);
            }
        }
        __builtin_memcpy(sums[l], &sum, sizeof(sum));
    }
#if defined(__AVX2__)
    if constexpr (kSame<C, float> && P == 4) return sum_four_columns<K>(sums, wx, state.result);
#endif
    sum_columns<K>(sums, wx, state.result);
}

template <int K, class C>
void take_planes(const Source& source, RunState<C>& state) {
    if (source.axes == 2) return take_rows<K, 1>(source, state);
    take_rows<K, (K <= 4 ? K : 0)>(source, state);  // unrolled rows of more taps are long enough
}

template <class C>
void take_padded(const Source& source, RunState<C>& state) {
    if (source.axes == 1) return take_line(source, state);
    switch (source.kernel.taps()) {
        case 2: return take_planes<2>(source, state);
        case 3: return take_planes<3>(source, state);
        case 4: return take_planes<4>(source, state);
        case 5: return take_planes<5>(source, state);
        case 6: return take_planes<6>(source, state);
        case 8: return take_planes<8>(source, state);
        default: return take_planes<10>(source, state);
    }
}

// SPDX-License-Identifier: Apache-2.0
// The weighted sums of the neighbours of a run. Included inside a level's namespace by warp_simd.inl.hpp.

// --- orders 0 and 1, from an image of any dtype and strides -------------------------------------------------

template <class C, class T>
void take_nearest(const Source& source, RunState<C>& state) {
    const T* const base = reinterpret_cast<const T*>(source.base);
    for (int l = 0; l < kRun; ++l) state.result[l] = static_cast<C>(base[state.corner[l]]);
}

// The pairs along the last axis, of the 2^(D-1) rows around each lane, as they are. A gather by plain loads: gather
// instructions are slower on many processors.
template <int D, class T>
void gather_pairs(const Source& source, const std::int64_t* corner, T (*VOXKERN_RESTRICT pairs)[2 * kRun]) {
    constexpr int R = 1 << (D - 1);
    std::int64_t rows[R];
    for (int r = 0; r < R; ++r) {
        rows[r] = 0;
        for (int d = 0; d < D - 1; ++d) rows[r] += (r >> (D - 2 - d) & 1) * source.strides[d];
    }
    const T* const base = reinterpret_cast<const T*>(source.base);
    const std::int64_t next = source.strides[D - 1];
    for (int l = 0; l < kRun; ++l) {
        const T* const from = base + corner[l];
        for (int r = 0; r < R; ++r) {
            if (next == 1) {
                __builtin_memcpy(&pairs[r][2 * l], from + rows[r], 2 * sizeof(T));
            } else {
                pairs[r][2 * l] = from[rows[r]];
                pairs[r][2 * l + 1] = from[rows[r] + next];
            }
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
        if constexpr (D == 1) {
            result[l] = row[0];
        } else if constexpr (D == 2) {
            result[l] = madd(row[1], fy[l], row[0] * (C(1) - fy[l]));
        } else {
            const C low = madd(row[1], fy[l], row[0] * (C(1) - fy[l]));
            const C high = madd(row[3], fy[l], row[2] * (C(1) - fy[l]));
            result[l] = madd(high, fz[l], low * (C(1) - fz[l]));
        }
    }
}

template <class C, class T>
void take_samples(const Source& source, RunState<C>& state) {
    if (source.kernel.taps() == 1) {
        take_nearest<C, T>(source, state);
    } else {
        with_axes(source.axes, [&](auto axes) { take_linear<axes.value, C, T>(source, state); });
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

// K taps along each of two or three axes. Those along the last axis are read as one vector of P elements.
template <int K, class C>
void take_rows(const Source& source, RunState<C>& state) {
    constexpr int P = K <= 4 ? 4 : (K <= 8 ? 8 : 16);
    typedef C Row __attribute__((vector_size(P * sizeof(C))));
    const C* const base = reinterpret_cast<const C*>(source.base);
    const int last = source.axes - 1;
    const int planes = last > 1 ? source.kernel.taps() : 1;  // not K: unrolled rows are long enough
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
                row_madd<C>(row, Row{} + wy[y][l], plane);
            }
            if (planes == 1) {
                sum = plane;
            } else {
                row_madd<C>(plane, Row{} + wz[z][l], sum);
            }
        }
        __builtin_memcpy(sums[l], &sum, sizeof(sum));
    }
    for (int l = 0; l < kRun; ++l) {
        C total = sums[l][0] * wx[0][l];
        for (int k = 1; k < K; ++k) total = madd(sums[l][k], wx[k][l], total);
        state.result[l] = total;
    }
}

template <class C>
void take_padded(const Source& source, RunState<C>& state) {
    if (source.axes == 1) return take_line(source, state);
    switch (source.kernel.taps()) {
        case 2: return take_rows<2>(source, state);
        case 3: return take_rows<3>(source, state);
        case 4: return take_rows<4>(source, state);
        case 5: return take_rows<5>(source, state);
        case 6: return take_rows<6>(source, state);
        case 8: return take_rows<8>(source, state);
        default: return take_rows<10>(source, state);
    }
}

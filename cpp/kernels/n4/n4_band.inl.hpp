// SPDX-License-Identifier: Apache-2.0
// What the sweeps of n4_simd.inl.hpp are made of: vectors, the expansion of control points along the
// columns, and bands of rows. Included inside a level's unnamed namespace.

using F = Vec<float>;
typedef std::int32_t I __attribute__((vector_size(VOXKERN_VEC_BYTES)));
typedef std::int64_t Wide __attribute__((vector_size(2 * VOXKERN_VEC_BYTES)));
constexpr std::int64_t kLanes = kVec<float>;

inline I to_int(F x) {
    return __builtin_convertvector(x, I);
}
inline F to_float(I x) {
    return __builtin_convertvector(x, F);
}
inline F smaller(F a, F b) {
    return a < b ? a : b;
}
inline F larger(F a, F b) {
    return a > b ? a : b;
}

// Samples j, j + 1, ... of a block that take part, as -1 and 0.
inline I lanes_of(unsigned lanes, std::int64_t j) {
    I bit;
    for (std::int64_t l = 0; l < kLanes; ++l) bit[l] = 1 << l;
    return ((I{} + static_cast<std::int32_t>(lanes >> j)) & bit) != 0;
}

// e^x within 1 ulp or so: x = n ln 2 + r, a polynomial in r, and n added to the exponent.
inline F exponential(F x) {
    x = smaller(larger(x, splat(-87.0F)), splat(87.0F));
    const F shift = splat(12582912.0F);  // adding it rounds to whole numbers
    const F n = madd(x, splat(1.44269504F), shift) - shift;
    F r = madd(n, splat(-0.693359375F), x);
    r = madd(n, splat(2.12194440e-4F), r);
    F p = splat(1.0F / 5040.0F);
    p = madd(p, r, splat(1.0F / 720.0F));
    p = madd(p, r, splat(1.0F / 120.0F));
    p = madd(p, r, splat(1.0F / 24.0F));
    p = madd(p, r, splat(1.0F / 6.0F));
    p = madd(p, r, splat(0.5F));
    p = madd(p * r, r, r) + splat(1.0F);
    I bits;
    __builtin_memcpy(&bits, &p, sizeof(bits));
    bits += to_int(n) << 23;
    __builtin_memcpy(&p, &bits, sizeof(p));
    return p;
}

// e^-x - 1 for |x| up to kShort, within 1e-7.
inline F ratio_less_one(F x) {
    F p = splat(1.0F / 24.0F);
    p = madd(p, x, splat(-1.0F / 6.0F));
    p = madd(p, x, splat(0.5F));
    return madd(p * x, x, -x);
}

// r[i] = table[k[i]] + f[i] * (table[k[i] + 1] - table[k[i]]) for n samples, a multiple of 4. Pairs are
// loaded as 8 bytes: cheaper than gathers.
void interpolate(const float* table, const std::int32_t* k, const float* f, float* r, std::int64_t n) {
#if defined(__x86_64__)
    for (std::int64_t i = 0; i < n; i += 4) {
        const auto pair = [&](std::int64_t l) { return reinterpret_cast<const __m64*>(table + k[i + l]); };
        const __m128 a = _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), pair(0)), pair(1));
        const __m128 b = _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), pair(2)), pair(3));
        const __m128 low = _mm_shuffle_ps(a, b, 0x88);
        const __m128 high = _mm_shuffle_ps(a, b, 0xDD);
        _mm_storeu_ps(r + i, _mm_add_ps(_mm_mul_ps(_mm_sub_ps(high, low), _mm_loadu_ps(f + i)), low));
    }
#else
    for (std::int64_t i = 0; i < n; ++i) r[i] = (table[k[i] + 1] - table[k[i]]) * f[i] + table[k[i]];
#endif
}

// Adds the lanes of x to double sums, one per lane of a block, so that rows end without a horizontal sum.
inline void add_lanes(double* sums, F x) {
    for (std::int64_t l = 0; l < kLanes; ++l) sums[l] += static_cast<double>(x[l]);
}

inline double sum_of_lanes(double* sums) {
    for (std::int64_t n = kLanes / 2; n > 0; n /= 2) {
        for (std::int64_t l = 0; l < n; ++l) sums[l] += sums[l + n];
    }
    return sums[0];
}

void expand(const Spline& spline, std::int64_t plane, float* VOXKERN_RESTRICT controls, float* VOXKERN_RESTRICT out) {
    const Basis& planes = spline.plane;
    const Basis& columns = spline.column;
    const std::int64_t size = spline.row.controls * columns.controls;
    const float* const from = spline.coefficients + planes.cell[plane] * size;
    for (std::int64_t i = 0; i < size; ++i) controls[i] = 0.0F;
    for (std::int64_t k = 0; k < planes.taps; ++k) {
        const float w = planes.value[k * planes.stride + plane];
        for (std::int64_t i = 0; i < size; ++i) controls[i] += w * from[k * size + i];
    }
    const std::int64_t spans = columns.controls - columns.taps + 1;
    for (std::int64_t r = 0; r < spline.row.controls; ++r) {
        float* const row = out + r * columns.stride;
        const float* const line = controls + r * columns.controls;
        for (std::int64_t s = 0; s < spans; ++s) {  // a span overruns into the next, which overwrites it
            for (std::int64_t x = columns.span_begin[s]; x < columns.span_begin[s + 1]; x += kLanes) {
                F sum = {};
                for (std::int64_t k = 0; k < columns.taps; ++k) {
                    sum = madd(load(columns.value + k * columns.stride + x), splat(line[s + k]), sum);
                }
                store(row + x, sum);
            }
        }
    }
}

// The spline in `Rows` rows of one span: the same lines, other weights.
template <int Taps, int Rows>
struct Band {
    const float* lines;
    std::int64_t stride;
    F weight[Rows][Taps];

    Band(const Spline& spline, const float* expanded, std::int64_t row)
        : lines(expanded + spline.row.cell[row] * spline.column.stride), stride(spline.column.stride) {
        for (int r = 0; r < Rows; ++r) {
            for (int k = 0; k < Taps; ++k) {
                weight[r][k] = splat(spline.row.value[k * spline.row.stride + row + r]);
            }
        }
    }

    // Values at column x of all rows: the lines are loaded once.
    void at(std::int64_t x, F (&value)[Rows]) const {
        const float* const p = lines + x;
        for (int r = 0; r < Rows; ++r) value[r] = load(p) * weight[r][0];
        for (int k = 1; k < Taps; ++k) {
            const F line = load(p + k * stride);
            for (int r = 0; r < Rows; ++r) value[r] = madd(line, weight[r][k], value[r]);
        }
    }
};

// The image in those rows: where the values are, and which blocks of them take part.
template <int Rows>
struct ImageRows {
    const float* values[Rows];
    const std::uint16_t* lanes[Rows];
    std::int64_t index;  // of the first row
    std::int64_t begin;
    std::int64_t end;

    ImageRows(const Grid& grid, std::int64_t plane, std::int64_t row) : index(plane * grid.rows + row) {
        begin = grid.blocks;
        end = 0;
        for (int r = 0; r < Rows; ++r) {
            const std::int64_t i = index + r;
            values[r] = i == grid.planes * grid.rows - 1 ? grid.last_row : grid.log_image + i * grid.pitch;
            lanes[r] = grid.lanes + i * grid.blocks;
            begin = grid.first_block[i] < begin ? grid.first_block[i] : begin;
            end = grid.end_block[i] > end ? grid.end_block[i] : end;
        }
    }

    bool empty() const { return begin >= end; }
};

// Calls body.four(row) and body.one(row) for the rows of a plane: four where they share their spans of
// both splines.
template <class Body>
void for_bands(const Grid& grid, const Basis& one, const Basis& other, Body&& body) {
    std::int64_t y = 0;
    while (y < grid.rows) {
        const std::int64_t last = y + kBandRows - 1;
        if (last < grid.rows && one.cell[y] == one.cell[last] && other.cell[y] == other.cell[last]) {
            body.four(y);
            y += kBandRows;
        } else {
            body.one(y);
            ++y;
        }
    }
}

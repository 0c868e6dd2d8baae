// SPDX-License-Identifier: Apache-2.0
// Row loops of tiles that are filtered in Fourier space. Included by correlate_simd.inl.hpp.

// The largest magnitude of n elements, whole vectors; infinity where one is NaN. Magnitudes are in the order of their
// bits.
template <class C>
C largest_magnitude(const C* x, std::int64_t n) {
    using Bits = std::make_signed_t<Word<C>>;
    typedef Bits Magnitudes __attribute__((vector_size(VOXKERN_VEC_BYTES)));
    Magnitudes most = {};
    for (std::int64_t i = 0; i < n; i += kVec<C>) {
        Magnitudes bits;
        __builtin_memcpy(&bits, x + i, sizeof(bits));
        bits &= static_cast<Bits>(~kTopBit<C>);
        most = bits > most ? bits : most;
    }
    Bits bits = 0;
    for (int i = 0; i < kVec<C>; ++i) bits = most[i] > bits ? most[i] : bits;
    C largest;
    __builtin_memcpy(&largest, &bits, sizeof(bits));
    return largest == largest ? largest : static_cast<C>(__builtin_inf());
}

// The samples of a plane that the results of the tile need, and zeros behind them.
template <class C>
void load_plane(const FourierTask<C>& task, std::int64_t z, C* plane) {
    const Task<C>& arrays = task.arrays;
    const LoadRow<C> load_line = load_row_of<C>(arrays.in_dtype);
    const AxisTask& planes = arrays.outer[0];
    const AxisTask& rows = arrays.outer[1];
    const std::int64_t source_z = source_of(planes, task.parts[0].first - planes.before + z);
    const std::int64_t count = task.parts[1].count + rows.taps - 1;
    const std::int64_t samples = task.parts[2].count + arrays.row.taps - 1;
    for (std::int64_t y = 0; y < count; ++y) {
        const std::int64_t source_y = source_of(rows, task.parts[1].first - rows.before + y);
        C* const to = plane + y * arrays.pitch;
        if (source_z < 0 || source_y < 0) {
            fill_row(to, arrays.cval, samples);
            fill_row(to + samples, C{0}, arrays.pitch - samples);
            continue;
        }
        const char* const row =
            arrays.in + (source_z * planes.in_stride + source_y * rows.in_stride) * arrays.in_itemsize;
        load_extended(arrays, row, task.parts[2], load_line, false, to);
        const std::int64_t next = planes.in_stride + (task.parts[2].first - arrays.row.before) * arrays.in_step;
        if (arrays.in_step == 1) fetch_ahead(row + next * arrays.in_itemsize, samples * arrays.in_itemsize);
    }
    fill_row(plane + count * arrays.pitch, C{0}, (task.transforms[1].length - count) * arrays.pitch);
}

// Columns of a plane are transformed in pairs, as the real and imaginary parts of one line: those that lie a cache line
// apart, at every level. Calls visit(column) for the first columns of as many pairs as a vector has lanes.
template <class C, class Visit>
VOXKERN_INLINE void for_pairs(const FourierTask<C>& task, const Visit& visit) {
    for (std::int64_t x = 0; x < task.columns; x += 2 * kRowAlign<C>) {
        for (std::int64_t lane = 0; lane < kRowAlign<C>; lane += kVec<C>) visit(x + lane);
    }
}

template <class C, class Transform>
VOXKERN_INLINE void transform_columns(const FourierTask<C>& task, C* plane, const Transform& transform) {
    for_pairs(task, [&](std::int64_t x) {
        transform(task.transforms[1], Points<C>{plane + x, task.arrays.pitch, kRowAlign<C>});
    });
}

// Planes of samples into the spectrum: transformed along the rows' axis, and multiplied by two.
template <class C>
C forward(const FourierTask<C>& task, std::int64_t first, std::int64_t last, C* plane, C* spectrum) {
    const std::int64_t pitch = task.arrays.pitch;
    const std::int64_t n = task.transforms[1].length;
    const std::int64_t loaded = task.parts[0].count + task.arrays.outer[0].taps - 1;
    C largest = 0;
    for (std::int64_t z = first; z < last; ++z) {
        if (z < loaded) {
            load_plane(task, z, plane);
            const C most = largest_magnitude(plane, n * pitch);
            largest = most > largest ? most : largest;
            transform_columns(task, plane, transform_forward<C>);
        }
        for (std::int64_t k = 0; k < task.frequencies(); ++k) {
            C* const to = spectrum + (k * task.planes() + z) * task.row_pitch;
            if (z >= loaded) {
                fill_row(to, C{0}, 2 * task.columns);
                continue;
            }
            const C* const here = plane + task.places[k] * pitch;
            const C* const mirrored = plane + task.places[k == 0 ? 0 : n - k] * pitch;
            for_pairs(task, [&](std::int64_t x) {
                const std::int64_t next = x + kRowAlign<C>;
                const Vec<C> here_re = load(here + x);
                const Vec<C> here_im = load(here + next);
                const Vec<C> mirrored_re = load(mirrored + x);
                const Vec<C> mirrored_im = load(mirrored + next);
                store(to + x, here_re + mirrored_re);
                store(to + x + task.columns, here_im - mirrored_im);
                if (next >= task.columns) return;
                store(to + next, here_im + mirrored_im);
                store(to + next + task.columns, mirrored_re - here_re);
            });
        }
    }
    return largest;
}

// Of each frequency of a group, as many columns at a time as a vector has lanes.
template <class C, class Transform>
VOXKERN_INLINE void transform_planes(const FourierTask<C>& task, std::int64_t first, std::int64_t end, C* spectrum,
                                     const Transform& transform) {
    for (std::int64_t k = first; k < end; ++k) {
        C* const rows = spectrum + k * task.planes() * task.row_pitch;
        for (std::int64_t x = 0; x < task.columns; x += kVec<C>) {
            transform(task.transforms[0], Points<C>{rows + x, task.row_pitch, task.columns});
        }
    }
}

// Transforms a group along the planes' axis and along its rows; these as many at a time as a vector has lanes. Calls
// visit(offset of their weights, the rows, how many) when `lines` holds them.
template <class C, class Visit>
VOXKERN_INLINE void transform_group(const FourierTask<C>& task, std::int64_t first, std::int64_t end, C* spectrum,
                                    C* lines, const Visit& visit) {
    const std::int64_t length = task.transforms[2].length;
    const std::int64_t rows = (end - first) * task.planes();
    transform_planes(task, first, end, spectrum, transform_forward<C>);
    for (std::int64_t r = 0; r < rows; r += kVec<C>) {
        const std::int64_t count = rows - r < kVec<C> ? rows - r : kVec<C>;
        C* const from = spectrum + (first * task.planes() + r) * task.row_pitch;
        if (count < kVec<C>) fill_row(lines, C{0}, 2 * length * kVec<C>);
        transpose(from, task.row_pitch, lines, 2 * kVec<C>, count, length);
        transpose(from + task.columns, task.row_pitch, lines + kVec<C>, 2 * kVec<C>, count, length);
        transform_forward(task.transforms[2], Points<C>{lines, 2 * kVec<C>, kVec<C>});
        visit(r * 2 * length, from, count);
    }
}

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
    return a < b ? a : b;
}

template <class C>
void spectrum_of(const FourierTask<C>& task, std::int64_t group, C scale, C* spectrum, C* lines, C* weights) {
    const std::int64_t first = group * task.group;
    const std::int64_t end = smaller(first + task.group, task.frequencies());
    const std::int64_t length = task.transforms[2].length;
    weights += group * task.group_size;
    transform_group(task, first, end, spectrum, lines, [&](std::int64_t at, const C* /*rows*/, std::int64_t /*n*/) {
        for (std::int64_t x = 0; x < 2 * length * kVec<C>; x += 2 * kVec<C>) {
            store(weights + at + x, load(lines + x) * splat(scale));
            store(weights + at + x + kVec<C>, load(lines + x + kVec<C>) * splat(-scale));
        }
    });
}

// There, times the weights, and back again along the rows and the planes' axis.
template <class C>
void filter_group(const FourierTask<C>& task, std::int64_t group, const C* weights, C* spectrum, C* lines) {
    const std::int64_t first = group * task.group;
    const std::int64_t end = smaller(first + task.group, task.frequencies());
    const std::int64_t length = task.transforms[2].length;
    weights += group * task.group_size;
    transform_group(task, first, end, spectrum, lines, [&](std::int64_t at, C* rows, std::int64_t count) {
        for (std::int64_t x = 0; x < 2 * length * kVec<C>; x += 2 * kVec<C>) {
            Vec<C> re = load(lines + x);
            Vec<C> im = load(lines + x + kVec<C>);
            turn(re, im, load(weights + at + x), load(weights + at + x + kVec<C>));
            store(lines + x, re);
            store(lines + x + kVec<C>, im);
        }
        transform_inverse(task.transforms[2], Points<C>{lines, 2 * kVec<C>, kVec<C>});
        transpose(lines, 2 * kVec<C>, rows, task.row_pitch, length, count);
        transpose(lines + kVec<C>, 2 * kVec<C>, rows + task.columns, task.row_pitch, length, count);
    });
    transform_planes(task, first, end, spectrum, transform_inverse<C>);
}

// The nearest multiple of a unit. Adding so large a number rounds to whole ones.
inline void round_row(double* row, double unit, std::int64_t n) {
    constexpr double kRounds = 6755399441055744.0;  // 1.5 * 2^52
    const double units = 1.0 / unit;
    for (std::int64_t i = 0; i < n; ++i) row[i] = ((row[i] * units + kRounds) - kRounds) * unit;
}
inline void round_row(float* /*row*/, float /*unit*/, std::int64_t /*n*/) {}

// The results of planes first <= z < last.
template <class C>
void inverse(const FourierTask<C>& task, std::int64_t first, std::int64_t last, const C* spectrum, C* plane) {
    const Task<C>& arrays = task.arrays;
    const std::int64_t pitch = arrays.pitch;
    const std::int64_t n = task.transforms[1].length;
    const StoreRow<C> store_line = store_row_of<TruncateWrap, C>(arrays.out_dtype);
    for (std::int64_t z = first; z < last; ++z) {
        for (std::int64_t k = 0; k < task.frequencies(); ++k) {
            const C* const from = spectrum + (k * task.planes() + z) * task.row_pitch;
            C* const here = plane + task.places[k] * pitch;
            C* const mirrored = plane + task.places[k == 0 ? 0 : n - k] * pitch;
            for_pairs(task, [&](std::int64_t x) {
                const std::int64_t next = x + kRowAlign<C>;
                const bool pair = next < task.columns;
                const Vec<C> re = load(from + x);
                const Vec<C> im = load(from + x + task.columns);
                const Vec<C> next_re = pair ? load(from + next) : splat(C{0});
                const Vec<C> next_im = pair ? load(from + next + task.columns) : splat(C{0});
                store(mirrored + x, re + next_im);
                store(mirrored + next, next_re - im);
                store(here + x, re - next_im);
                store(here + next, next_re + im);
            });
        }
        transform_columns(task, plane, transform_inverse<C>);
        for (std::int64_t y = 0; y < task.parts[1].count; ++y) {
            C* const row = plane + y * pitch;
            const std::int64_t offset = (task.parts[0].first + z) * arrays.outer[0].out_stride +
                                        (task.parts[1].first + y) * arrays.outer[1].out_stride +
                                        task.parts[2].first * arrays.out_step;
            if (task.unit != C{0}) round_row(row, task.unit, task.parts[2].count);
            store_line(row, arrays.out + offset * arrays.out_itemsize, arrays.out_step, task.parts[2].count);
        }
    }
}

template <class C>
constexpr FourierOps<C> kFourierOps = {load_plane<C>, forward<C>, spectrum_of<C>, filter_group<C>, inverse<C>};

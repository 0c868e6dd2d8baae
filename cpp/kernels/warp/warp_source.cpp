// SPDX-License-Identifier: Apache-2.0
#include "kernels/warp/warp_source.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "kernels/copy/copy.hpp"
#include "kernels/spline_filter/spline_filter.hpp"

namespace voxkern {
namespace {

constexpr std::int64_t kGroup = 256;  // rows of one chunk
constexpr std::int64_t kNowhere = std::numeric_limits<std::int64_t>::min();

// Positions of all axes but the last, `reach[a]` samples beyond the image; body(element of the row's sample 0).
template <class Body>
void for_rows(const Padded& geometry, const std::int64_t* reach, int without, const Exec& exec, const Body& body) {
    std::int64_t rows = 1;
    for (int a = 0; a < geometry.axes - 1; ++a) {
        if (a != without) rows *= geometry.shape[a] + 2 * reach[a];
    }
    parallel_for((rows + kGroup - 1) / kGroup, exec, [&](std::int64_t chunk) {
        for (std::int64_t row = chunk * kGroup; row < std::min(rows, (chunk + 1) * kGroup); ++row) {
            std::int64_t rest = row;
            std::int64_t element = geometry.first;
            for (int a = geometry.axes - 2; a >= 0; --a) {
                if (a == without) continue;
                const std::int64_t count = geometry.shape[a] + 2 * reach[a];
                element += (rest % count - reach[a]) * geometry.strides[a];
                rest /= count;
            }
            body(element);
        }
    });
}

// Extends a line that is filled `from` samples beyond the image to `to` samples, axis by axis.
template <class C>
void extend(const Padded& geometry, C* data, std::int64_t from, std::int64_t to, Boundary rule, const Exec& exec) {
    std::int64_t reach[kMaxWarpAxes];
    std::fill_n(reach, geometry.axes, from);
    const int last = geometry.axes - 1;
    for (int a = 0; a <= last; ++a) {
        const std::int64_t n = geometry.shape[a] + 2 * from;
        std::vector<std::int64_t> missing;  // positions on this axis, and where each is read
        std::vector<std::int64_t> source;
        for (std::int64_t h = 0; h < to - from; ++h) {
            for (const std::int64_t i : {h - (to - from), n + h}) {
                const std::int64_t folded = fold_index(i, n, rule);
                missing.push_back(i - from);
                source.push_back(folded == kOutside ? kNowhere : folded - from);
            }
        }
        const std::int64_t run = a == last ? 1 : geometry.shape[last] + 2 * reach[last];
        const std::int64_t lead = a == last ? 0 : reach[last];
        const std::int64_t stride = geometry.strides[a];
        for_rows(geometry, reach, a, exec, [&](std::int64_t element) {
            C* const row = data + element - lead;
            for (std::size_t k = 0; k < missing.size(); ++k) {
                C* const target = row + missing[k] * stride;
                if (source[k] == kNowhere) {
                    std::fill_n(target, run, C{0});
                } else {
                    std::memcpy(target, row + source[k] * stride, static_cast<std::size_t>(run) * sizeof(C));
                }
            }
        });
        reach[a] = to;
    }
}

template <class C>
void subtract(const Padded& geometry, C* data, C value, const Exec& exec) {
    const std::int64_t none[kMaxWarpAxes] = {};
    for_rows(geometry, none, -1, exec, [&](std::int64_t element) {
        for (std::int64_t i = 0; i < geometry.shape[geometry.axes - 1]; ++i) data[element + i] -= value;
    });
}

}  // namespace

Padded padded_geometry(int axes, const std::int64_t* shape, std::int64_t margin) {
    Padded geometry;
    geometry.axes = axes;
    geometry.margin = margin;
    std::int64_t stride = 1;
    for (int a = axes - 1; a >= 0; --a) {
        geometry.shape[a] = shape[a];
        geometry.strides[a] = stride;
        geometry.first += margin * stride;
        stride *= shape[a] + 2 * margin;
    }
    geometry.size = stride + 16;
    return geometry;
}

void prefilter(const ConstArrayView& in, const ArrayView& out, const Interpolator& kernel, Boundary mode,
               const Exec& exec) {
    spline_filter::Options options;
    for (int a = 0; a < in.rank; ++a) options.axes.push_back(a);
    options.order = kernel.order;
    options.mode = mode;
    options.float64 = out.dtype == DType::f64;
    cpu::spline_filter(in, out, options, exec);
}

template <class C>
void make_rimmed(const ConstArrayView& image, const WarpParams& params, const Padded& geometry, C* data,
                 const Exec& exec, WarpSource& source) {
    const bool filters = params.kernel.filters() && params.prefilter;
    const std::int64_t pad = filters ? prefilter_pad(params.kernel, params.mode) : 0;
    const ArrayView samples = view_within(geometry, data, 0);
    if (filters && pad == 0) {
        prefilter(image, samples, params.kernel, params.mode, exec);
    } else {
        cpu::copy(image, samples, exec);
        if (params.mode == Boundary::grid_constant) subtract(geometry, data, static_cast<C>(params.cval), exec);
        if (filters) {
            extend(geometry, data, 0, pad, params.mode, exec);
            const ArrayView line = view_within(geometry, data, pad);
            prefilter(as_const(line), line, params.kernel, params.mode, exec);
        }
    }
    const bool clamped = params.kernel.radius > 0 && params.mode == Boundary::fov;  // as interpolator_taps
    extend(geometry, data, pad, geometry.margin, clamped ? Boundary::nearest : tap_boundary(params.mode), exec);
    source.base = reinterpret_cast<const char*>(data + geometry.first);
    source.dtype = DTypeOf<C>::value;
    source.itemsize = sizeof(C);
    std::copy_n(geometry.shape, geometry.axes, source.shape);
    std::copy_n(geometry.strides, geometry.axes, source.strides);
    source.pad = pad;
    source.rim = geometry.margin - pad;
    source.rimmed = true;
}

template void make_rimmed<float>(const ConstArrayView&, const WarpParams&, const Padded&, float*, const Exec&,
                                 WarpSource&);
template void make_rimmed<double>(const ConstArrayView&, const WarpParams&, const Padded&, double*, const Exec&,
                                  WarpSource&);

}  // namespace voxkern
